"""What an emulator notes of the requests that come to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._files import Nameless


class Log:
    """All that an emulator has noted: a line for each request when it comes, and one before it is answered."""

    def __init__(self, file: Nameless) -> None:
        """Of the file that it writes."""
        self.file = file
        self._read = 0
        self._last = 0

    def from_now_on(self) -> Since:
        """That part of it which is of requests that have not come yet."""
        for length, entry in self.lines(self._read):
            self._read += length
            self._last = max(self._last, entry["number"])
        return Since(self, self._read, self._last)

    def lines(self, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each line from there on, with its length."""
        for line in self.file.read(start).splitlines(keepends=True):
            # One that is being written is of a request that is not answered.
            if line.endswith(b"\n"):
                yield len(line), json.loads(line)


class Since:
    """What an emulator has noted of the requests that came after one."""

    def __init__(self, log: Log, start: int, last: int) -> None:
        """After the one of this number, whose line ends before `start`."""
        self._log = log
        self._start = start
        self._last = last

    def entries(self) -> list[dict[str, Any]]:
        """The last of each request up to now, in the order in which they came."""
        of_each = {entry["number"]: entry for _, entry in self._log.lines(self._start)}
        return [entry for number, entry in sorted(of_each.items()) if number > self._last]
