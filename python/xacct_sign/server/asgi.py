"""Middleware for ASGI: Starlette, FastAPI, Quart, Django, Litestar."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any
from urllib.parse import quote

from .._native import Caller
from ._lane import Lane
from ._refused import RefusedError
from ._verifier import Verifier, is_proof, log_refusal, refusal_headers

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[_Message, _Receive, _Send], Awaitable[None]]

# What a path may hold without an escape (RFC 3986, section 3.3).
_SAFE = "/-._~!$&'()*+,;=:@"


class CallerMiddleware:
    """Lets callers in, and nobody else: `app.add_middleware(CallerMiddleware, verifier=verifier)`.

    The caller is `request.state.caller`, `scope["state"]["caller"]`. It goes behind whatever changes method or path.
    """

    def __init__(self, app: _App, verifier: Verifier) -> None:
        """The application behind it, and who tells callers."""
        self._app = app
        self._verifier = verifier
        # STS is asked of each proof, good or bad; keys are fetched once for all, and who needs them does not wait
        # behind proofs.
        self._proofs = Lane(32)
        self._tokens = Lane(8)

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Serves one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            # What it is nobody knows here, and so not how to answer it either: servers take this for "not supported".
            raise RefusedError(
                f"connections of the type {str(scope['type'])[:64]!r} are not checked", code="scope_unknown", status=403
            )
        try:
            caller = await self._caller(scope)
        except RefusedError as refusal:
            log_refusal(refusal, scope.get("method", "GET"), scope["path"])
            await _refuse(scope, send, refusal.status)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)

    async def _caller(self, scope: _Message) -> Caller:
        values = [value for name, value in scope["headers"] if name == b"authorization"]
        method = scope.get("method", "GET")
        first, *others = _paths(scope)
        caller = self._verifier.check_at_hand(values, method, first)
        if caller is None:
            lane = self._proofs if is_proof(values) else self._tokens
            caller = await lane.run(partial(self._verifier.check, values, method, first))
        for path in others:
            # It is known by now.
            self._verifier.check(values, method, path)
        return caller


def _paths(scope: _Message) -> list[str]:
    """The path as it was sent, and as the application sees it, where these are two."""
    # Half a character, which no server should make of a path, becomes bytes that the check refuses.
    seen = quote(scope["path"], _SAFE, errors="surrogatepass")
    raw: bytes | None = scope.get("raw_path")
    sent = raw.partition(b"?")[0].decode("latin-1") if raw else seen
    return [sent] if sent == seen else [sent, seen]


async def _refuse(scope: _Message, send: _Send, status: int) -> None:
    if scope["type"] == "websocket":
        # Before it is accepted: the server answers 403.
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(name.encode(), value.encode()) for name, value in refusal_headers(status)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
