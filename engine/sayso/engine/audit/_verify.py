"""The check of the whole trail: one read of the file as of one instant, in memory for one run at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import groupby

from sayso.engine._records import AuditRow
from sayso.engine.audit._chain import Chain, Head, Trail, read_head
from sayso.engine.audit._problems import AuditReport, Findings
from sayso.engine.audit._run import Pruned, RunTrail
from sayso.engine.audit._ways_in import WaysIn
from sayso.engine.store import (
    Reader,
    Session,
    read_run_evidence,
    read_stray_rows,
    read_trail,
    read_untold_runs,
    read_ways_in,
)


async def verify_audit(reader: Reader, head: str | None = None) -> AuditReport:
    """Check the whole trail, and compare it with the tables: see the reference of the audit trail.

    The file may be in use; it is read as of one instant, on a thread. Rows missing at the end, and a trail that was
    rewritten, show only against a `head` noted before. Raises `ValueError` for an invalid head, `StoreUnreadable`.
    """
    return await reader.at_once(partial(_verify, None if head is None else read_head(head)))


def _verify(kept: Head | None, session: Session) -> AuditReport:
    trail = Trail(kept, leaves_gaps=session.leaves_gaps)
    findings = Findings()
    ways_in = WaysIn()
    pruned: list[Pruned] = []
    for row in read_trail(session):
        trail.take(row, findings)
        if row.run_id is None:
            ways_in.take(row, findings)
            pruned += _pruned_before(row)
    trail.end(findings)
    for run_id, rows in groupby(read_trail(session, by_run=True), lambda row: str(row.run_id)):
        _check_run(session, run_id, rows, pruned, findings)
    for run_id in read_untold_runs(session):
        findings.stored("runs", run_id, 0, "no row of the trail says that it was started")
    ways_in.compare(read_ways_in(session), findings)
    for table, number in read_stray_rows(session):
        findings.stored(table, f"row {number}", 0, "it belongs to nothing that is stored")
    return AuditReport(
        rows=trail.rows,
        redacted=trail.redacted,
        head=trail.head,
        anchors=trail.anchors,
        since_anchor=trail.since_anchor,
        found=findings.found,
        problems=findings.problems,
        checked=findings.counts,
        before=findings.before,
        sealed_since=trail.sealed_since,
    )


def _check_run(
    session: Session,
    run_id: str,
    rows: Iterator[AuditRow],
    pruned: list[Pruned],
    findings: Findings,
) -> None:
    trail, chain = RunTrail(run_id), Chain()
    for row in rows:
        trail.take(row, findings)
        if row.position is not None:
            chain.take(row, findings)
    trail.compare(read_run_evidence(session, run_id), pruned, findings)


def _pruned_before(row: AuditRow) -> list[Pruned]:
    """Rows that deleted runs name them now; those from before say until when they had ended."""
    if row.kind != "pruned" or row.facts is not None or not isinstance(row.payload, dict):
        return []
    ended_before = row.payload.get("ended_before")
    return [Pruned(row.sequence, ended_before)] if isinstance(ended_before, int) else []
