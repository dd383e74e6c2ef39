"""The exceptions. Every one has a stable `code`, a sentence, and where we know it a `hint`."""

from __future__ import annotations


class XacctSignError(Exception):
    """The base of all: `str()` gives the sentence and the hint.

    Attributes:
        code: the stable code, such as `invalid_region`; the same in every language this library has.
        hint: what to do, or None.
        retryable: whether the same call may succeed if it is made again later.

    What an error came from is its `__cause__`.
    """

    code: str
    hint: str | None
    retryable: bool

    def __init__(self, message: str, *, code: str, hint: str | None = None, retryable: bool = False) -> None:
        """An error with its sentence, code and hint."""
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.retryable = retryable

    def __str__(self) -> str:
        """The sentence, and the hint behind it."""
        message = super().__str__()
        return f"{message} ({self.hint})" if self.hint else message

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles with all attributes, so that an error crosses process boundaries."""
        return (_restore, (type(self), self.args, self.__dict__))


def _restore(cls: type[XacctSignError], args: tuple[object, ...], state: dict[str, object]) -> XacctSignError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ValidationError(XacctSignError, ValueError):
    """Bad input, found before anything was sent."""


class CredentialsError(XacctSignError):
    """There are no base credentials, or they have expired."""


class StsError(XacctSignError):
    """STS refused, or failed.

    Attributes:
        action: the call that failed, such as `AssumeRole`.
        aws_code: AWS's error code, such as `AccessDenied`; empty if the answer had none.
        status: the HTTP status.
        request_id: AWS's request id, or None.
    """

    action: str
    aws_code: str
    status: int | None
    request_id: str | None

    def __init__(
        self,
        message: str,
        *,
        code: str,
        action: str,
        hint: str | None = None,
        retryable: bool = False,
        aws_code: str = "",
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        """An error with what AWS answered."""
        super().__init__(message, code=code, hint=hint, retryable=retryable)
        self.action = action
        self.aws_code = aws_code
        self.status = status
        self.request_id = request_id


class TransportError(XacctSignError, OSError):
    """The network, TLS, a proxy or an unreadable answer."""

    def __str__(self) -> str:
        """The sentence, and the hint behind it."""
        return XacctSignError.__str__(self)


class TransportTimeout(TransportError, TimeoutError):
    """A time limit ran out."""
