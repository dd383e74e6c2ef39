"""SigV4 for aiohttp: `aiohttp.ClientSession(middlewares=[SigV4Middleware(role_arn, region=...)])`.

And who calls, for servers without API Gateway: `middlewares=[IdentityMiddleware(IdentityToken(audience, region=...))]`.
"""

from __future__ import annotations

import asyncio
import weakref
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError, ClientHandlerType, ClientRequest, ClientResponse, hdrs
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import AsyncIterablePayload, BytesPayload
from yarl import URL

from ._errors import TransportError, TransportTimeout, ValidationError
from ._native import PayloadHash
from ._session import _UNSET
from ._signing import BLOCK, Beside, RequestIdentity, RequestSigning, Trail, read_once, refuse_proxy, wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._native import AssumeRole, IdentityProof, IdentityToken, _Source
    from ._session import _Unset
    from ._signing import Adds

__all__ = ["IdentityMiddleware", "SigV4Middleware"]

_REDIRECTS = (301, 302, 303, 307, 308)


class _Middleware:
    """What both do of each request."""

    def __init__(self, signing: RequestSigning) -> None:
        """See those."""
        self._signing = signing
        self._beside = Beside(signing)
        # The trails of calls that were redirected, by what their requests share.
        self._redirected: dict[int, tuple[object, Trail]] = {}

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Signs the request in place, and sends it."""
        # All requests of a call, and no other, have this list in common.
        call = request._traces
        known = self._redirected.get(id(call))
        trail = known[1] if known else self._signing.trail()
        url = trail.signed_url(str(request.url))
        if url is None:
            self._strip(request)
            response = await handler(request)
        else:
            response = await self._send_signed(request, handler, url)
        if response.status in _REDIRECTS:
            # A call keeps its answers until it is over.
            self._redirected[id(call)] = (call, trail)
            weakref.finalize(response, self._redirected.pop, id(call), None)
        return response

    async def _send_signed(self, request: ClientRequest, handler: ClientHandlerType, url: str) -> ClientResponse:
        refuse_proxy(url, request.proxy)
        # As it is: yarl would write it in its own way.
        request.url = URL(url, encoded=True)
        body: object = None
        if self._signing.reads_body:
            _complete(request)
            body, length = await _payload(request)
            _say_length(request, length)
        target = f"{url.partition('://')[0]}://{request.url.raw_authority}{request.url.raw_path_qs}"
        for is_last in (False, True):
            ready = await self._ready(target)
            added = ready.sign(request.method, target, wire(request.headers.items(), "utf-8"), body)
            self._strip(request)
            request.headers.update(added)
            response = await handler(request)
            if is_last or not ready.was_wrong(request.method, response.status, response.headers):
                break
            response.release()
        return response

    async def _ready(self, url: str) -> Adds:
        at_hand = self._signing.at_hand(url)
        if at_hand is not None:
            return at_hand
        try:
            return await asyncio.wrap_future(self._beside.fetch(url))
        except TransportTimeout:
            raise
        except TransportError as error:
            raise ClientTransportError._of(error) from error

    def _strip(self, request: ClientRequest) -> None:
        for name in self._signing.adds:
            request.headers.popall(name, None)


class SigV4Middleware(_Middleware):
    """Signs each request that aiohttp sends, with credentials that are valid then. It needs aiohttp 3.12.14 or newer.

    One object serves any number of sessions and loops, and blocks none of them: credentials that have to be fetched
    come beside, once for all who wait. The URL is brought into its canonical form and sent so. A redirect within the
    origin is signed anew; to any other place aiohttp follows without signature and token. A 403 whose `Date` shows that
    this machine's clock is off is answered with one more attempt. Where there are several middlewares it stands last,
    since what others change after it would not be signed.

    Args:
        role: the ARN of the role to assume, or an `AssumeRole`. Left out, `credentials` sign themselves.
        region: the API's region. AWS's own hosts say it; for any other it is known as in `Session`.
        service: the signing name. AWS's own hosts say it too; for any other it is `execute-api`, API Gateway's.
        credentials: as those of `Session`: with a role, what assumes it; without one, what signs.
        allow_http_hosts: as that of `Session`: hosts to which plain http may go.

    Raises:
        ValidationError: for any argument that cannot work; when a request is made, for plain http to a host that is
            neither loopback nor allowed or through a proxy, a URL that is signed already, or a body that can be read
            only once or is compressed while it is sent.
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
        super().__init__(RequestSigning(role, region, service, credentials, allow_http_hosts))


