"""Middleware for ASGI on asyncio: Starlette, FastAPI, Quart, Django, Litestar."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .._native import _refusal
from ._refused import RefusedError
from ._scope import ScopeChecks
from ._verifier import Verifier, application_of, log_refusal, refusal_headers

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[_Message, _Receive, _Send], Awaitable[None]]


class CallerMiddleware:
    """Lets callers in, and nobody else: `app.add_middleware(CallerMiddleware, verifier=verifier)`.

    The caller is `request.state.caller`, `scope["state"]["caller"]`. It goes behind whatever changes method or path.
    """

    def __init__(self, app: _App, verifier: Verifier) -> None:
        """The application behind it, and who tells callers."""
        application_of(app, "ASGI")
        self._app = app
        self._checks = ScopeChecks(verifier)

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Serves one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            # What it is nobody knows here, and so not how to answer it either: servers take this for "not supported".
            raise _refusal("scope_unknown", ascii(scope["type"]))
        try:
            caller = await self._checks.caller(scope)
        except RefusedError as refusal:
            log_refusal(refusal, scope.get("method", "GET"), scope["path"])
            await _refuse(scope, send, refusal.status)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)


async def _refuse(scope: _Message, send: _Send, status: int) -> None:
    if scope["type"] == "websocket":
        # Before it is accepted: the server answers 403.
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(name.encode(), value.encode()) for name, value in refusal_headers(status)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
