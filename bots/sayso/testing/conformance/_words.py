"""What people hear: for each outcome, words that every platform has in the text that it shows to the person alone.

The whole sentences are in `docs/reference/outcomes.md`; what stands here is in them however a platform frames them.
"""

from __future__ import annotations

from typing import Final

RESOLVED: Final = "Approved"
RECORDED: Final = "Recorded"
COUNTED: Final = "1 of 2"
DUPLICATE: Final = "You have already approved this"
ALREADY_ANSWERED: Final = "Already approved by"
EXPIRED: Final = "This closed at"
CANCELLED: Final = "This was cancelled"
WITHDRAWN: Final = "This was withdrawn"
SUPERSEDED: Final = "The question changed"
HELD: Final = "held"
NOT_ALLOWED: Final = "This is not yours to answer"
UNKNOWN: Final = "does not know this question"
REDRAWN: Final = "out of date"
FOREIGN: Final = "isn't the card itself"
