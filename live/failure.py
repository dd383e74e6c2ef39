"""What is told in a sentence."""

from __future__ import annotations


class Failure(Exception):
    """Something that the user is told, with what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        """A sentence in lower case, and a hint."""
        super().__init__(message)
        self.hint = hint

    def told(self) -> str:
        """Both, as the command tells its errors."""
        return f"error: {self}\nhint: {self.hint}"
