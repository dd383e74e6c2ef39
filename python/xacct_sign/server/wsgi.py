"""Middleware for WSGI: Flask, Django, Bottle, Pyramid."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from .._native import _refusal
from ._refused import RefusedError
from ._verifier import (
    METHOD_OVERRIDES,
    Verifier,
    application_of,
    log_refusal,
    mounted_at_of,
    paths,
    refusal_headers,
    verifier_of,
)

_Environ = dict[str, Any]
_App = Callable[[_Environ, Callable[..., Any]], Iterable[bytes]]

_OVERRIDES = [f"HTTP_{name.upper().replace('-', '_')}" for name in METHOD_OVERRIDES]


class CallerMiddleware:
    """Lets callers in, and nobody else: `app.wsgi_app = CallerMiddleware(app.wsgi_app, verifier)` in Flask.

    The caller is `environ["xacct_sign.caller"]`. It goes behind whatever changes method or path.
    """

    def __init__(self, app: _App, verifier: Verifier, *, mounted_at: str = "") -> None:
        """The application behind it, and who tells callers.

        Args:
            app: what is called for callers alone.
            verifier: who tells them.
            mounted_at: the `SCRIPT_NAME` that the application has, such as `/api`, where it is mounted below a path.
                Some servers take it from a header, which may be the client's: a request with any other is refused.
        """
        application_of(app, "WSGI")
        self._app = app
        self._verifier = verifier_of(verifier)
        # As WSGI has paths: the bytes of UTF-8, read as Latin-1.
        self._mounted_at = mounted_at_of(mounted_at).encode().decode("latin-1")

    def __call__(self, environ: _Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serves one request."""
        # Servers join headers of one name by commas, which no check takes.
        authorization = environ.get("HTTP_AUTHORIZATION")
        method = environ["REQUEST_METHOD"]
        methods = [method, *(environ[name] for name in _OVERRIDES if name in environ)]
        try:
            environ["xacct_sign.caller"] = self._verifier.check(authorization, methods, self._paths(environ))
        except RefusedError as refusal:
            log_refusal(refusal, method, environ.get("PATH_INFO", ""))
            start_response(f"{refusal.status} {HTTPStatus(refusal.status).phrase}", refusal_headers(refusal.status))
            return [b""]
        return self._app(environ, start_response)

    def _paths(self, environ: _Environ) -> list[str]:
        mounted_at = environ.get("SCRIPT_NAME", "")
        if mounted_at != self._mounted_at:
            raise _refusal("mounted_elsewhere", f"{mounted_at[:128]!a} in place of {self._mounted_at!a}")
        sent = environ.get("RAW_URI") or environ.get("REQUEST_URI")
        return paths(sent, mounted_at + environ.get("PATH_INFO", ""), "latin-1")
