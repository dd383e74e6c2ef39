"""The emulator as a process: the one driver for the tests, the demo and the benchmark. It is no part of the wheel."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import xacct_sign

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "demo" / "xacct.toml"
"""The manifest with the caller `shop`."""
PARTNER = REPOSITORY / "tests" / "manifests" / "partner.toml"
"""The same with a second caller, `partner`, who has an external id and routes of its own."""
FRONTS = REPOSITORY / "tests" / "manifests" / "fronts.toml"
"""Another, with a stage of every kind of API, by role and direct."""


def cli() -> Path:
    """The command `xacct-sign`."""
    path = Path(os.environ.get("XACCT_SIGN_BIN") or REPOSITORY / "target" / "release" / "xacct-sign")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: cargo build --release -p xacct-sign-cli, or set XACCT_SIGN_BIN")
    return path


class Emulator:
    """`xacct-sign emulator`, running until it is closed.

    Attributes:
        ready: what it said when it was ready.
        region: the API's.
        sts_url: where its STS listens.
    """

    def __init__(self, *options: str, manifest: Path = DEMO) -> None:
        """Starts it, and waits for the line that says where everything is."""
        command = [str(cli()), "emulator", "--manifest", str(manifest), "--json", *options]
        self._folder = tempfile.TemporaryDirectory(prefix="xacct-sign-")
        self._log = Path(self._folder.name, "emulator.log")
        # A file, because a pipe that nobody reads fills up and stops it.
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            said = self.log()
            self.close()
            raise RuntimeError(f"the emulator did not start:\n{said}")
        self.ready: dict[str, Any] = json.loads(line)
        self.sts_url: str = self.ready["sts_url"]
        self.region: str = self.ready["region"]

    def __enter__(self) -> Emulator:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def close(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.communicate(timeout=10)
        self._folder.cleanup()

    def most_memory(self) -> int:
        """What it has taken of memory at most, in bytes."""
        status = Path("/proc", str(self._process.pid), "status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM:"))

    def log(self) -> str:
        """What it wrote to stderr up to now."""
        return self._log.read_text()

    def url(self, path: str = "", stage: str = "stag") -> str:
        """The URL of a path of a stage's API."""
        return f"{self.ready['stages'][stage]['url'].rstrip('/')}{path}"

    def caller(self, name: str = "shop", stage: str = "stag") -> dict[str, Any]:
        """A caller by its name, in the role that is on the stage, however it comes in."""
        callers = (caller for caller in self.ready["callers"] if caller["caller"] == name)
        ways = ("may_assume", "may_call", "audiences")
        return next(caller for caller in callers if any(stage in caller[way] for way in ways))

    def environment(self, name: str = "shop", stage: str = "stag") -> dict[str, str]:
        """What a Lambda function with a caller's role finds in its environment."""
        return {f"AWS_{part.upper()}": value for part, value in self.caller(name, stage)["credentials"].items()}

    def role_arn(self, name: str = "shop", stage: str = "stag") -> str:
        """The role that a caller may assume on a stage."""
        return str(self.caller(name, stage)["may_assume"][stage])

    def base(self, name: str = "shop", stage: str = "stag") -> xacct_sign.Credentials:
        """A caller's own credentials."""
        return xacct_sign.Credentials(**self.caller(name, stage)["credentials"])

    def outsider(self) -> xacct_sign.Credentials:
        """Those of a valid identity that nobody trusts."""
        return xacct_sign.Credentials(**self.ready["outsider"]["credentials"])

    def assume_role(self, name: str = "shop", stage: str = "stag", **options: Any) -> xacct_sign.AssumeRole:
        """An `AssumeRole` of a caller; `options` replace what it has."""
        defaults: dict[str, Any] = {"region": self.region, "base": self.base(name, stage), "sts_endpoint": self.sts_url}
        return xacct_sign.AssumeRole(options.pop("role_arn", self.role_arn(name, stage)), **(defaults | options))

    def session(self, name: str = "shop", stage: str = "stag", **options: Any) -> xacct_sign.Session:
        """A `Session` of a caller on a stage's API."""
        return xacct_sign.Session(self.assume_role(name, stage), base_url=self.url(stage=stage), **options)
