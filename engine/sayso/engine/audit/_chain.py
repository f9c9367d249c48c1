"""The chain of the trail's rows: what was changed, removed or inserted in the trail itself."""

from __future__ import annotations

from datetime import datetime

from sayso.engine._clock import to_microseconds
from sayso.engine._records import AuditRow
from sayso.engine._values import digest, encode_sorted
from sayso.engine.audit._problems import Findings
from sayso.engine.store import NO_HASH, chain_hash


class Chain:
    """Follows the trail from its first row; `head` is one noted before, as `<sequence>:<hash>`.

    Raises `ValueError` for what is no head.
    """

    def __init__(self, head: str | None) -> None:
        self._kept = None if head is None else _read_head(head)
        self._head_seen = head is None
        self._hash: str = NO_HASH
        self.sequence = 0
        self.redacted = 0
        self.sealed_since: tuple[int, datetime] | None = None

    @property
    def head(self) -> str:
        """The last row."""
        return f"{self.sequence}:{self._hash}"

    def take(self, row: AuditRow, findings: Findings) -> None:
        """The next row."""
        if row.sequence != self.sequence + 1:
            findings.row(row.sequence, f"rows {self.sequence + 1} to {row.sequence - 1} are missing")
        if row.hash != _hash_of(row, self._hash):
            findings.row(row.sequence, "the row or the one before it was changed, inserted or removed")
        if row.facts is not None and self.sealed_since is None:
            self.sealed_since = row.sequence, row.at
        if row.facts is None and self.sealed_since is not None:
            findings.row(row.sequence, "it has no digests, and rows before it have them")
        self._check_payload(row, findings)
        if self._kept is not None and row.sequence == self._kept[0]:
            self._head_seen = True
            if row.hash != self._kept[1]:
                findings.row(row.sequence, "its hash differs from the head given: the trail was rewritten")
        self._hash, self.sequence = row.hash, row.sequence

    def end(self, findings: Findings) -> None:
        """There are no more rows."""
        if self._kept is not None and not self._head_seen:
            findings.row(
                self._kept[0], f"the trail ends at row {self.sequence}, before the head given: cut off"
            )

    def _check_payload(self, row: AuditRow, findings: Findings) -> None:
        if row.payload is None:
            self.redacted += 1
            if row.run_id is None:
                findings.row(row.sequence, "its payload was removed, and only those of runs are redacted")
        elif digest(encode_sorted(row.payload)) != row.payload_digest:
            findings.row(row.sequence, "its payload was changed")


def _hash_of(row: AuditRow, previous: str) -> str:
    """What the hash of a row has to be; rows from before there were digests are chained without them."""
    own = (row.sequence, to_microseconds(row.at), row.kind, row.run_id, row.request_id, row.person, row.via)
    facts = () if row.facts is None else (row.facts,)
    return chain_hash(previous, *own, row.payload_digest, *facts)


def _read_head(head: str) -> tuple[int, str]:
    number, _, chained = head.partition(":")
    if not number.isdecimal() or len(chained) != len(NO_HASH):
        raise ValueError(f"{head!r} is not a head; `sayso audit verify` prints one as <sequence>:<hash>")
    return int(number), chained
