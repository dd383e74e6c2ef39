"""`callers.json` of a manifest's stage, as the command `xacct-sign` renders it.

What a manifest means is decided in one place, and the wheel has no room for it: it would be a fifth larger.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sysconfig

from .._errors import ValidationError
from ._verifier import path_of

_log = logging.getLogger("xacct_sign.server")


def rendered(path: str | os.PathLike[str], stage: str) -> bytes:
    """What `xacct-sign render callers` prints.

    Raises:
        ValidationError: an argument is none, there is no such command, or it refuses, with the code that it gives.
    """
    if not isinstance(stage, str) or not stage or "\0" in stage:
        raise ValidationError("`stage` is no name", code="invalid_option", hint='give its name, such as "prod"')
    manifest = path_of(path, 'give that of the manifest: "xacct.toml"')
    arguments = ["render", "callers", f"--manifest={manifest}", f"--stage={stage}"]
    command = [_command(), *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603
    said = done.stderr.decode(errors="replace")
    if done.returncode != 0:
        raise _refusal(said)
    for line in said.splitlines():
        _log.warning("%s", line)
    return done.stdout


def _command() -> str:
    """The command beside this Python, or on the PATH."""
    folders = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    found = shutil.which("xacct-sign", path=folders)
    if found is None:
        raise ValidationError(
            "the command `xacct-sign`, which reads manifests, is not installed",
            code="command_not_found",
            hint="`pip install xacct-sign-cli`; or render `callers.json` where you deploy, and take `from_file` here",
        )
    return found


def _refusal(said: str) -> ValidationError:
    """The first error of the command's, or of what it found."""
    error = re.search(r"error\[(\w+)\](?: |: )(.*)", said)
    if error is None:
        return ValidationError(f"`xacct-sign render callers` failed: {said.strip()}", code="command_failed")
    hint = re.compile(r"^\s*hint: (.*)", re.MULTILINE).search(said, error.end())
    # The command has it given by an option.
    is_manifest = error[1] == "file_unreadable" and error[2].startswith("cannot read the manifest ")
    given = "give the path of a manifest, a file such as `xacct.toml`" if is_manifest else None
    return ValidationError(error[2], code=error[1], hint=given or (hint[1] if hint else None))
