"""What people hear: for each outcome, words that every platform has in the text that it shows to the person alone.

The whole sentences are in `docs/reference/outcomes.md`; what stands here is in them however a platform frames them.
"""

from __future__ import annotations

from typing import Final

RESOLVED: Final = "Approved"
REJECTED: Final = "Rejected"
RECORDED: Final = "Recorded"
COUNTED: Final = "1 of 2"
DUPLICATE: Final = "You already approved this"
ALREADY_ANSWERED: Final = "already approved this"
EXPIRED: Final = "This closed"
CANCELLED: Final = "cancelled"
WITHDRAWN: Final = "withdr"
SUPERSEDED: Final = "The question changed"
HELD: Final = "paused"
NOT_ALLOWED: Final = "You aren't an approver for this"
UNKNOWN: Final = "Not found, or you don't have access"
REDRAWN: Final = "out of date"
EARLY: Final = "isn't ready yet"
STUCK: Final = "still doesn't match"
FOREIGN: Final = "isn't the card itself"