class IdentityMiddleware(_Middleware):
    """Says in each request that aiohttp sends who calls, by a token or a proof that serves then; nothing is signed.

    It needs aiohttp 3.12.14 or newer. One object serves any number of sessions and loops, and blocks none of them. It
    goes where a signed request goes: over https or to loopback. A redirect within the origin says it again; to any
    other place aiohttp follows without it.

    Args:
        identity: an `IdentityToken` or an `IdentityProof`.
        header: the name of the header that it stands in, as `Bearer ...`.

    Raises:
        ValidationError: for any argument that cannot work; when a request is made, for plain http to a host that is
            not loopback or through a proxy.
    """

    def __init__(self, identity: IdentityToken | IdentityProof, *, header: str = "authorization") -> None:
        """See the class."""
        super().__init__(RequestIdentity(identity, header))


class ClientTransportError(TransportError, ClientError):
    """A `TransportError` of fetching credentials: aiohttp would make an error of its own of any other `OSError`."""

    @classmethod
    def _of(cls, error: TransportError) -> ClientTransportError:
        return cls(*error.args, code=error.code, hint=error.hint, retryable=error.retryable)


def _complete(request: ClientRequest) -> None:
    """The header that aiohttp would add when it sends, unsigned."""
    has_type = hdrs.CONTENT_TYPE in request.headers or hdrs.CONTENT_TYPE in request.skip_auto_headers
    if request.method in request.POST_METHODS and not has_type:
        request.headers[hdrs.CONTENT_TYPE] = "application/octet-stream"


def _say_length(request: ClientRequest, length: int) -> None:
    """In the place of what the caller says of it; aiohttp would cut the body to that."""
    if request.chunked:
        return
    request.headers.popall(hdrs.TRANSFER_ENCODING, None)
    if hdrs.CONTENT_LENGTH in request.headers:
        request.headers[hdrs.CONTENT_LENGTH] = str(length)


async def _payload(request: ClientRequest) -> tuple[bytes | PayloadHash, int]:
    """What to sign for the body, and its length."""
    body = request.body
    if isinstance(body, bytes):
        return body, len(body)
    if request.compress:
        raise ValidationError(
            "a body that is compressed while it is sent cannot be signed",
            code="invalid_body",
            hint="compress it before, and set `content-encoding`",
        )
    if isinstance(body, BytesPayload):
        content = await body.as_bytes()
        is_small = len(content) < BLOCK
        return content if is_small else PayloadHash(await asyncio.to_thread(_digest, content)), len(content)
    if isinstance(body, AsyncIterablePayload):
        raise read_once(body)
    # A payload writes itself the same way each time, as it does for redirects, unless it says that it cannot.
    writer = _Hashing()
    await body.write(writer)
    if body.consumed:
        raise ValidationError(
            "the body is a stream that cannot be rewound",
            code="invalid_body",
            hint="pass bytes, or a file that can be read twice",
        )
    return PayloadHash(writer.digest.hexdigest()), writer.size


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


class _Hashing(AbstractStreamWriter):
    """What a payload is written to in order to know its hash."""

    def __init__(self) -> None:
        self.digest = sha256()
        self.size = 0

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self.digest.update(chunk)
        # Of a memoryview `len` counts items.
        self.size += chunk.nbytes if isinstance(chunk, memoryview) else len(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.write(chunk)

    async def drain(self) -> None:
        pass

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        pass

    def enable_chunking(self) -> None:
        pass

    async def write_headers(self, status_line: str, headers: Any) -> None:
        pass
