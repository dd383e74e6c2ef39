"""`Response`, shaped like that of requests, and the error that it raises."""

from __future__ import annotations

from ._errors import ValidationError, XacctSignError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from ._native import Finding, Sent, Stream


class ResponseHeaders(dict[str, str]):
    """Headers by name in any case; values of a repeated name are joined with `, `, as RFC 9110 has it."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Headers from pairs whose names are in lower case."""
        super().__init__()
        for name, value in pairs:
            super().__setitem__(name, f"{self[name]}, {value}" if name in self else value)

    def __getitem__(self, name: str) -> str:
        """The value of a header."""
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        """Whether the header is there."""
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a header, or the default."""
        return super().get(name.lower(), default)


_PIECE = 1 << 16
"""How much of a body is read at once."""

_SHOWN = 200
"""How many characters of a body an error shows."""


class Response:
    """An answer: read to its end, or with `stream=True` still to be read.

    As a context manager it is closed at the end of the block.

    Attributes:
        status_code: the HTTP status.
        headers: by name in any case.
        url: the URL that answered, after redirects within the origin.
    """

    __slots__ = (
        "_content",
        "_has_begun",
        "_method",
        "_said",
        "_sent",
        "_stream",
        "_timeout",
        "_why",
        "headers",
        "status_code",
        "url",
    )

    def __init__(
        self,
        method: str,
        status_code: int,
        url: str,
        headers: list[tuple[str, str]],
        content: bytes | Stream,
        said: str | None = None,
        why: str | None = None,
        sent: Sent | None = None,
        timeout: float | None = None,
    ) -> None:
        """An answer from its parts."""
        self._method = method
        self.status_code = status_code
        self.url = url
        self.headers = ResponseHeaders(headers)
        self._content = content if isinstance(content, bytes) else None
        self._stream = None if isinstance(content, bytes) else content
        self._has_begun = False
        self._said = said
        self._why = why
        self._sent = sent
        self._timeout = timeout

    def __getstate__(self) -> object:
        """Everything but what was sent: that holds credentials, and crosses no process boundary."""
        return None, {name: getattr(self, name) for name in self.__slots__ if name != "_sent"}

    def __enter__(self) -> Response:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def __bool__(self) -> bool:
        """Whether the status is below 400, as `ok`."""
        return self.ok

    def close(self) -> None:
        """Ends the reading of a streamed body. What was not read to its end takes its connection with it."""
        if self._stream is not None:
            self._stream.close()

    @property
    def content(self) -> bytes:
        """The body; of a streamed answer what is still to be read, all at once.

        Raises:
            ValidationError: `invalid_option` if a part of it was read already, `closed`.
            TransportError: the network failed; `TransportTimeout` if a piece took too long.
        """
        if self._content is None:
            self._content = b"".join(self.iter_content())
        return self._content

    def iter_content(self, chunk_size: int = _PIECE) -> Iterator[bytes]:
        """The body piece by piece, `gzip` and `deflate` undone, each as soon as it is there.

        Args:
            chunk_size: how long a piece is at most, in bytes.

        Raises:
            ValidationError: `invalid_option` if `chunk_size` is no positive number, or the body was read in part
                already; `closed`.
            TransportError: the network failed; `TransportTimeout` if a piece took too long.
        """
        if isinstance(chunk_size, bool) or not isinstance(chunk_size, int) or chunk_size < 1:
            raise ValidationError("`chunk_size` is no positive whole number", code="invalid_option")
        if self._content is not None or self._stream is None:
            return _pieces(self._content or b"", chunk_size)
        if self._has_begun:
            raise ValidationError(
                "the body was read already, at least in part", code="invalid_option", hint="keep what you read of it"
            )
        self._has_begun = True
        return self._read(self._stream, chunk_size)

    def _read(self, stream: Stream, chunk_size: int) -> Iterator[bytes]:
        while piece := stream.read(chunk_size, self._timeout):
            yield piece

    def iter_lines(self, chunk_size: int = _PIECE) -> Iterator[bytes]:
        """The body line by line, without line ends (`\\n` or `\\r\\n`); otherwise as `iter_content`."""
        return _lines(self.iter_content(chunk_size))

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status_code < 400

    @property
    def reason(self) -> str:
        """The status in words, empty if it has none."""
        from http import HTTPStatus

        try:
            return HTTPStatus(self.status_code).phrase
        except ValueError:
            return ""

    @property
    def encoding(self) -> str:
        """The charset of `content-type`, else UTF-8."""
        for parameter in self.headers.get("content-type", "").split(";")[1:]:
            name, _, value = parameter.strip().partition("=")
            if name.lower() == "charset" and value:
                return str(value.strip("\"'"))
        return "utf-8"

    @property
    def text(self) -> str:
        """The body as text; bytes that do not decode are replaced."""
        try:
            return self.content.decode(self.encoding, "replace")
        except LookupError:
            return self.content.decode("utf-8", "replace")

    def json(self, **kwargs: Any) -> Any:
        """The body read as JSON; `kwargs` go to `json.loads`.

        Raises:
            json.JSONDecodeError: if it is none (a ValueError).
        """
        import json

        return json.loads(self.content, **kwargs)

    def raise_for_status(self) -> None:
        """Raises `HttpStatusError` if the status is 400 or more."""
        if self.ok:
            return
        hint = None
        sent = getattr(self, "_sent", None)
        explains = "this error's `explain()` says what can be told from here, and whose side it is on"
        if self._why:
            hint = f"the emulator's reason: {_shown(self._why)}"
        elif sent is None:
            pass
        elif sent.has_bearer:
            # No gateway has a log of what a server was shown.
            hint = explains if self.status_code in (401, 403) else None
        elif self.status_code == 403:
            hint = f"{explains}; where API Gateway refused, the API's access log has the reason"
        url = self.url.partition("?")[0]
        message = f"{self._method} {url} was answered with {self.status_code} {self.reason}".rstrip()
        said = _first(self._said or "")
        raise HttpStatusError(f"{message}: `{said}`" if said else message, code="http_status", hint=hint, response=self)

    def __repr__(self) -> str:
        """Status only."""
        return f"<Response [{self.status_code}]>"


class HttpStatusError(XacctSignError):
    """`Response.raise_for_status` found a status of 400 or more.

    Attributes:
        response: the answer.
    """

    response: Response

    def __init__(self, message: str, *, code: str, response: Response, hint: str | None = None) -> None:
        """An error with its answer."""
        super().__init__(message, code=code, hint=hint)
        self.response = response

    def explain(self) -> list[Finding]:
        """Why the call was refused, and on whose side that is: the most telling first.

        A REST API's text is read: the canonical request in it is compared with the one that was signed, line by line,
        and the clause of a denial names the kind of policy. A bare `Forbidden` is held against what can be checked from
        here: who answered, the clock, the age of the credentials, region and service of the host.

        Returns:
            Findings with `code`, `side`, `reason` and `hint`; empty for what is the API's own answer, and for an error
            that came from another process. Of a streamed answer the body counts if it was read.
        """
        sent = getattr(self.response, "_sent", None)
        return [] if sent is None else sent.explain(self.response._content)


def _pieces(content: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    # Joined once a line: to put each piece behind what there is takes the square of a long line's length.
    begun: list[bytes] = []
    for piece in pieces:
        *ended, rest = piece.split(b"\n")
        for line in ended:
            begun.append(line)
            yield b"".join(begun).removesuffix(b"\r")
            begun.clear()
        begun.append(rest)
    if last := b"".join(begun):
        yield last


def _first(text: str) -> str:
    """What the first line of a body says, if it is a text."""
    if "\0" in text:
        return ""
    if text.lstrip().startswith("{"):
        from json import loads

        try:
            body = loads(text)
        except (ValueError, RecursionError):
            body = None
        message = (body.get("message") or body.get("Message")) if isinstance(body, dict) else None
        text = message if isinstance(message, str) else text
    return _shown(text)


def _shown(text: str) -> str:
    """The first line of a text from outside: cut, and without what does something to a terminal.

    What follows may be a canonical request, with the session token in it; an `Authorization` may be said back.
    """
    line = text.strip().partition("\n")[0].partition("\\n")[0].partition("Authorization=")[0].strip()
    cut = f"{line[:_SHOWN]}…" if len(line) > _SHOWN else line
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in cut)
