"""The operator's transactions: cancel, retry, attention, redact, prune."""

from __future__ import annotations

import msgspec

from sayso.engine._binding import asks_approval
from sayso.engine._questions import question_digest, question_from_text
from sayso.engine._records import ENDED, Attention, AttentionKind, RunRecord, WorkflowStatus
from sayso.engine.errors import KeyReused, NotApplicable, RunMovedOn, UnknownRun
from sayso.engine.store._commands import CommandKey, Warrant
from sayso.engine.store._evidence import things_of_request
from sayso.engine.store._rows import policy_text, read_policy, read_run
from sayso.engine.store._running import first_times, timed
from sayso.engine.store._transaction import Transaction
from sayso.engine.store._warrants import check

ATTENTION_ACTIONS: dict[AttentionKind, tuple[str, ...]] = {
    AttentionKind.QUESTION_CHANGED: ("reask", "accept", "cancel"),
    AttentionKind.FILE_UNREADABLE: ("again", "cancel"),
    AttentionKind.ANSWER_UNUSED: ("reask", "accept", "cancel"),
    AttentionKind.STEP_UNFINISHED: ("done", "again", "cancel"),
    AttentionKind.STEP_CHANGED: ("accept", "done", "again", "cancel"),
    AttentionKind.NODE_GONE: ("cancel",),
    AttentionKind.PROCESS_DIED: ("again", "cancel"),
    AttentionKind.SAYSO_FAILED: ("again", "cancel"),
}
"""What an operator can say to each kind of run that waits for one."""

_RUN_AS_IT_IS = (AttentionKind.PROCESS_DIED, AttentionKind.SAYSO_FAILED, AttentionKind.FILE_UNREADABLE)


def attention_actions(attention: Attention) -> tuple[str, ...]:
    """The possible actions of an operator. An approval is never kept for something else than people approved, so it
    cannot be accepted.
    """
    actions = ATTENTION_ACTIONS[attention.kind]
    if attention.kind is not AttentionKind.QUESTION_CHANGED:
        return actions
    texts = [text for text in (attention.was, attention.now) if text is not None]
    if not any(_may_be_approval(text) for text in texts):
        return actions
    return tuple(action for action in actions if action != "accept")


def _may_be_approval(text: str) -> bool:
    """Whether a stored question asks for an approval; one that cannot be read might."""
    try:
        return asks_approval(question_from_text(text))
    except msgspec.DecodeError:
        return True


def _load(tx: Transaction, run_id: str) -> RunRecord:
    row = tx.row("run_load", {"run_id": run_id})
    if row is None:
        raise UnknownRun(run_id)
    return read_run(row)


def started_by(tx: Transaction, command: CommandKey) -> str | None:
    """The run of a command that was carried out, or None. Raises `KeyReused` if the key was used for something else."""
    found = asked_under(tx, command)
    return None if found is None else found[0]


def asked_under(tx: Transaction, command: CommandKey) -> tuple[str, str | None] | None:
    """The run of a command that was carried out, and the name of its one question that was asked by it, None for all;
    or None. Raises `KeyReused` if the key was used for something else.
    """
    row = tx.row("command_find", {"person": command.person, "key": command.key})
    if row is None:
        return None
    if row["digest"] != command.digest:
        raise KeyReused(command.key)
    return str(row["run_id"]), row["request"]


def _is_repeated(tx: Transaction, command: CommandKey | None, run: RunRecord) -> bool:
    """Whether this was done before; if not, it is from now on. Raises `KeyReused`."""
    if command is None:
        return False
    if started_by(tx, command) is not None:
        return True
    tx.run("command_add", {**msgspec.structs.asdict(command), "run_key": run.run_key})
    return False


def _check_seen(run: RunRecord, seen: int | None) -> None:
    """Raises `RunMovedOn` for a decision about an earlier stop than the last; one that names none is about the last."""
    if seen is None or seen == run.stops:
        return
    if run.attention is not None:
        now = f"it is held for {run.attention.kind} {run.attention.name!r}"
    else:
        now = f"it failed: {run.error}" if run.status is WorkflowStatus.FAILED else f"it is {run.status}"
    raise RunMovedOn(run.run_id, now)


