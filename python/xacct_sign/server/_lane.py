"""Threads for checks that have to wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from .. import _native

_T = TypeVar("_T")


class Lane:
    """Some threads, and room for so many checks; one more is refused at once, since it would wait for long."""

    def __init__(self, threads: int) -> None:
        """Room for so many checks as wait in one line, on so many threads."""
        # Of its own, so that who waits for STS takes no thread of the application's.
        self._threads = ThreadPoolExecutor(threads, "xacct-sign-server")
        self._lock = Lock()
        # Whoever sends garbage must not have everybody wait behind it.
        self._taken: Counter[int] = Counter()
        self._under_way: dict[int, Future[Any]] = {}

    async def run(self, what: int, place: int, check: Callable[[], _T], at_hand: Callable[[], _T | None]) -> _T:
        """What the check gives, once a thread has come to it.

        Of those that wait for the same one takes a thread, and the others look what is at hand when it is over: an
        issuer that says nothing holds up none of another's.
        """
        with self._lock:
            if self._taken[place] == _native.Verifier.PLACES:
                raise _native._refusal("too_busy", "")
            self._taken[place] += 1
        own = None
        try:
            while (own := self._own(what, check)) is None:
                await _end_of(self._under_way.get(what))
                if (settled := at_hand()) is not None:
                    return settled
            # Whoever goes away while it runs frees nothing before it has run.
            own.add_done_callback(partial(self._is_over, what, place))
            return await asyncio.wrap_future(own)
        finally:
            if own is None:
                self._leave(place)

    def _own(self, what: int, check: Callable[[], _T]) -> Future[_T] | None:
        """The check on its way to a thread; None while another of the same is."""
        with self._lock:
            first = self._under_way.get(what)
            if first is not None and not first.done():
                return None
            own = self._under_way[what] = self._threads.submit(check)
            return own

    def _is_over(self, what: int, place: int, check: Future[Any]) -> None:
        with self._lock:
            if self._under_way.get(what) is check:
                del self._under_way[what]
        self._leave(place)

    def _leave(self, place: int) -> None:
        with self._lock:
            self._taken[place] -= 1
            if not self._taken[place]:
                del self._taken[place]


async def _end_of(check: Future[Any] | None) -> None:
    """Waits for another's check, which goes on if this wait does not."""
    if check is None:
        return
    loop = asyncio.get_running_loop()
    is_over = asyncio.Event()

    def tell(_: Future[Any]) -> None:
        # The loop may have ended.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(is_over.set)

    check.add_done_callback(tell)
    await is_over.wait()
