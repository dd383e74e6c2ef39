"""Checks of ASGI connections."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from functools import partial
from typing import Any

from .. import _native
from ._caller import Caller
from ._lane import Lane
from ._verifier import METHOD_OVERRIDES, Verifier, paths, verifier_of

_OVERRIDES = frozenset(name.encode() for name in METHOD_OVERRIDES)


class ScopeChecks:
    """Says who makes a connection, without holding up the loop."""

    def __init__(self, verifier: Verifier) -> None:
        """Checks by this verifier."""
        self._verifier = verifier_of(verifier)
        self._process = 0
        self._lanes: dict[str, Lane] = {}

    async def caller(self, scope: MutableMapping[str, Any]) -> Caller:
        """The caller, or a `RefusedError`."""
        values = [value for name, value in scope["headers"] if name == b"authorization"]
        methods = _methods(scope)
        asked = _paths(scope)
        at_hand = partial(self._verifier.check_at_hand, values, methods, asked)
        caller = at_hand()
        if caller is None:
            line, what, place = self._verifier.waits(values)
            check = partial(self._verifier.check, values, methods, asked)
            caller = await self._lane(line).run(what, place, check, at_hand)
        return caller

    def _lane(self, line: str) -> Lane:
        # A forked child has neither the threads of its parent's nor what they were getting.
        if self._process != os.getpid():
            # STS is asked of each proof, good or bad: whoever makes up proofs is to hold up nobody whose credentials
            # STS has stood by, and nobody who sends tokens.
            self._lanes = {line: Lane(threads) for line, threads in _native.Verifier.THREADS}
            self._process = os.getpid()
        return self._lanes[line]


def _methods(scope: MutableMapping[str, Any]) -> list[str]:
    """The request's method, and what headers want in its place."""
    overrides = [value.decode("latin-1") for name, value in scope["headers"] if name in _OVERRIDES]
    return [scope.get("method", "GET"), *overrides]


def _paths(scope: MutableMapping[str, Any]) -> list[str]:
    raw: bytes | None = scope.get("raw_path")
    return paths(raw.decode("latin-1") if raw else None, scope["path"], "utf-8")
