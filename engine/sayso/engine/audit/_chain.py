"""The chains of the trail's rows: what was changed, removed or inserted in the trail itself.

Each run has a chain, and the store has one with the rows that belong to no run; the rows of earlier versions, which had
one chain for all, are its beginning. Rows of kind `anchored` in the store's chain hold the ends of the runs' chains.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from sayso.engine._clock import to_microseconds
from sayso.engine._records import AuditRow
from sayso.engine._values import Json, digest, encode_sorted
from sayso.engine.audit._problems import Findings
from sayso.engine.store import NO_HASH, Ends, chain_hash, ends_as_stored

Head: TypeAlias = tuple[int, str]
"""A row that was noted: its number and its hash."""


def read_head(head: str) -> Head:
    """A head as `<sequence>:<hash>`. Raises `ValueError` for what is none."""
    number, _, chained = head.partition(":")
    if not number.isdecimal() or len(chained) != len(NO_HASH):
        raise ValueError(f"{head!r} is not a head; `sayso audit verify` prints one as <sequence>:<hash>")
    return int(number), chained


class Chain:
    """One chain, followed from its first row."""

    def __init__(self) -> None:
        self._position = 0
        self._hash: str = NO_HASH

    def take(self, row: AuditRow, findings: Findings) -> None:
        """The next row of the chain."""
        position = row.sequence if row.position is None else row.position
        if row.hash != _hash_of(row, self._hash):
            findings.row(
                row.sequence, "the row or the one before it in its chain was changed, inserted or removed"
            )
        elif position != self._position + 1:
            findings.row(row.sequence, "its position does not continue its chain")
        self._position, self._hash = position, row.hash


class Trail:
    """Follows all rows in their order, with the store's chain and its anchors. `kept` is a head noted before.

    Where numbers `leave_gaps`, only rows of earlier versions have to be without.
    """

    def __init__(self, kept: Head | None, *, leaves_gaps: bool) -> None:
        self._kept = kept
        self._head_seen = kept is None or kept == (0, NO_HASH)
        self._leaves_gaps = leaves_gaps
        self._store = Chain()
        self._sequence = 0
        self._has_chains = False
        self._ends: Ends = {}
        self.rows = 0
        self.head = f"0:{NO_HASH}"
        self.redacted = 0
        self.anchors = 0
        self.since_anchor = 0
        self.sealed_since: tuple[int, datetime] | None = None

    def take(self, row: AuditRow, findings: Findings) -> None:
        """The next row."""
        if row.sequence != self._sequence + 1 and not (self._leaves_gaps and row.position is not None):
            findings.row(row.sequence, f"rows {self._sequence + 1} to {row.sequence - 1} are missing")
        if row.position is None or row.run_id is None:
            self._take_of_store(row, findings)
        else:
            self._ends[row.run_id] = row.position, row.hash
            self.since_anchor += 1
        if row.facts is not None and self.sealed_since is None:
            self.sealed_since = row.sequence, row.at
        if row.facts is None and self.sealed_since is not None:
            findings.row(row.sequence, "it has no digests, and rows before it have them")
        self._check_payload(row, findings)
        if self._kept is not None and row.sequence == self._kept[0]:
            self._head_seen = True
            if row.hash != self._kept[1]:
                findings.row(row.sequence, "its hash differs from the head given: the trail was rewritten")
        self._has_chains = self._has_chains or row.position is not None
        self._sequence = row.sequence
        self.rows += 1

    def end(self, findings: Findings) -> None:
        """There are no more rows."""
        if self._kept is None or self._head_seen:
            return
        if self._kept[0] > self._sequence:
            reason = f"the trail ends at row {self._sequence}, before the head given: cut off"
        else:
            reason = "it is missing, and is the head given"
        findings.row(self._kept[0], reason)

    def _take_of_store(self, row: AuditRow, findings: Findings) -> None:
        self._store.take(row, findings)
        self.head = f"{row.sequence}:{row.hash}"
        if row.position is None and self._has_chains:
            findings.row(row.sequence, "it has no position, and rows before it have one")
        if row.kind == "anchored":
            self._check_anchor(row, findings)

    def _check_anchor(self, row: AuditRow, findings: Findings) -> None:
        said = {str(one[0]): one for one in _ends_in(row)}
        there = {str(one[0]): one for one in ends_as_stored(self._ends)}
        for run_id in sorted({*said, *there}):
            if said.get(run_id) != there.get(run_id):
                findings.row(
                    row.sequence,
                    f"the trail of run {run_id} is not as it was when this anchor was written: rows are missing,"
                    " or were changed or inserted",
                )
        self._ends = {}
        self.anchors += 1
        self.since_anchor = 0

    def _check_payload(self, row: AuditRow, findings: Findings) -> None:
        if row.payload is None:
            self.redacted += 1
            if row.run_id is None:
                findings.row(row.sequence, "its payload was removed, and only those of runs are redacted")
        elif digest(encode_sorted(row.payload)) != row.payload_digest:
            findings.row(row.sequence, "its payload was changed")


def _ends_in(row: AuditRow) -> list[list[Json]]:
    """The ends of chains in an anchor; none in one that was tampered with, which its digest shows."""
    said = row.payload.get("ends") if isinstance(row.payload, dict) else None
    return [one for one in said if isinstance(one, list) and one] if isinstance(said, list) else []


def _hash_of(row: AuditRow, previous: str) -> str:
    """What the hash of a row has to be; rows from before there were digests are chained without them."""
    own = (row.sequence, to_microseconds(row.at), row.kind, row.run_id, row.request_id, row.person, row.via)
    facts = () if row.facts is None else (row.facts,)
    return chain_hash(previous, *own, row.payload_digest, *facts)
