"""The command `xacct-sign`, over the run's manifest."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from live.failure import Failure


class Product:
    """The command, in a folder with `xacct.toml`."""

    def __init__(self, command: Path, folder: Path) -> None:
        """Nothing is run yet."""
        self.command = command
        self.folder = folder

    def answer(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What it says, for commands that answer with their exit code too."""
        return subprocess.run([self.command, *arguments], cwd=self.folder, capture_output=True, text=True)

    def printed(self, *arguments: str) -> str:
        """What it prints; whatever it refuses is a failure."""
        done = self.answer(*arguments)
        if done.returncode:
            said = (done.stdout + done.stderr).strip()
            raise Failure(
                f"`xacct-sign {' '.join(arguments)}` ended with {done.returncode}: {said}",
                f"the manifest is {self.folder / 'xacct.toml'}",
            )
        return done.stdout

    def rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        """What `list` says, by caller and stage."""
        return {(row["caller"], row["stage"]): row for row in json.loads(self.printed("list", "--json"))}

    def can(self, caller: str, stage: str, call: str) -> bool:
        """Whether a caller may make a call."""
        done = self.answer("can", caller, stage, call)
        if done.returncode not in (0, 1):
            raise Failure(
                f"`xacct-sign can` ended with {done.returncode}: {done.stderr.strip()}", "it is a mistake of the run"
            )
        return done.returncode == 0
