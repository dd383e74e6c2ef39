"""What the adapters for HTTP clients share: each of them only says how its client is to be had."""

from __future__ import annotations

from ._errors import ValidationError
from ._native import Bearing, HttpHosts, PayloadHash, Signing, _within_origin
from ._session import _source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future
    from typing import Any, Protocol, TypeGuard

    from ._native import AssumeRole, IdentityProof, IdentityToken, _Gettable, _Headers, _Source
    from ._session import _Unset

    class Adds(Protocol):
        """What adds headers to the attempts of one request: a `Ready`, or a `Presented`."""

        def sign(self, method: str, url: str, headers: _Headers, body: object) -> dict[str, str]:
            """The headers to add."""

        def was_wrong(self, method: str, status: int, headers: _Gettable) -> bool:
            """Whether the request may be sent once more."""


SIGNATURE = ("authorization", "x-amz-date", "x-amz-security-token")
"""What a signature is. It is dropped from what a request has already, and goes nowhere that was not signed for."""

ADDED = (*SIGNATURE, "x-amz-content-sha256")
"""What signing adds. The last may be there before: then it is made anew."""

BLOCK = 1 << 18
"""How much of a file is read at once."""


class RequestSigning:
    """What an adapter has: what signs its requests, and where they may go. The arguments are those of `Session`."""

    replaces: tuple[str, ...] = SIGNATURE
    """The headers that a request may have already, and that are dropped then."""

    adds: tuple[str, ...] = ADDED
    """All that it adds."""

    reads_body = True
    """Whether the body is part of what is signed."""

    def __init__(
        self,
        role: str | AssumeRole | _Unset | None,
        region: str | None,
        service: str | None,
        credentials: _Source | None,
        allow_http_hosts: Iterable[str] | None,
    ) -> None:
        """See `Session`."""
        self._http_hosts = HttpHosts(allow_http_hosts)
        signs = _source(role, region, credentials, self._http_hosts)
        if signs is None:
            raise ValidationError(
                "no role to assume is given",
                code="role_not_given",
                hint="give the role's ARN, or `credentials` to sign with those themselves",
            )
        self._signing = Signing(signs, region, service)

    def ready(self, url: str) -> Adds:
        """As that of `Signing`."""
        return self._signing.ready(url)

    def at_hand(self, url: str) -> Adds | None:
        """As that of `Signing`."""
        return self._signing.at_hand(url)

    def fetch(self, url: str, future: Future[Any]) -> None:
        """As that of `Signing`."""
        self._signing.fetch(url, future)

    def trail(self) -> Trail:
        """The way of a new call."""
        return Trail(self._http_hosts)


class RequestIdentity(RequestSigning):
    """The same for an adapter that says who calls, in a header: nothing is signed, and bodies are left alone."""

    reads_body = False

    def __init__(self, identity: IdentityToken | IdentityProof, header: str) -> None:
        """The header's name in any case."""
        self._http_hosts = HttpHosts(None)
        self._bearing = Bearing(identity, header)
        self.replaces = self.adds = (self._bearing.header,)

    def ready(self, url: str) -> Adds:
        """What serves now, wherever it goes."""
        return Presented(self.adds[0], self._bearing.bearer())

    def at_hand(self, url: str) -> Adds | None:
        """The same, if nobody has to wait for it."""
        bearer = self._bearing.at_hand()
        return Presented(self.adds[0], bearer) if bearer else None

    def fetch(self, url: str, future: Future[Any]) -> None:
        """The same on a thread beside."""
        from concurrent.futures import Future

        fetched: Future[str] = Future()

        def tell(fetched: Future[str]) -> None:
            if error := fetched.exception():
                future.set_exception(error)
            else:
                future.set_result(Presented(self.adds[0], fetched.result()))

        fetched.add_done_callback(tell)
        self._bearing.fetch(fetched)


class Presented:
    """A token or a proof in its header."""

    def __init__(self, header: str, bearer: str) -> None:
        """See the class."""
        self._added = {header: f"Bearer {bearer}"}

    def sign(self, method: str, url: str, headers: _Headers, body: object) -> dict[str, str]:
        """The header; nothing of the request is part of it."""
        return self._added

    def was_wrong(self, method: str, status: int, headers: _Gettable) -> bool:
        """A refusal is the answer."""
        return False


