"""The emulator as a process: found, started once for each manifest, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._errors import ValidationError, XacctSignError

__tracebackhide__ = True
"""What fails here fails the test: pytest shows the line of the test."""

if TYPE_CHECKING:
    from collections.abc import Iterator

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


class Processes:
    """The emulators of this process, by manifest."""

    def __init__(self) -> None:
        """None yet."""
        self._running: dict[str, Process] = {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Processes:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends all of them."""
        self._open.close()

    def of(self, manifest: object) -> tuple[dict[str, Any], Log]:
        """What the emulator of a manifest said when it was ready, and its log from now on."""
        key, path, content = self._read(manifest)
        process = self._running.get(key)
        if process is None or process.content != content or not process.runs():
            if process is not None:
                process.end()
            process = Process(path, content)
            self._open.callback(process.end)
            self._running[key] = process
        return process.ready, Log(process.log)

    def _read(self, manifest: object) -> tuple[str, Path, tuple[bytes, ...]]:
        """By which key it is known, its file, and what is in it: a manifest that was edited is another one."""
        if isinstance(manifest, str) and "\n" in manifest:
            if manifest in self._running:
                return manifest, self._running[manifest].manifest, self._running[manifest].content
            folder = self._open.enter_context(tempfile.TemporaryDirectory(prefix="xacct-sign-"))
            path = Path(folder, MANIFEST)
            path.write_text(manifest, encoding="utf-8", errors="replace")
            return manifest, path, ()
        if not isinstance(manifest, str | os.PathLike) or not os.fspath(manifest) or "\0" in os.fsdecode(manifest):
            raise ValidationError(
                f"the fixture `xacct_manifest` returned {type(manifest).__name__}, "
                "neither a path nor the text of a manifest",
                code="invalid_option",
            )
        path = Path(os.fsdecode(manifest)).absolute()
        beside = path.with_suffix(".lock.toml")
        return str(path), path, tuple(file.read_bytes() for file in (path, beside) if file.is_file())


class Process:
    """An emulator that runs until it is ended, or until this process has ended in whichever way."""

    def __init__(self, manifest: Path, content: tuple[bytes, ...]) -> None:
        """Starts it, and waits until it is ready."""
        self.manifest = manifest
        self.content = content
        self._open = contextlib.ExitStack()
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="xacct-sign-")))
        self.log = folder / "log.jsonl"
        said = folder / "said"
        command = [*program(), "--manifest", str(manifest), "--json", "--until-eof", "--log", str(self.log)]
        # A file, because a pipe that nobody reads fills up and stops it.
        with said.open("wb") as errors:
            # Ctrl-C at a terminal goes to all of a session: those who clean up after it may need the emulator. It ends
            # with its standard input, which nobody else has the other end of.
            self._process = subprocess.Popen(  # noqa: S603 - it is found where it was installed
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
            )
        patience = threading.Timer(_PATIENCE, self._kill)
        patience.start()
        line = self._process.stdout.readline() if self._process.stdout else b""
        patience.cancel()
        ready = _told(line)
        if ready is None:
            text = said.read_text(encoding="utf-8", errors="replace").strip()
            self._kill()
            self.end()
            raise _not_started(text or _shown(line) or f"it said nothing, for up to {_PATIENCE:.0f} s")
        self.ready = ready

    def runs(self) -> bool:
        """Whether nobody has ended it."""
        return self._process.poll() is None

    def end(self) -> None:
        """Ends it, and waits for that; a second time does nothing."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()
        self._open.close()

    def _kill(self) -> None:
        """Ends it whatever it does, and what it has started: that would hold its output open."""
        if self._process.poll() is None and hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()


class Log:
    """The lines that an emulator writes from now on."""

    def __init__(self, file: Path) -> None:
        """After what is there now."""
        self._file = file
        self._start = file.stat().st_size

    def entries(self) -> Iterator[dict[str, Any]]:
        """Each of them up to now. The line of a request is there before its answer."""
        with self._file.open("rb") as file:
            file.seek(self._start)
            for line in file:
                # One that is being written is of a request that is not answered.
                if line.endswith(b"\n"):
                    yield json.loads(line)


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
                    return [str(distribution.locate_file(file)), *arguments]
    for wheel, arguments in PROGRAMS.items():
        if found := shutil.which(wheel.removesuffix("-cli")):
            return [found, *arguments]
    raise XacctSignError(
        "the emulator is not installed here",
        code="emulator_not_found",
        hint="pip install xacct-sign-emulator, beside xacct_sign",
    )


def _told(line: bytes) -> dict[str, Any] | None:
    """What an emulator says once it is ready; of another program nothing."""
    with contextlib.suppress(ValueError):
        ready = json.loads(line)
        if isinstance(ready, dict) and {"sts_url", "stages", "callers", "environment"} <= ready.keys():
            return ready
    return None


def _shown(line: bytes) -> str:
    return f"it said {line[:200]!r}, as no emulator does" if line else ""


def _not_started(said: str) -> XacctSignError:
    """The emulator's own words; its first code is the error's."""
    first = next((line for line in said.splitlines() if line.startswith("error[")), "")
    code = first.removeprefix("error[").partition("]")[0] or "emulator_failed"
    return XacctSignError(f"the emulator did not start: {said}", code=code)
