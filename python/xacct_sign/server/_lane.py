"""Threads for checks that have to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import TypeVar

from .. import _native

_T = TypeVar("_T")


class Lane:
    """Some threads, and room for so many checks; one more is refused at once, since it would wait for long."""

    def __init__(self, threads: int) -> None:
        """Room for so many checks as wait in one line, on so many threads."""
        # Of its own, so that who waits for STS takes no thread of the application's.
        self._threads = ThreadPoolExecutor(threads, "xacct-sign-server")
        # Whoever sends garbage must not have everybody wait behind it.
        self._room = Semaphore(_native.Verifier.PLACES)

    async def run(self, function: Callable[[], _T]) -> _T:
        """What the function gives, once a thread has come to it."""
        if not self._room.acquire(blocking=False):
            raise _native._refusal("too_busy", "")
        future = self._threads.submit(function)
        # Whoever goes away while it runs frees nothing before it has run.
        future.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(future)
