"""SigV4 for httpx, with and without asyncio: `httpx.Client(auth=SigV4Auth(role_arn, region=...))`.

And who calls, for servers without API Gateway: `httpx.Client(auth=IdentityAuth(IdentityToken(audience, region=...)))`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

import httpx
from anyio import to_thread

from ._errors import ValidationError
from ._native import PayloadHash
from ._session import _UNSET
from ._signing import BLOCK, Beside, RequestIdentity, RequestSigning, hash_file, is_file, read_once, refuse_proxy, wire

if TYPE_CHECKING:
    from ._native import AssumeRole, IdentityProof, IdentityToken, _Source
    from ._session import _Unset
    from ._signing import Adds

__all__ = ["IdentityAuth", "SigV4Auth"]

_SENDS = "send_request_headers.started"
_GIVEN = "_xacct_sign_given"


class _Auth(httpx.Auth):
    """What both do of each request."""

    _signing: RequestSigning
    _beside: Beside

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Signs a request, and once more if its signature was wrong."""
        call = _Call(request, self._signing)
        call.take_body()
        trace = _given_trace(request)

        def traced(name: str, info: dict[str, Any]) -> None:
            if name.endswith(_SENDS) and (url := call.redirected(info["request"])):
                call.sign_redirect(self._signing.ready(url), info["request"], url)
            if trace:
                trace(name, info)

        _set_trace(request, traced, trace)
        ready = self._signing.ready(call.url)
        call.sign(ready)
        response = yield request
        if call.was_wrong(ready, response):
            call.sign(self._signing.ready(call.url))
            yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Signs a request, and once more if its signature was wrong."""
        call = _Call(request, self._signing)
        await to_thread.run_sync(call.take_body) if call.takes_long() else call.take_body()
        trace = _given_trace(request)

        async def traced(name: str, info: dict[str, Any]) -> None:
            if name.endswith(_SENDS) and (url := call.redirected(info["request"])):
                call.sign_redirect(await self._ready(url), info["request"], url)
            if trace and inspect.isawaitable(told := trace(name, info)):
                await told

        _set_trace(request, traced, trace)
        ready = await self._ready(call.url)
        call.sign(ready)
        response = yield request
        if call.was_wrong(ready, response):
            call.sign(await self._ready(call.url))
            yield request

    async def _ready(self, url: str) -> Adds:
        at_hand = self._signing.at_hand(url)
        if at_hand is not None:
            return at_hand
        fetched = self._beside.fetch(url)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            # trio's.
            return await to_thread.run_sync(fetched.result, abandon_on_cancel=True)
        return await asyncio.wrap_future(fetched)


class SigV4Auth(_Auth):
    """Signs each request that httpx sends, with credentials that are valid then; for `Client` and `AsyncClient`.

    One object serves any number of clients, threads and loops, and blocks no loop: credentials that have to be fetched
    come beside, once for all who wait. The URL is brought into its canonical form; a file is hashed in one pass and
    sent from where it stands, by an `AsyncClient` too. Where the client follows redirects, one within the origin is
    signed anew; to any other place it goes without signature and token. A 403 whose `Date` shows that this machine's
    clock is off is answered with one more attempt. What an event hook changes of the headers is signed, too.

    Args:
        role: the ARN of the role to assume, or an `AssumeRole`. Left out, `credentials` sign themselves.
        region: the API's region. AWS's own hosts say it; for any other it is known as in `Session`.
        service: the signing name. AWS's own hosts say it too; for any other it is `execute-api`, API Gateway's.
        credentials: as those of `Session`: with a role, what assumes it; without one, what signs.
        allow_http_hosts: as that of `Session`: hosts to which plain http may go.

    Raises:
        ValidationError: for any argument that cannot work; when a request is made, for plain http to a host that is
            neither loopback nor allowed or through a proxy of the environment, a URL that is signed already, or a body
            that can be read only once or is a file that is open as text; when an event hook changes a header that
            signing adds.
    """

    def __init__(
        self,
        role: str | AssumeRole | _Unset | None = _UNSET,
        *,
        region: str | None = None,
        service: str | None = None,
        credentials: _Source | None = None,
        allow_http_hosts: Iterable[str] | None = None,
    ) -> None:
        """See the class."""
        self._signing = RequestSigning(role, region, service, credentials, allow_http_hosts)
        self._beside = Beside(self._signing)


class IdentityAuth(_Auth):
    """Says in each request that httpx sends who calls, by a token or a proof that serves then; nothing is signed.

    For `Client` and `AsyncClient`. One object serves any number of clients, threads and loops, and blocks no loop. It
    goes where a signed request goes: over https or to loopback. Where the client follows redirects, one within the
    origin says it again; to any other place it goes without.

    Args:
        identity: an `IdentityToken` or an `IdentityProof`.
        header: the name of the header that it stands in, as `Bearer ...`.

    Raises:
        ValidationError: for any argument that cannot work; when a request is made, for plain http to a host that is
            not loopback or through a proxy of the environment; when an event hook changes that header.
    """

    def __init__(self, identity: IdentityToken | IdentityProof, *, header: str = "authorization") -> None:
        """See the class."""
        self._signing = RequestIdentity(identity, header)
        self._beside = Beside(self._signing)


def _given_trace(request: httpx.Request) -> Any:
    """The trace that the request was given: one that is sent again has that of its last call."""
    trace = request.extensions.get("trace")
    return getattr(trace, _GIVEN, trace)


def _set_trace(request: httpx.Request, traced: Any, given: Any) -> None:
    setattr(traced, _GIVEN, given)
    request.extensions = {**request.extensions, "trace": traced}


class _Call:
    """One call. httpx asks an `Auth` about no redirect: those are signed where they are sent."""

    def __init__(self, request: httpx.Request, signing: RequestSigning) -> None:
        self._request = request
        self._signing = signing
        self._trail = signing.trail()
        self._unsigned = httpx.Headers(
            [pair for pair in request.headers.raw if pair[0].decode().lower() not in signing.replaces]
        )
        url = self._trail.signed_url(str(request.url)) or ""
        refuse_proxy(url, _proxy(url))
        request.url = httpx.URL(url)
        self.url = _as_sent(request.url)
        self._body: bytes | PayloadHash = b""
        self._has_left = False

    def takes_long(self) -> bool:
        """Whether a file has to be read, or much be hashed."""
        if not self._signing.reads_body:
            return False
        return not isinstance(self._request.stream, httpx.ByteStream) or len(self._request.content) >= BLOCK

    def take_body(self) -> None:
        """The body, or its hash."""
        if not self._signing.reads_body:
            return
        request = self._request
        if isinstance(request.stream, httpx.ByteStream):
            content = request.content
            self._say_length(len(content))
            self._body = content if len(content) < BLOCK else PayloadHash(sha256(content).hexdigest())
            return
        if isinstance(request.stream, _FileStream):
            # The request was signed before.
            file: Any = request.stream.rewound()
        else:
            file = getattr(request.stream, "_stream", None)
        if is_file(file):
            digest, length = hash_file(file)
            request.stream = _FileStream(file)
            self._say_length(length)
            self._body = PayloadHash(digest)
            return
        digest, length = _hash_parts(request.stream)
        self._say_length(length)
        self._body = PayloadHash(digest)

    def _say_length(self, length: int) -> None:
        """In the place of what the caller says of it, and of chunks."""
        is_said = "content-length" in self._unsigned
        is_chunked = self._unsigned.pop("transfer-encoding", None) is not None
        if is_said or is_chunked or not isinstance(self._request.stream, httpx.ByteStream):
            self._unsigned["content-length"] = str(length)

    def sign(self, ready: Adds) -> None:
        """Signs the first request."""
        request = self._request

        def signature(headers: httpx.Headers) -> dict[str, str]:
            return ready.sign(request.method, self.url, wire(headers.raw), self._body)

        request.headers = _Signed(self._unsigned, self._signing.adds, signature)

    def was_wrong(self, ready: Adds, response: httpx.Response) -> bool:
        """Whether to sign once more. What a redirect led to has an answer of its own."""
        is_own = response.request is self._request
        return is_own and ready.was_wrong(self._request.method, response.status_code, response.headers)

    def redirected(self, sent: Any) -> str | None:
        """The URL of what httpcore is about to send, if httpx made it of a redirect and it stays within the origin."""
        mark = self._signing.adds[0].encode()
        is_signed = any(name.lower() == mark for name, _ in sent.headers)
        if sent.method == b"CONNECT" or is_signed or self._has_left:
            return None
        url = sent.url
        host = url.host.decode()
        port = "" if url.port is None else f":{url.port}"
        place = f"{url.scheme.decode()}://{f'[{host}]' if ':' in host else host}{port}{url.target.decode()}"
        self._has_left = self._trail.signed_url(place) is None
        return None if self._has_left else place

    def sign_redirect(self, ready: Adds, sent: Any, url: str) -> None:
        """Signs it."""
        method = sent.method.decode()
        body = self._body if method == self._request.method else b""
        added = ready.sign(method, url, wire(sent.headers), body)
        kept = [pair for pair in sent.headers if pair[0].decode().lower() not in added]
        sent.headers = kept + [(name.encode(), value.encode()) for name, value in added.items()]


class _Signed(httpx.Headers):
    """Headers with a signature, which is made anew when they change: event hooks come after it.

    They are the headers without it to whatever copies them: httpx does so for a redirect, wherever that leads.
    """

    def __init__(
        self, unsigned: httpx.Headers, adds: tuple[str, ...], signature: Callable[[httpx.Headers], dict[str, str]]
    ) -> None:
        super().__init__(unsigned)
        self._adds = adds
        self._signature = signature
        self._sign()

    def _sign(self) -> None:
        unsigned = httpx.Headers(self)
        added = self._signature(unsigned)
        self._signed = unsigned
        self._signed.update(added)

    def __setitem__(self, name: str, value: str) -> None:
        self._refuse(name)
        super().__setitem__(name, value)
        self._sign()

    def __delitem__(self, name: str) -> None:
        self._refuse(name)
        super().__delitem__(name)
        self._sign()

    def update(self, headers: Any = None) -> None:  # type: ignore[override]
        changed = httpx.Headers(headers)
        for name in changed:
            self._refuse(name)
        super().update(changed)
        self._sign()

    def _refuse(self, name: str) -> None:
        if name.lower() in self._adds:
            raise ValidationError(
                f"the header `{name.lower()}` of a signed request is changed",
                code="invalid_header",
                hint="it is the signature's: leave it as it is",
            )

    def __repr__(self) -> str:
        # httpx itself leaves out the signature alone.
        hidden = (b"authorization", b"x-amz-security-token", self._adds[0].encode())
        shown = [(name, b"[secure]" if name.lower() in hidden else value) for name, value in self.raw]
        return repr(httpx.Headers(shown))

    def __reduce__(self) -> tuple[object, ...]:
        return httpx.Headers, (super().raw,)


def _of_signed(name: str) -> Any:
    def method(self: _Signed, *arguments: Any, **options: Any) -> Any:
        return getattr(self._signed, name)(*arguments, **options)

    return method


for _name in ("keys", "values", "items", "multi_items", "get", "get_list", "__getitem__", "__contains__", "__iter__"):
    setattr(_Signed, _name, _of_signed(_name))
for _name in ("__len__", "__eq__"):
    setattr(_Signed, _name, _of_signed(_name))
_Signed.raw = property(lambda self: self._signed.raw)  # type: ignore[assignment, method-assign]


class _FileStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A file from where it stands, each time."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._start = file.tell()

    def rewound(self) -> Any:
        self._file.seek(self._start)
        return self._file

    def __iter__(self) -> Iterator[bytes]:
        self.rewound()
        while chunk := self._file.read(BLOCK):
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await to_thread.run_sync(self.rewound)
        while chunk := await to_thread.run_sync(self._file.read, BLOCK):
            yield chunk


def _hash_parts(stream: Any) -> tuple[str, int]:
    """The hash and the length of a form with files, which httpx reads from their start each time.

    All else can be read only once.
    """
    fields = getattr(stream, "fields", None)
    if fields is None or not isinstance(stream, httpx.SyncByteStream):
        raise read_once(getattr(stream, "_stream", stream))
    for field in fields:
        file = getattr(field, "file", b"")
        if not isinstance(file, (bytes, str)) and not (hasattr(file, "seekable") and file.seekable()):
            raise read_once(file)
    digest, length = sha256(), 0
    for chunk in stream:
        digest.update(chunk)
        length += len(chunk)
    return digest.hexdigest(), length


def _as_sent(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}"


def _proxy(url: str) -> str | None:
    if not url.startswith("http:"):
        return None
    proxies = getproxies()
    proxy = proxies.get("http") or proxies.get("all")
    return None if proxy_bypass(httpx.URL(url).host) else proxy
