"""Transactions about runs that were cut off in the middle of a visit: by the death of their process, or by a fault of
ours in driving them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sayso.engine._records import Attention, AttentionKind
from sayso.engine.store._commands import Place
from sayso.engine.store._running import hold
from sayso.engine.store._transaction import Transaction

DEATHS = 3
"""At the start that finds a run cut off for the third time in a row, it is held: it may be what ends the process."""


def count_start(tx: Transaction, place: Place) -> Attention | None:
    """Count that a start found a run in the middle of a visit; why it is held now, if it is.

    A visit that waited for its next attempt was not being executed: that counts nothing.
    """
    row = tx.row("run_found", {"run_key": place.run_key, "visit": place.visit, "now": tx.now})
    if row is None or row["cut_off"] < DEATHS:
        return None
    reason = f"{DEATHS} times in a row the process died while this node ran; its code may end it, or take all memory"
    attention = Attention(AttentionKind.PROCESS_DIED, place.node_id, reason=reason)
    return attention if hold(tx, place, attention) else None


def hold_run(tx: Transaction, run_id: str, reason: str) -> Attention | None:
    """Hold a run because sayso itself failed in driving it, at whatever node; None if there is nothing to hold."""
    row = tx.row("run_place", (run_id,))
    if row is None:
        return None
    attention = Attention(AttentionKind.SAYSO_FAILED, row["node_id"], reason=reason)
    place = Place(row["run_key"], run_id, row["workflow"], row["visit"], row["node_id"], 0)
    return attention if hold(tx, place, attention) else None


def set_aside(tx: Transaction, workflows: Sequence[str], run_id: str | None) -> None:
    """Record that whatever of these is in the middle of a visit was stopped in order: all runs of workflows, or one."""
    if run_id is not None:
        tx.run("run_set_aside", (run_id,))
        return
    for workflow in workflows:
        tx.run("runs_set_aside", (workflow,))
