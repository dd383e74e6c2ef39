"""What a run makes, written down before it is made, so that a later process can remove what a killed one left."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from live.failure import Failure

RUNS = Path(__file__).parent / "runs"
"""A folder a run: its journal, and the documents that it deployed."""


@dataclass(frozen=True)
class Head:
    """Which run it is, and where it makes things."""

    run: str
    region: str
    provider_profile: str
    provider: str
    caller_profile: str
    caller: str


@dataclass(frozen=True)
class Stack:
    """A stack that was made, or was about to be."""

    account: str
    name: str


class Journal:
    """One run's, held by the process that writes or undoes it: the lock ends with the process, however it ends."""

    def __init__(self, path: Path, head: Head, stacks: list[Stack], file: int) -> None:
        """Made by `begin` and `resume`."""
        self.path = path
        self.head = head
        self.stacks = stacks
        self._file = file

    @classmethod
    def begin(cls, head: Head, runs: Path = RUNS) -> Journal:
        """A new one, on disk before it is returned."""
        folder = runs / head.run
        folder.mkdir(parents=True)
        path = folder / "journal.jsonl"
        new = folder / "journal.new"
        journal = cls(path, head, [], _locked(new, os.O_CREAT | os.O_EXCL))
        journal._append(vars(head))
        # So that one that is found always has its first line.
        new.rename(path)
        for each in (folder, runs):
            _sync_folder(each)
        return journal

    @classmethod
    def resume(cls, path: Path) -> Journal:
        """That of a run that ended without removing everything."""
        file = _locked(path)
        # A line that was cut short announces nothing that was made: it comes first, and whole.
        lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
        head, *entries = (json.loads(line) for line in lines)
        return cls(path, Head(**head), [Stack(**entry) for entry in entries], file)

    def intend(self, account: str, name: str) -> None:
        """Writes down a stack that is to be made now."""
        stack = Stack(account, name)
        self._append(vars(stack))
        self.stacks.append(stack)

    def close(self) -> None:
        """Lets another process have it."""
        os.close(self._file)

    def done(self) -> None:
        """Nothing is left: there is nothing to remember."""
        self.path.unlink()

    def _append(self, entry: dict[str, str]) -> None:
        os.write(self._file, json.dumps(entry).encode() + b"\n")
        os.fsync(self._file)


def left(runs: Path = RUNS) -> Iterator[Path]:
    """The journals of runs that have not removed everything."""
    return iter(sorted(runs.glob("*/journal.jsonl")))


def _locked(path: Path, flags: int = 0) -> int:
    file = os.open(path, os.O_RDWR | os.O_APPEND | flags, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise Failure(
            f"the run `{path.parent.name}` is still running", "it removes what it made when it ends"
        ) from None
    return file


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
