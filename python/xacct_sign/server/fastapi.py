"""A dependency for FastAPI."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import HTTPException, WebSocketException
from fastapi.requests import HTTPConnection

from ._caller import Caller
from ._refused import RefusedError
from ._scope import ScopeChecks
from ._verifier import Verifier, log_refusal


class CallerDependency:
    """The caller of a request, for the routes that ask for it: `Depends(CallerDependency(verifier))`.

    Make one and keep it. Who is refused is told 401, 403 or 503 and no more; the reason goes to the log.

    >>> from_caller = CallerDependency(verifier)  # doctest: +SKIP
    >>> @app.get("/items/{item}")  # doctest: +SKIP
    ... async def item(item: int, caller: Annotated[Caller, Depends(from_caller)]): ...
    """

    def __init__(self, verifier: Verifier) -> None:
        """Checks by this verifier."""
        self._checks = ScopeChecks(verifier)

    async def __call__(self, connection: HTTPConnection) -> Caller:
        """The caller; FastAPI calls this."""
        scope = connection.scope
        try:
            return await self._checks.caller(scope)
        except RefusedError as refusal:
            log_refusal(refusal, scope.get("method", "GET"), scope["path"])
            if scope["type"] == "websocket":
                raise WebSocketException(1008) from None
            headers = {"www-authenticate": "Bearer"} if refusal.status == 401 else None
            raise HTTPException(refusal.status, HTTPStatus(refusal.status).phrase, headers) from None
