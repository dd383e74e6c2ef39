"""The emulator as a process: found, started once for each manifest, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._errors import ValidationError, XacctSignError
from ._calls import Log
from ._files import Nameless

__tracebackhide__ = True
"""What fails here fails the test: pytest shows the line of the test."""

if TYPE_CHECKING:
    from ._calls import Since

MANIFEST = "xacct.toml"

_PATIENCE = 30.0
"""For so many seconds whoever waits for an emulator to start, or to end, takes it for one that will."""


def nearest_manifest(test: Path) -> Path:
    """The manifest beside a test's file, else that in the nearest folder above."""
    for folder in test.parents:
        # A link to nowhere, too: that one further up is another's would not be seen.
        if os.path.lexists(folder / MANIFEST):
            return folder / MANIFEST
    raise ValidationError(
        f"there is no {MANIFEST} beside `{test}`, nor in a folder above it",
        code="manifest_not_found",
        hint="write one with `xacct-sign init`, or override the fixture `xacct_manifest`: "
        f"it returns a path, or the text of a {MANIFEST}",
    )


class Manifest:
    """What the fixture `xacct_manifest` returned, as it is now.

    Attributes:
        shown: what it is called.
        path: its file; None for a text.
        content: what is in it: one that was edited is another one.
    """

    def __init__(self, given: object) -> None:
        """Of a path, or of a text: what has a line break."""
        self.path: Path | None = None
        if isinstance(given, str) and "\n" in given:
            self.shown = "the text that `xacct_manifest` returned"
            self.content: tuple[bytes, ...] = (given.encode("utf-8", "replace"),)
            return
        if not isinstance(given, str | os.PathLike) or not os.fspath(given) or "\0" in os.fsdecode(given):
            what = "an empty text" if given == "" else type(given).__name__
            raise ValidationError(
                f"the fixture `xacct_manifest` returned {what}, neither a path nor the text of a manifest",
                code="invalid_option",
                hint=f"return the path of a file such as `{MANIFEST}`, or what is in one",
            )
        self.path = Path(os.fsdecode(given)).absolute()
        self.shown = str(self.path)
        try:
            content = [self.path.read_bytes()]
        except OSError as error:
            raise ValidationError(
                f"cannot read the manifest `{self.shown}` of the fixture `xacct_manifest`: {error.strerror}",
                code="manifest_unreadable",
                hint="it returns the path of a file, absolute or from the folder in which pytest was started, "
                f"or the text of a {MANIFEST}; `xacct-sign init` writes one",
            ) from None
        # One that cannot be read the emulator tells.
        with contextlib.suppress(OSError):
            content.append(self.path.with_suffix(".lock.toml").read_bytes())
        self.content = tuple(content)


def checked_upstream(given: object) -> str | None:
    """What the fixture `xacct_upstream` returned."""
    if given is None or (isinstance(given, str) and given.startswith(("http://", "https://"))):
        return given
    raise ValidationError(
        f"the fixture `xacct_upstream` returned {given!r}, neither a URL nor None"
        if isinstance(given, str)
        else f"the fixture `xacct_upstream` returned {type(given).__name__}, neither a URL nor None",
        code="invalid_option",
        hint="return the URL of a server, such as `http://127.0.0.1:3000`",
    )


