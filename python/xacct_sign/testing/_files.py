"""Files that no folder has: however this process ends, nothing is left of them."""

from __future__ import annotations

import os
import tempfile

_HAS_NAMES = os.name == "nt"
"""There a file that is open has a name until it is closed, which the system does as well."""


class Nameless:
    """A file for a process that this one starts, and for nobody else.

    Attributes:
        path: by which that process opens it.
        inherited: what it has to inherit for that.
    """

    def __init__(self, content: bytes = b"") -> None:
        """With this in it."""
        self.file = tempfile.TemporaryFile(prefix="xacct-sign-", buffering=0)  # noqa: SIM115 - its owner closes it
        self.file.write(content)
        # macOS has the process read and write from where this one stands: it stands at the beginning, and is not moved.
        self.file.seek(0)
        number = self.file.fileno()
        self.path = self.file.name if _HAS_NAMES else f"/dev/fd/{number}"
        self.inherited: tuple[int, ...] = () if _HAS_NAMES else (number,)

    def close(self) -> None:
        """With this it is gone, once the process has ended."""
        self.file.close()

    def read(self, start: int = 0) -> bytes:
        """What is in it now, from there on."""
        number = self.file.fileno()
        length = max(os.fstat(number).st_size - start, 0)
        if hasattr(os, "pread"):
            return os.pread(number, length, start)
        self.file.seek(start)
        return self.file.read(length)
