"""`Response`, shaped like that of requests, and the error that it raises."""

from __future__ import annotations

from ._errors import XacctSignError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


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


class Response:
    """An answer, read to its end.

    Attributes:
        status_code: the HTTP status.
        headers: by name in any case.
        content: the body.
        url: the URL that answered, after redirects within the origin.
    """

    __slots__ = ("_method", "content", "headers", "status_code", "url")

    def __init__(self, method: str, status_code: int, url: str, headers: list[tuple[str, str]], content: bytes) -> None:
        """An answer from its parts."""
        self._method = method
        self.status_code = status_code
        self.url = url
        self.headers = ResponseHeaders(headers)
        self.content = content

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
        if self.status_code == 403:
            hint = (
                "API Gateway says no more than this: check that the role may invoke this method and path, that method, "
                "host and path reach the API unchanged, and the clock; the reason is in the API's access log"
            )
        url = self.url.partition("?")[0]
        raise HttpStatusError(
            f"{self._method} {url} was answered with {self.status_code} {self.reason}".rstrip(),
            code="http_status",
            hint=hint,
            response=self,
        )

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
