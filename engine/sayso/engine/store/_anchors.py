"""Anchors: rows of the store's own chain that hold the ends of the runs' chains, so that none can lose its end unseen.

Who holds the last row of the store's chain holds all rows of runs up to its last anchor. When one is due is said here;
the writer writes it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sayso.engine.store._session import Session
from sayso.engine.store._transaction import Transaction

ANCHORED_EVERY = timedelta(minutes=1)
MOST_UNDER_NONE = 1000
"""An anchor is written so long after the first row of a run that is under none, or when there are so many of them."""

Ends: TypeAlias = "dict[str, tuple[int, str]]"
"""By run, the position and the hash of the last row of its chain."""


def anchor(tx: Transaction) -> None:
    """Append a row with the ends of all chains that grew since the last one; none where none did."""
    ends: Ends = {row["run_id"]: (row["position"], row["hash"]) for row in _under_none(tx)}
    if ends:
        tx.audit("anchored", {"ends": ends_as_stored(ends)})


def ends_as_stored(ends: Ends) -> list[list[str | int]]:
    """The ends of chains as an anchor's payload lists them."""
    return [[run_id, *ends[run_id]] for run_id in sorted(ends)]


def head_of(session: Session) -> str | None:
    """The last row of the store's chain as `<sequence>:<hash>`, None where there is none."""
    row = session.row("audit_head_of_store")
    return None if row is None else f"{row['sequence']}:{row['hash']}"


class Schedule:
    """When the next anchor is due, by the store's clock as it was last read."""

    def __init__(self) -> None:
        self._now: datetime | None = None
        self._since: datetime | None = None
        self._rows = 0

    def begin(self, tx: Transaction) -> None:
        """Have an anchor written soon, where something is under none: whoever wrote it was killed."""
        self._now, self._rows = tx.instant, len(_under_none(tx))
        self._since = tx.instant - ANCHORED_EVERY if self._rows else None

    def add(self, rows: int, now: datetime) -> None:
        """The trail got rows, or none."""
        self._now = now
        self._rows += rows
        if self._rows and self._since is None:
            self._since = now

    def done(self) -> None:
        """All is under an anchor."""
        self._rows, self._since = 0, None

    def postpone(self, now: datetime) -> None:
        """It failed."""
        self._now, self._rows = now, 0
        self._since = None if self._since is None else now

    @property
    def has_rows(self) -> bool:
        """Whether something may be under no anchor."""
        return self._since is not None

    def is_due(self, now: datetime) -> bool:
        """Whether an anchor should be written."""
        self._now = now
        return self._rows >= MOST_UNDER_NONE or self.wait() == 0

    def wait(self) -> float | None:
        """How many seconds there are until one should be, if the trail grows no further."""
        if self._since is None or self._now is None:
            return None
        return max(0.0, (self._since + ANCHORED_EVERY - self._now).total_seconds())


def _under_none(session: Session) -> list[Any]:
    last = session.row("audit_last_anchor")
    return session.rows("audit_under_no_anchor", (0 if last is None else last["sequence"],))