class Trail:
    """Where a call has been: a redirect is signed as long as all of them lay within the origin of its first request."""

    def __init__(self, http_hosts: HttpHosts) -> None:
        """Nowhere yet."""
        self._http_hosts = http_hosts
        self._last: str | None = None
        self._has_begun = False

    def signed_url(self, url: str) -> str | None:
        """The canonical URL to sign and send for the next request; None for one that goes unsigned.

        Raises:
            ValidationError: for a first URL to which no signed request may go.
        """
        if not self._has_begun:
            self._has_begun = True
            self._last = self._http_hosts.reachable_url(url)
        elif self._last is not None:
            try:
                inside = _within_origin(self._last, url)
                self._last = inside and self._http_hosts.reachable_url(inside)
            except ValidationError:
                # It leads to no URL, or to one that is signed already.
                self._last = None
        return self._last


def refuse_proxy(url: str, proxy: object) -> None:
    """Refuses plain http, which is for this machine and hosts that were named, where it would go through a proxy."""
    if url.startswith("http:") and proxy:
        raise ValidationError(
            "a proxy of the environment would get the request over plain http",
            code="insecure_url",
            hint="set NO_PROXY to `localhost,127.0.0.1,::1`, and to the hosts that plain http may go to",
        )


def encoded(text: str, encoding: str, what: str, code: str) -> bytes:
    """A text in an encoding; what cannot be written in it is refused."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        # Without its cause, which holds the text.
        raise ValidationError(f"{what} cannot be written as {encoding}", code=code, hint="give bytes") from None


def wire(headers: Iterable[tuple[Any, Any]], encoding: str = "latin-1") -> list[tuple[str, bytes]]:
    """Headers as they are sent: http.client writes them as ISO 8859-1."""
    what = "a header's value"
    return [
        (
            name if isinstance(name, str) else name.decode("latin-1"),
            value if isinstance(value, bytes) else encoded(value, encoding, what, "invalid_header"),
        )
        for name, value in headers
    ]


def is_file(body: object) -> TypeGuard[Any]:
    """Whether it is read, and not passed on."""
    return hasattr(body, "read")


def read_once(body: object) -> ValidationError:
    """The error for what cannot be hashed before it is sent."""
    return ValidationError(
        f"a body of type `{type(body).__name__}` cannot be signed: it can be read only once",
        code="invalid_body",
        hint="pass bytes, str or an open file; collect a generator with `b''.join(...)`",
    )


def payload(body: object) -> tuple[bytes | PayloadHash, int]:
    """What to sign for a body, a file's hash, and its length; the file stands where it stood."""
    if body is None or isinstance(body, (bytes, bytearray, memoryview)):
        content = bytes(body or b"")
        return content, len(content)
    if is_file(body):
        digest, length = hash_file(body)
        return PayloadHash(digest), length
    raise read_once(body)


def hash_file(file: Any) -> tuple[str, int]:
    """The SHA-256 of a file from where it stands, in hexadecimal, and its length; it stands there again then."""
    from hashlib import sha256

    try:
        start = file.tell()
        digest, length = sha256(), 0
        while isinstance(chunk := file.read(BLOCK), bytes) and chunk:
            digest.update(chunk)
            length += len(chunk)
        file.seek(start)
    except (AttributeError, OSError) as error:
        raise ValidationError(
            "the body is a stream that cannot be rewound",
            code="invalid_body",
            hint="pass bytes, or a file that can be read twice",
        ) from error
    if isinstance(chunk, str):
        # Encoding and line ends are the client's, and its length that of the bytes on the disk.
        raise ValidationError(
            "the body is a file that is open as text", code="invalid_body", hint="open it with mode `rb`"
        )
    return digest.hexdigest(), length


class Beside:
    """Fetches credentials in threads beside, one for all tasks that wait to sign for a host, in whatever loop.

    The loop's own threads are left alone: they look up names, and a STS that hangs must not take them all.
    """

    def __init__(self, signing: RequestSigning) -> None:
        """Nothing is fetched yet."""
        self._signing = signing
        self._fetches: dict[tuple[int, str], Future[Adds]] = {}

    def fetch(self, url: str) -> Future[Adds]:
        """What will have them: that of the fetch that is going on, or a new one."""
        import os
        from concurrent.futures import Future

        # No lock: two that begin at once wait for one fetch all the same. A forked child has no thread of its parent's.
        key = (os.getpid(), url.split("/")[2])
        known = self._fetches.get(key)
        if known is not None and not known.done():
            return known
        future: Future[Adds] = Future()
        # From here on it cannot be cancelled: who waits no longer ends nothing for the others.
        future.set_running_or_notify_cancel()
        self._signing.fetch(url, future)
        self._fetches[key] = future
        future.add_done_callback(lambda _: self._fetches.pop(key, None))
        return future
