"""SigV4 for urllib3: `SigV4PoolManager(role_arn, region=...).request("PUT", url, json=...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from urllib3 import BaseHTTPResponse, HTTPHeaderDict, PoolManager
from urllib3.util import parse_url

from ._session import _UNSET
from ._signing import SIGNATURE, RequestSigning, encoded, is_file, payload, wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._native import AssumeRole, _Source
    from ._session import _Unset
    from ._signing import Adds

__all__ = ["SigV4PoolManager"]


class SigV4PoolManager(PoolManager):
    """A `PoolManager` that signs each request with credentials that are valid then.

    It serves any number of threads and keeps working when credentials expire: those of a role are refreshed. The URL is
    brought into its canonical form, a body that is text is sent as UTF-8, a file is hashed in one pass and rewound. A
    redirect within the origin is signed anew; to any other place urllib3 follows without signature and token. A 403
    whose `Date` shows that this machine's clock is off is answered with one more attempt.

    Args:
        role: the ARN of the role to assume, or an `AssumeRole`. Left out, `credentials` sign themselves.
        region: the API's region. AWS's own hosts say it; for any other it is known as in `Session`.
        service: the signing name. AWS's own hosts say it too; for any other it is `execute-api`, API Gateway's.
        credentials: as those of `Session`: with a role, what assumes it; without one, what signs.
        allow_http_hosts: as that of `Session`: hosts to which plain http may go.
        options: what `PoolManager` takes by name.

    Raises:
        ValidationError: for any argument that cannot work; when a request is made, for plain http to a host that is
            neither loopback nor allowed, a URL that is signed already, or a body that can be read only once or is a
            file that is open as text.
    """

    def __init__(
        self,
        role: str | AssumeRole | _Unset | None = _UNSET,
        *,
        region: str | None = None,
        service: str | None = None,
        credentials: _Source | None = None,
        allow_http_hosts: Iterable[str] | None = None,
        **options: Any,
    ) -> None:
        """See the class."""
        super().__init__(**options)
        self._signing = RequestSigning(role, region, service, credentials, allow_http_hosts)

    def urlopen(  # type: ignore[override]
        self, method: str, url: str, redirect: bool = True, **kw: Any
    ) -> BaseHTTPResponse:
        """As that of `PoolManager`, signed."""
        return _Call(self, self._signing).urlopen(method, url, redirect, **kw)


class _Call:
    """One call. To urllib3's own method it is the pool manager, so that each redirect comes by here."""

    def __init__(self, manager: PoolManager, signing: RequestSigning) -> None:
        self._manager = manager
        self._signing = signing
        self._trail = signing.trail()
        # What signed the request that went out last, if it was signed.
        self._ready: Adds | None = None
        self._was_refused = False
        # Where the body began, if it is a file.
        self._start: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: Any) -> BaseHTTPResponse:
        given = kw.get("headers")
        headers = HTTPHeaderDict(self._manager.headers if given is None else given)
        unsigned = HTTPHeaderDict(_unsigned(headers))
        # As urllib3 reads it, which decides where it goes.
        signed_url = self._trail.signed_url(_as_sent(url))
        if signed_url is None:
            self._ready = None
            return self._send(method, url, redirect, {**kw, "headers": unsigned})
        body: Any = kw.get("body")
        if isinstance(body, str):
            kw["body"] = body = encoded(body, "utf-8", "the body", "invalid_body")
        self._rewind(body)
        content, length = payload(body)
        if is_file(body):
            self._start = body.tell()
        # The caller's word would part the body from its request, and both together mean two things to two servers.
        unsigned.pop("transfer-encoding", None)
        if kw.get("chunked"):
            unsigned.pop("content-length", None)
        elif is_file(body) or "content-length" in unsigned:
            # urllib3 would send a file in chunks.
            unsigned["content-length"] = str(length)
        while True:
            target = _as_sent(signed_url)
            ready = self._ready = self._signing.ready(target)
            added = ready.sign(method, target, wire(unsigned.iteritems()), content)
            response = self._send(method, signed_url, redirect, {**kw, "headers": _with(unsigned, added)})
            # After a redirect it is another one, which has seen to its answer itself.
            is_own = self._ready is ready and not self._was_refused
            if not is_own or not ready.was_wrong(method, response.status, response.headers):
                return response
            self._was_refused = True
            response.drain_conn()
            self._rewind(body)

    def _rewind(self, body: Any) -> None:
        # A redirect may have left it behind.
        if self._start is not None and is_file(body):
            body.seek(self._start)

    def _send(self, method: str, url: str, redirect: bool, kw: dict[str, Any]) -> BaseHTTPResponse:
        return PoolManager.urlopen(cast(PoolManager, self), method, url, redirect, **kw)


def _unsigned(headers: HTTPHeaderDict) -> list[tuple[str, str]]:
    """The headers without a signature's."""
    return [(name, value) for name, value in headers.iteritems() if name.lower() not in SIGNATURE]


def _with(headers: HTTPHeaderDict, added: dict[str, str]) -> HTTPHeaderDict:
    signed = HTTPHeaderDict(headers)
    for name, value in added.items():
        signed[name] = value
    return signed


def _as_sent(url: str) -> str:
    return parse_url(url)._replace(auth=None, fragment=None).url
