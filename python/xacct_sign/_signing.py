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
        while isinstance(chunk := file.read(1 << 20), bytes) and chunk:
            digest.update(chunk)
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
    return digest.hexdigest()
