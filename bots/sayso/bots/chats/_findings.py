"""What `sayso doctor` finds, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked. `remedy` says how to fix it, empty if it is right; a note is right as well, if it is
    what was meant.
    """

    subject: str
    what: str
    remedy: str = ""
    is_note: bool = False

    @property
    def is_good(self) -> bool:
        """Whether nothing needs fixing."""
        return not self.remedy

    @classmethod
    def good(cls, subject: str, what: str) -> Self:
        """It is as it should be."""
        return cls(subject, what)

    @classmethod
    def note(cls, subject: str, what: str) -> Self:
        """It may be as it should be."""
        return cls(subject, what, is_note=True)

    @classmethod
    def bad(cls, subject: str, what: str, remedy: str) -> Self:
        """Something to fix, and how."""
        return cls(subject, what, remedy)
