"""SigV4 for requests: `requests.put(url, json=..., auth=SigV4Auth(AssumeRole(...)))`."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import requests
from requests.auth import AuthBase
from requests.models import PreparedRequest, Response
from requests.utils import get_environ_proxies, select_proxy

from ._errors import ValidationError
from ._native import PayloadHash, Signing, _reachable_url, _within_origin
from ._signing import hash_file

__all__ = ["SigV4Auth"]

_ADDED = ("authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256")


class SigV4Auth(AuthBase):
    """Signs each request that requests sends, with credentials that are valid then.

    One object serves any number of sessions and threads; it keeps working when credentials expire (those of an
    `AssumeRole` are refreshed) and past midnight UTC. The URL is brought into its canonical form, a body that is text
    is sent as UTF-8, a file is hashed in one pass and rewound. A redirect within the origin is signed anew; to any
    other place requests follows without signature and token.

    Args:
        credentials: an `AssumeRole`, or what else `Session` takes as `credentials`.
        region: the API's region; what is left out is known as in `Session`.
        service: the signing name, the same.

    Raises:
        ValidationError: for a malformed region or service; when a request is made, for plain http to a host that is not
            loopback or through a proxy of the environment, a URL that is signed already, or a body that can be read
            only once or is a file that is open as text.
    """

    def __init__(self, credentials: Any, *, region: str | None = None, service: str | None = None) -> None:
        """See the class."""
        self._signing = Signing(credentials, region, service)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Signs a prepared request in place."""
        r.url = _reachable_url(r.url or "")
        _check_direct(r.url)
        if isinstance(r.body, str):
            r.body = _encoded(r.body, "utf-8", "the body", "invalid_body")
            r.prepare_content_length(r.body)
        self._sign(r, r.url, r.method or "GET", _payload(r.body), _wire(r.headers))
        r.register_hook("response", self._on_response)  # type: ignore[no-untyped-call]
        return r

    def _sign(self, r: PreparedRequest, url: str, method: str, body: object, headers: dict[str, bytes]) -> None:
        added = self._signing.sign(method, url, headers, body)
        for name in _ADDED:
            r.headers.pop(name, None)
        r.headers.update(added)

    def _on_response(self, response: Response, **_: object) -> Response:
        """Prepares the headers that requests copies to the request of a redirect, before it does."""
        if response.is_redirect:
            for name in _ADDED:
                response.request.headers.pop(name, None)
            # A `Location` that is no URL is for requests to complain of, if it goes there at all.
            with suppress(ValueError):
                self._sign_redirect(response)
        return response

    def _sign_redirect(self, response: Response) -> None:
        following = _following(response)
        url = _within_origin(response.url, following.url or "") if following else None
        if following is None or url is None:
            return
        headers = _wire(following.headers)
        # Cookies may change on the way.
        headers = {name: value for name, value in headers.items() if name.lower() != "cookie"}
        self._sign(response.request, url, following.method or "GET", _payload(following.body), headers)


def _check_direct(url: str) -> None:
    """Refuses plain http, which is for loopback, where requests takes it to a proxy of the environment."""
    if not url.startswith("http:") or not select_proxy(url, get_environ_proxies(url)):
        return
    raise ValidationError(
        "a proxy of the environment would get a signed request over plain http",
        code="insecure_url",
        hint="set NO_PROXY to `localhost,127.0.0.1,::1`",
    )


def _encoded(text: str, encoding: str, what: str, code: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        # Without its cause, which holds the text.
        raise ValidationError(f"{what} cannot be written as {encoding}", code=code, hint="give bytes") from None


def _following(response: Response) -> PreparedRequest | None:
    """The request that requests makes of a redirect, made by requests: nobody else knows where it goes."""
    with requests.Session() as session:
        session.trust_env = False
        return next(session.resolve_redirects(response, response.request, yield_requests=True), None)


def _payload(body: object) -> object:
    if body is None or isinstance(body, (bytes, bytearray, memoryview)):
        return body or b""
    if hasattr(body, "read"):
        return PayloadHash(hash_file(body))
    raise ValidationError(
        f"a body of type `{type(body).__name__}` cannot be signed: it can be read only once",
        code="invalid_body",
        hint="pass bytes, str or an open file; collect a generator with `b''.join(...)`",
    )


def _wire(headers: Any) -> dict[str, bytes]:
    """Header values as the bytes that http.client sends."""
    what = "a header's value"
    return {
        name if isinstance(name, str) else name.decode("latin-1"): value
        if isinstance(value, bytes)
        else _encoded(value, "latin-1", what, "invalid_header")
        for name, value in headers.items()
    }
