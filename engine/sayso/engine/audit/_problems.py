"""What a check of the trail finds, as values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

LARGEST_LIST = 1000
"""How many problems a report lists; all are counted."""

NOT_COVERED = (
    "`shared`, the visits and the results of steps before a run has ended; names, sending and conversations of chats",
    "repeated refusals, which are counted and not appended",
    "what ended before sayso kept digests, beyond what its rows say in words",
    "rows at the end of a run's chain that were removed before an anchor held them",
    "rows cut off at the end, and a trail rewritten from the start: only a head noted elsewhere shows them",
)
"""What a check says nothing about."""


class AuditProblem(msgspec.Struct, frozen=True):
    """Something that differs from what the trail says: its table and its id there; rows of the trail by their number.

    `sequence` is the row of the trail that says otherwise, 0 if there is none. `next_step` is what to do.
    """

    table: str
    name: str
    sequence: int
    reason: str
    next_step: str


class AuditReport(msgspec.Struct, frozen=True):
    """The result of a check. `head` is `<sequence>:<hash>` of the last row of the store's chain; save it elsewhere.

    It holds all rows of runs but the `since_anchor` that were written since the last of the `anchors`.
    `checked` counts, by table, what was compared with the trail; `before` counts what is older than the trail's digests
    and could be compared only with the texts of its rows. `sealed_since` is the first row with digests, and its time.
    `found` counts the problems, of which the first `LARGEST_LIST` are listed.
    """

    rows: int
    redacted: int
    head: str
    anchors: int
    since_anchor: int
    found: int
    problems: tuple[AuditProblem, ...]
    checked: Mapping[str, int]
    before: int
    sealed_since: tuple[int, datetime] | None


class Findings:
    """Collects what a check finds, in bounded memory."""

    def __init__(self) -> None:
        self.found = 0
        self.before = 0
        self._problems: list[AuditProblem] = []
        self._checked: Counter[str] = Counter()

    def row(self, sequence: int, reason: str) -> None:
        """A row of the trail is not as it was written."""
        self._add(AuditProblem("audit", str(sequence), sequence, reason, _FOR_TRAIL))

    def stored(self, table: str, name: str, sequence: int, reason: str) -> None:
        """Something in another table is not as the trail says."""
        self._add(AuditProblem(table, name, sequence, reason, _FOR_TABLES))

    def checked(self, table: str) -> None:
        """Something was compared."""
        self._checked[table] += 1

    @property
    def problems(self) -> tuple[AuditProblem, ...]:
        """Those that are listed."""
        return tuple(self._problems)

    @property
    def counts(self) -> Mapping[str, int]:
        """How much was compared, by table."""
        return MappingProxyType(dict(sorted(self._checked.items())))

    def _add(self, problem: AuditProblem) -> None:
        self.found += 1
        if len(self._problems) < LARGEST_LIST:
            self._problems.append(problem)


_FOR_TRAIL = "Compare the trail with a backup and with a head noted before (`--head`)."
_FOR_TABLES = "Compare it with a backup and with `sayso audit export`. Somebody wrote into the file."