class Processes:
    """The emulators of this process, by manifest."""

    def __init__(self) -> None:
        """None yet."""
        self._running: dict[Path | tuple[bytes, ...], Process] = {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Processes:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends all of them."""
        self._open.close()

    def of(self, manifest: Manifest, upstream: str | None) -> tuple[dict[str, Any], Since]:
        """What the emulator of a manifest said when it was ready, and what it notes from now on."""
        key = manifest.path or manifest.content
        process = self._running.get(key)
        if process is None or process.made_of != (manifest.content, upstream) or not process.runs():
            if process is not None:
                process.end()
            process = Process(manifest, upstream)
            self._open.callback(process.end)
            self._running[key] = process
        return process.ready, process.log.from_now_on()


class Process:
    """An emulator that runs until it is ended, or until this process has ended in whichever way."""

    def __init__(self, manifest: Manifest, upstream: str | None) -> None:
        """Starts it, and waits until it is ready."""
        self.made_of = (manifest.content, upstream)
        self._open = contextlib.ExitStack()
        log, said = self._file(), self._file()
        text = None if manifest.path else self._file(b"".join(manifest.content))
        path = text.path if text else str(manifest.path)
        command = [*program(), "--manifest", path, "--json", "--until-eof", "--log", log.path]
        command += ["--upstream", upstream] if upstream else []
        # Ctrl-C at a terminal goes to all of a session: those who clean up after it may need the emulator. It ends with
        # its standard input. What it says goes into a file, because a pipe that nobody reads fills up and stops it.
        try:
            self._process = subprocess.Popen(  # noqa: S603 - it is found where it was installed
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said.file,
                start_new_session=True,
                pass_fds=[number for file in (log, text) if file for number in file.inherited],
            )
        except OSError as error:
            self._open.close()
            raise _not_started(f"{command[0]}: {error.strerror}") from None
        is_late = threading.Event()

        def give_up() -> None:
            is_late.set()
            self._kill()

        patience = threading.Timer(_PATIENCE, give_up)
        try:
            patience.start()
            line = self._process.stdout.readline() if self._process.stdout else b""
        except BaseException:
            # Ctrl-C: nobody else knows of it yet.
            self._kill()
            self.end()
            raise
        finally:
            patience.cancel()
        ready = _told(line)
        if ready is None:
            words = said.read().decode("utf-8", "replace").strip()
            words = words.replace(path, manifest.shown) if text else words
            status = None if is_late.is_set() else self._status()
            self._kill()
            self.end()
            raise _not_started(words or _shown(line) or _ended(status), None if words else command[0])
        self.ready = ready
        self.log = Log(log)

    def _file(self, content: bytes = b"") -> Nameless:
        return self._open.enter_context(contextlib.closing(Nameless(content)))

    def runs(self) -> bool:
        """Whether nobody has ended it."""
        return self._process.poll() is None

    def end(self) -> None:
        """Ends it, and waits for that; a second time does nothing."""
        # A process that was forked from this one, and is still there, has its standard input open, too.
        self._process.terminate()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()
        self._open.close()

    def _status(self) -> int | None:
        """What it ended with, if it has: its output may be over a moment before."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(0.5)
        return None

    def _kill(self) -> None:
        """Ends it whatever it does, and what it has started: that would hold its output open."""
        if self._process.poll() is None and hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()


PROGRAMS = {"xacct-sign-emulator": (), "xacct-sign-cli": ("emulator",)}
"""The wheels that have the emulator, and what their commands are told to be it."""


def program() -> list[str]:
    """The command that is the emulator: that of a wheel in this environment, else one on the path."""
    from importlib import metadata

    for wheel, arguments in PROGRAMS.items():
        with contextlib.suppress(metadata.PackageNotFoundError):
            distribution = metadata.distribution(wheel)
            for file in distribution.files or ():
                if file.stem == wheel.removesuffix("-cli"):
                    _check_version(wheel, distribution.version)
                    return [str(distribution.locate_file(file)), *arguments]
    for wheel, arguments in PROGRAMS.items():
        if found := shutil.which(wheel.removesuffix("-cli")):
            # What is no emulator is told by what it says when it should be ready.
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                asked = [found, "--version"]
                said = subprocess.check_output(asked, stdin=subprocess.DEVNULL, timeout=_PATIENCE)  # noqa: S603
                _check_version(wheel, said.decode("utf-8", "replace").rpartition(" ")[2].strip())
            return [found, *arguments]
    raise XacctSignError(
        "the emulator is not installed here",
        code="emulator_not_found",
        hint="pip install xacct-sign-emulator, beside xacct_sign",
    )


def _check_version(wheel: str, version: str) -> None:
    """What the emulator says and notes is known of its own version alone."""
    from importlib import metadata

    both = [("xacct_sign", metadata.version("xacct_sign")), (wheel, version)]
    # A version is written in one way by Python, and in another by Rust.
    (older, _), (_, newest) = sorted(both, key=lambda each: _numbers(each[1]))
    if _numbers(version) and _numbers(both[0][1]) != _numbers(version):
        raise XacctSignError(
            f"{wheel} has version {version}, and xacct_sign has {both[0][1]}",
            code="versions_differ",
            hint=f"pip install {older}=={newest}",
        )


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall("[0-9]+", version)]


def _told(line: bytes) -> dict[str, Any] | None:
    """What an emulator says once it is ready; of another program nothing."""
    with contextlib.suppress(ValueError):
        ready = json.loads(line)
        if isinstance(ready, dict) and {"sts_url", "stages", "callers", "environment", "proxy"} <= ready.keys():
            return ready
    return None


def _shown(line: bytes) -> str:
    return f"it said {line[:200]!r}, as no emulator does" if line else ""


def _ended(status: int | None) -> str:
    if status is None:
        return f"it said nothing, for up to {_PATIENCE:.0f} s"
    return f"it said nothing, and ended with {status}"


def _not_started(said: str, other: str | None = None) -> XacctSignError:
    """The emulator's own words, from its first error on: what it warned of before that stopped nothing.

    `other` may be another program.
    """
    error = re.search(r"^error\[(\w+)\]", said, re.MULTILINE)
    code = error[1] if error else "emulator_failed"
    hint = f"is `{other}` the emulator? pip install xacct-sign-emulator, beside xacct_sign" if other else None
    return XacctSignError(f"the emulator did not start: {said[error.start() if error else 0 :]}", code=code, hint=hint)