def cancel(
    tx: Transaction,
    run_id: str,
    person: str,
    via: str,
    command: CommandKey | None = None,
    warrant: Warrant | None = None,
) -> None:
    """Cancel a run that has not ended, with its open requests. A repeated command changes nothing.

    Raises `UnknownRun`, `NotApplicable`, `KeyReused`, `RightLapsed`.
    """
    check(tx, warrant, person)
    run = _load(tx, run_id)
    if _is_repeated(tx, command, run):
        return
    if run.status in ENDED:
        raise NotApplicable(run_id, "cancel", f"it has ended already ({run.status})")
    fields = {"run_key": run.run_key, "visit": run.visit, "person": person, "now": tx.now}
    tx.run("run_cancel", fields)
    tx.run("visit_end", ("CANCELLED", None, None, tx.now, run.run_key, run.visit))
    for request in tx.rows("requests_cancel_open", fields):
        tx.mark_cards("deliveries_mark", (request["request_key"],))
        tx.audit("request_cancelled", {}, run_id=run_id, request_id=request["id"], person=person, via=via)
    tx.mark_cards("deliveries_mark_run", fields)
    tx.audit("run_cancelled", {}, run_id=run_id, person=person, via=via)
    tx.announce(run_id, run.workflow, WorkflowStatus.CANCELLED)


def retry(
    tx: Transaction,
    run_id: str,
    person: str,
    via: str,
    command: CommandKey | None = None,
    *,
    ask_again: bool,
    seen: int | None = None,
    warrant: Warrant | None = None,
) -> None:
    """Run the failed visit again: a new attempt that keeps its answers, or a new visit that asks again.

    Raises `UnknownRun`, `NotApplicable`, `RunMovedOn`, `KeyReused`, `RightLapsed`.
    """
    check(tx, warrant, person)
    run = _load(tx, run_id)
    if _is_repeated(tx, command, run):
        return
    _check_seen(run, seen)
    if run.status is not WorkflowStatus.FAILED:
        raise NotApplicable(run_id, "retry", f"only a failed run can be retried, and it is {run.status}")
    fields = {"run_key": run.run_key, "visit": run.visit, "now": tx.now}
    tx.run("run_retry", {**fields, "next_visit": run.visit + 1 if ask_again else run.visit})
    tx.run("visit_again" if ask_again else "visit_retry", fields)
    tx.mark_cards("deliveries_mark_run", fields)
    tx.audit("run_retried", {"ask_again": ask_again}, run_id=run_id, person=person, via=via)
    tx.announce(run_id, run.workflow, WorkflowStatus.RUNNING)


def attend(  # noqa: PLR0913 - the fields of a decision
    tx: Transaction,
    run_id: str,
    action: str,
    result: str | None,
    person: str,
    via: str,
    command: CommandKey | None = None,
    *,
    seen: int | None = None,
    warrant: Warrant | None = None,
) -> None:
    """Carry out an operator's decision about a run that needs attention; `result` is the JSON for `done`.

    Raises `UnknownRun`, `NotApplicable`, `RunMovedOn`, `KeyReused`, `RightLapsed`.
    """
    check(tx, warrant, person)
    run = _load(tx, run_id)
    if _is_repeated(tx, command, run):
        return
    _check_seen(run, seen)
    if action == "cancel" and run.status not in ENDED:
        cancel(tx, run_id, person, via)
        return
    attention = run.attention
    if attention is None:
        raise NotApplicable(run_id, action, f"it is {run.status} and needs no decision from an operator")
    possible = attention_actions(attention)
    if action not in possible:
        why = f"for {attention.kind}, choose one of: {', '.join(possible)}"
        if action in ATTENTION_ACTIONS[attention.kind]:
            why = (
                f"it is an approval, and people approved something else; choose one of: {', '.join(possible)}"
            )
        raise NotApplicable(run_id, action, why)
    if (action == "done") != (result is not None):
        raise NotApplicable(run_id, action, "a result can be given only with done")
    changed = _change_journal(tx, run, attention, action, result)
    tx.run("run_attended", {"run_key": run.run_key, "now": tx.now})
    tx.mark_cards("deliveries_mark_run", {"run_key": run.run_key})
    payload = {"action": action, "result": result, "attention": msgspec.to_builtins(attention)}
    also = () if changed is None else things_of_request(changed)
    tx.audit("attention_given", payload, run_id=run_id, person=person, via=via, also=also)
    tx.announce(run_id, run.workflow, WorkflowStatus.RUNNING)


