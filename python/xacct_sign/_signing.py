"""What the adapters for HTTP clients share."""

from __future__ import annotations

from ._errors import ValidationError
from ._native import AssumeRole, Credentials, Signer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Signing:
    """A source of credentials, and the signer for those that are valid now."""

    def __init__(self, credentials: Credentials | AssumeRole, region: str | None, service: str) -> None:
        """Checks what does not need credentials."""
        if not isinstance(credentials, (Credentials, AssumeRole)):
            raise ValidationError(
                f"a {type(credentials).__name__} is no credentials",
                code="invalid_credentials",
                hint="pass Credentials or an AssumeRole",
            )
        if region is None:
            raise ValidationError(
                "no region is given", code="invalid_region", hint="give the API's region, such as `ap-northeast-1`"
            )
        self._source = credentials
        self._region = region
        self._service = service
        # Region and service are checked here, not at the first request.
        probe = credentials if isinstance(credentials, Credentials) else Credentials("check", "check")
        # One value that is replaced whole, so that threads never see a part of it.
        self._cached = (probe, Signer(probe, region, service))

    def signer(self) -> Signer:
        """A signer for credentials that are valid now; calls STS where that is needed."""
        source = self._source
        credentials = source if isinstance(source, Credentials) else source.credentials()
        cached, signer = self._cached
        if cached is not credentials and cached != credentials:
            signer = Signer(credentials, self._region, self._service)
            self._cached = (credentials, signer)
        return signer


def hash_file(file: Any) -> str:
    """The SHA-256 of a file from where it stands, in hexadecimal; the file stands there again afterwards."""
    from hashlib import sha256

    try:
        start = file.tell()
        digest = sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk if isinstance(chunk, bytes) else chunk.encode())
        file.seek(start)
    except (AttributeError, OSError) as error:
        raise ValidationError(
            "the body is a stream that cannot be rewound",
            code="invalid_body",
            hint="pass bytes, or a file that can be read twice",
        ) from error
    return digest.hexdigest()


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs share scheme, host and port."""
    from urllib.parse import urlsplit

    def origin(url: str) -> tuple[str, str | None, int | None]:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)

    return origin(one) == origin(other)
