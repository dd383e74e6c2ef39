"""The refusal of a request."""

from __future__ import annotations

from .._errors import XacctSignError


class RefusedError(XacctSignError):
    """A request is refused: it comes from no caller, or from one that may not do this.

    `str()` is for the log. The client is told the status and no more.

    Attributes:
        status: 401, 403, or 503 where keys or STS could not be had.
    """

    status: int

    def __init__(self, message: str, *, code: str, status: int, hint: str | None = None) -> None:
        """A refusal with its sentence, code and status."""
        super().__init__(message, code=code, hint=hint, retryable=status == 503)
        self.status = status
