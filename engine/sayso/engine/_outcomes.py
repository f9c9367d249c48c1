"""The outcome of an attempt to answer."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class OutcomeKind(StrEnum):
    """The ways in which an attempt to answer can end. `RESOLVED`, `COUNTED` and `HELD` were recorded as votes; `DONE`
    is a question that was withdrawn or handed over; every other kind changed nothing.
    """

    RESOLVED = "resolved"
    COUNTED = "counted"
    DUPLICATE = "duplicate"
    ALREADY_ANSWERED = "already_answered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    HELD = "held"
    DONE = "done"
    NOT_ALLOWED = "not_allowed"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class Outcome(msgspec.Struct, frozen=True):
    """The outcome of an attempt to answer; true from the moment it is returned.

    `reason` is a sentence for the person. `repeated` says that the event key had been seen before and this is
    what was recorded then.
    """

    kind: OutcomeKind
    reason: str
    repeated: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the answer was recorded as this person's vote."""
        return self.kind in ACCEPTED


NOT_FOUND = "Not found, or you don't have access."
"""The reason for those who answer what there is not, or is not for them: which of the two is not told."""

QUESTION_CHANGED = "The question changed. Read it again and choose."
"""The reason for those who answer an older text."""

ACCOUNTS_CHANGED = "Your accounts changed while this was checked. Nothing was counted. Try again."
"""The reason for those whose accounts are others at the commit than when it was looked up where they belong."""

ACCEPTED = frozenset({OutcomeKind.RESOLVED, OutcomeKind.COUNTED, OutcomeKind.HELD})
"""The outcomes of answers that were recorded as votes."""