def _change_journal(
    tx: Transaction, run: RunRecord, attention: Attention, action: str, result: str | None
) -> str | None:
    """Do to the step or request what was decided; the id of the request."""
    if attention.kind in _RUN_AS_IT_IS:
        return None  # the visit runs again as it is
    where: dict[str, object] = {"run_key": run.run_key, "visit": run.visit, "name": attention.name}
    if attention.kind in (AttentionKind.STEP_UNFINISHED, AttentionKind.STEP_CHANGED):
        if action == "again":
            tx.run("step_delete", where)
        elif action == "accept":
            tx.run("step_rebind", {**where, "arguments": attention.now})
        else:
            tx.run(
                "step_record",
                {**where, "arguments": attention.now, "result": result, "begun_at": None, "now": tx.now},
            )
        return None
    question = attention.now if attention.now is not None else attention.was
    assert question is not None
    version = question_from_text(question).version
    text = {"question": question, "digest": question_digest(question), "digest_version": version}
    if action == "reask":
        row = tx.row("request_ask_again", {**where, **text, **_terms_anew(tx, where), "now": tx.now})
        if row is None:
            raise NotApplicable(run.run_id, action, f"request {attention.name!r} has no answer to replace")
        tx.run("votes_void", {"request_key": row["request_key"]})
        for place in read_policy(row["policy"]).rule_places:
            tx.mark_cards("delivery_add", (row["request_key"], place))
    elif attention.kind is AttentionKind.QUESTION_CHANGED:
        row = tx.row("request_rebind", {**where, **text})
    else:
        row = tx.row("request_drop", where)
    if row is None:
        return None
    tx.mark_cards("deliveries_mark", (row["request_key"],))
    return str(row["id"])


def _terms_anew(tx: Transaction, where: dict[str, object]) -> dict[str, object]:
    """The terms of a question that is asked again now: whom it escalated to are asked later, as at the first time."""
    row = tx.row("request_policy_of", where)
    if row is None:
        return {"policy": None, "remind_at": None, "escalate_at": None}
    kept = read_policy(row["policy"])
    voters = {one for stage in kept.stages for one in (*stage.approvers, *stage.veto)}
    audience = tuple(one for one in kept.audience if one in voters or one not in kept.escalate_to)
    anew = msgspec.structs.replace(kept, audience=audience, unchecked=None)
    policy = timed(tx, anew) if kept.stages else None
    remind_at, escalate_at = first_times(tx, policy)
    return {"policy": policy_text(audience, policy), "remind_at": remind_at, "escalate_at": escalate_at}


def redact(tx: Transaction, run_id: str, person: str, via: str) -> int:
    """Remove the payloads of a run's audit rows, the files of its requests that are not open, and the tracebacks of its
    errors; the chain still verifies. The number of rows.
    """
    tx.run("tracebacks_drop", {"run_id": run_id})
    tx.run("request_files_drop", {"run_id": run_id})
    changed = tx.run("audit_redact", {"run_id": run_id}).rowcount
    tx.audit("redacted", {"rows": changed}, run_id=run_id, person=person, via=via)
    return changed


def prune(tx: Transaction, before: int, person: str, via: str) -> int:
    """Delete up to 500 runs that ended before an instant, with all that belongs to them; the number deleted."""
    deleted = [str(row["run_id"]) for row in tx.rows("prune", {"before": before})]
    tx.run("uploads_drop", {"before": before})
    for run_id in deleted:
        tx.audit("run_pruned", {}, run_id=run_id, person=person, via=via)
    if deleted:
        tx.audit("pruned", {"runs": len(deleted), "ended_before": before}, person=person, via=via)
    return len(deleted)
