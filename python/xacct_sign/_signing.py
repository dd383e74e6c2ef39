"""What the adapters for HTTP clients share."""

from __future__ import annotations

from ._errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
