"""Transactions that carry a run forward: start, load, ask, park, end of a visit, steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from sayso.engine._audience import chats
from sayso.engine._clock import to_microseconds
from sayso.engine._policy import Policy
from sayso.engine._records import ENDED, Attention, LoadedRun, RequestRecord, RequestStatus, WorkflowStatus
from sayso.engine._values import decode, to_json
from sayso.engine.errors import InvalidRequest, RunExists, StoreUnreadable
from sayso.engine.store import _grants
from sayso.engine.store._accounts import ids_of
from sayso.engine.store._commands import Ask, Asked, NewRun, Park, Place, VisitEnd
from sayso.engine.store._hub import Resolution
from sayso.engine.store._notices import tell_of_change
from sayso.engine.store._rows import (
    policy_text,
    read_approvals,
    read_request,
    read_resolution,
    read_run,
    read_step,
)
from sayso.engine.store._ruling import answer_by_rule
from sayso.engine.store._transaction import Transaction
from sayso.engine.store._warrants import check

_LIVE = ("RUNNING", "WAITING_FOR_INPUT")
_requester_ids: msgspec.json.Decoder[tuple[str, ...]] = msgspec.json.Decoder(tuple[str, ...])


def define(tx: Transaction, workflow: str, definition: str) -> int:
    """The key under which a workflow's graph is stored."""
    fields = {"workflow": workflow, "definition": definition}
    row = tx.row("definition_key", fields)
    if row is None:
        tx.run("definition_insert", fields)
        row = tx.row("definition_key", fields)
    return int(row["definition_key"])


def start(tx: Transaction, new: NewRun) -> Place:
    """Store a run and its first visit, and return its state. Raises `RunExists`, also for a repeated command, and
    `RightLapsed`.
    """
    check(tx, new.warrant, new.requested_by or "")
    ids = None if new.requested_by is None else to_json(_everybody(tx, [new.requested_by]))
    fields = (new.run_id, new.workflow, new.node_id, new.requested_by, tx.now, tx.now, new.asked_in, ids)
    inserted = tx.row("run_insert", fields)
    if inserted is None:
        raise RunExists(new.run_id)
    run_key = int(inserted["run_key"])
    for command in (*(() if new.command is None else (new.command,)), *new.keys):
        if tx.run("command_add", {**msgspec.structs.asdict(command), "run_key": run_key}).rowcount == 0:
            raise RunExists(new.run_id)
    if new.callback is not None:
        tx.run("callback_add", {**msgspec.structs.asdict(new.callback), "run_key": run_key})
    tx.run("visit_insert", (run_key, 1, new.node_id, new.shared, new.definition_key, tx.now))
    tx.audit("run_started", {"workflow": new.workflow}, run_id=new.run_id, person=new.requested_by)
    tx.announce(new.run_id, new.workflow, WorkflowStatus.RUNNING)
    return Place(run_key, new.run_id, new.workflow, 1, new.node_id, new.definition_key)


def load(tx: Transaction, run_id: str) -> LoadedRun | None:
    """A run with the journal of its current visit, or None."""
    row = tx.row("run_load", {"run_id": run_id})
    if row is None:
        return None
    try:
        run = read_run(row)
        where = {"run_key": run.run_key, "visit": run.visit}
        requests = tuple(read_request(found) for found in tx.rows("visit_requests", where))
        steps = tuple(read_step(found) for found in tx.rows("visit_steps", where))
        return LoadedRun(run, requests, steps, read_approvals(tx.rows("approvals_of_run", where)))
    except (ValueError, OverflowError) as error:
        raise StoreUnreadable(f"run {run_id}", repr(error)) from error


def ask(tx: Transaction, place: Place, asks: list[Ask], park: Park | None) -> Asked | None:
    """Store questions and, if wanted, park the run; None when the run has left this visit."""
    guard = tx.row("run_guard", (place.run_key,))
    if guard is None or guard["status"] not in _LIVE or guard["visit"] != place.visit:
        return None
    records = tuple(_revise(tx, place, one) if one.known else _insert(tx, place, one) for one in asks)
    return Asked(records, park is not None and _park(tx, place, park))


def park(tx: Transaction, place: Place, wish: Park) -> bool:
    """Park the run unless a resolution has come that its visit has not seen."""
    return _park(tx, place, wish)


def _park(tx: Transaction, place: Place, wish: Park) -> bool:
    if not tx.run("run_park", (tx.now, place.run_key, place.visit, wish.resolutions)).rowcount:
        return False
    if wish.shared is not None or wish.replayed:
        tx.run("visit_parked", (wish.shared, place.definition_key, place.run_key, place.visit))
    tx.announce(place.run_id, place.workflow, WorkflowStatus.WAITING_FOR_INPUT)
    return True


def stir(tx: Transaction, place: Place) -> None:
    """A parked visit does something again by itself; after a crash, its run must be resumed."""
    tx.run("run_stir", {"run_key": place.run_key, "visit": place.visit, "now": tx.now})


def _insert(tx: Transaction, place: Place, one: Ask) -> RequestRecord:
    deadline = None if one.expires_after is None else tx.instant + one.expires_after
    one = msgspec.structs.replace(one, policy=_bound(tx, place, one))
    grant = _grants.usable(tx, one)
    places = _places(tx, place, one)
    if grant is not None and one.policy is not None:
        one = msgspec.structs.replace(one, policy=msgspec.structs.replace(one.policy, rule_places=places))
    remind_at, escalate_at = first_times(tx, one.policy)
    inserted = tx.row(
        "request_insert",
        (
            one.id,
            place.run_key,
            place.visit,
            one.name,
            place.node_id,
            one.attempt,
            one.text,
            one.digest,
            one.version,
            policy_text(one.audience, one.policy),
            one.requested_by,
            one.note,
            tx.now,
            None if deadline is None else to_microseconds(deadline),
            one.default,
            remind_at,
            escalate_at,
        ),
    )
    request_key = int(inserted["request_key"])
    if one.first_on_card is not None:
        where = {"run_key": place.run_key, "visit": place.visit, "first": one.first_on_card}
        tx.run("request_on_card", {**where, "request_key": request_key})
    _store_files(tx, place, request_key, one)
    for destination in () if one.ruling is not None or grant is not None else places:
        tx.mark_cards("delivery_insert", (request_key, destination))
    tx.mark_cards("deliveries_mark_outrun", (place.run_key,))
    _audit_asked(tx, "requested", place, one, 1)
    if one.ruling is not None:
        answer_by_rule(tx, place, one, one.ruling, request_key, 1)
    elif grant is not None:
        _grants.answer_by_grant(tx, place, one, grant, request_key)
    return _record(tx, place, one, deadline)


def _places(tx: Transaction, place: Place, one: Ask) -> tuple[str, ...]:
    """Where its cards go; to whoever started the run, where they did, else to their own chats."""
    if not one.asks_requester or one.requested_by is None:
        return one.places
    row = tx.row("run_requester", (place.run_key,))
    started_in: str | None = None
    if row is not None and row["requested_by"] == one.requested_by:
        started_in = row["asked_in"]
    own = chats([started_in or one.requested_by]) or chats(ids_of(tx, one.requested_by))
    return tuple(dict.fromkeys([*one.places, *own]))


def _bound(tx: Transaction, place: Place, one: Ask) -> Policy | None:
    """The policy with its instants, and with all ids of those who may not approve: as they are now, and of whoever the
    run is for, also as they were when it began.
    """
    policy = _grants.with_asker(tx, place, timed(tx, one.policy))
    if policy is None or not policy.excluded:
        return policy
    excluded = _everybody(tx, policy.excluded)
    row = tx.row("run_requester", (place.run_key,))
    if row is not None and row["requested_by"] in excluded:
        excluded = (*excluded, *_requester_ids.decode(row["requester_ids"] or "[]"))
    return msgspec.structs.replace(policy, excluded=tuple(dict.fromkeys(excluded)))


def _everybody(tx: Transaction, entries: Sequence[str]) -> tuple[str, ...]:
    """All ids of those whom some entries name."""
    return tuple(dict.fromkeys(one for entry in entries for one in (entry, *ids_of(tx, entry))))


def timed(tx: Transaction, policy: Policy | None) -> Policy | None:
    """The policy with the instant from which others are asked as well."""
    if policy is None or policy.escalate_after is None:
        return policy
    return msgspec.structs.replace(policy, escalates_at=tx.instant + policy.escalate_after)


def first_times(tx: Transaction, policy: Policy | None) -> tuple[int | None, int | None]:
    """When the request first reminds, and when it escalates."""
    if policy is None:
        return None, None
    remind_at = None if policy.remind_every is None else to_microseconds(tx.instant + policy.remind_every)
    return remind_at, None if policy.escalates_at is None else to_microseconds(policy.escalates_at)


def _revise(tx: Transaction, place: Place, one: Ask) -> RequestRecord | None:
    where = {"run_key": place.run_key, "visit": place.visit}
    one = msgspec.structs.replace(one, policy=_bound(tx, place, one))
    remind_at, escalate_at = first_times(tx, one.policy)
    row = tx.row(
        "request_revise",
        {
            **where,
            "name": one.name,
            "question": one.text,
            "digest": one.digest,
            "digest_version": one.version,
            "policy": policy_text(one.audience, one.policy),
            "note": one.note,
            "default_value": one.default,
            "remind_at": remind_at,
            "escalate_at": escalate_at,
            "now": tx.now,
        },
    )
    if row is None:
        return None
    tx.run("votes_void", {"request_key": row["request_key"]})
    _store_files(tx, place, row["request_key"], one)
    for destination in () if one.ruling is not None else _places(tx, place, one):
        tx.mark_cards("delivery_add", (row["request_key"], destination))
    tx.mark_cards("deliveries_mark", (row["request_key"],))
    _audit_asked(tx, "request_changed", place, one, row["revision"])
    if one.ruling is not None:
        answer_by_rule(tx, place, one, one.ruling, row["request_key"], row["revision"])
    else:
        tell_of_change(tx, row["request_key"], row["revision"])
    return next(
        found for found in map(read_request, tx.rows("visit_requests", where)) if found.name == one.name
    )


def _store_files(tx: Transaction, place: Place, request_key: int, one: Ask) -> None:
    for sha256, content in one.files:
        tx.run("file_add", {"sha256": sha256, "content": content})
    for sha256 in one.file_hashes:
        tx.run("file_from_upload", {"sha256": sha256})
        if tx.row("file_is_stored", {"sha256": sha256}) is None:
            raise InvalidRequest("details", f"no file with the SHA-256 {sha256} is stored; upload it first")
        tx.run("request_file_add", {"request_key": request_key, "sha256": sha256})
        tx.run("upload_used", {"run_key": place.run_key, "sha256": sha256})


def _audit_asked(tx: Transaction, kind: str, place: Place, one: Ask, revision: int) -> None:
    payload = {
        "name": one.name,
        "node_id": place.node_id,
        "question": decode(one.text),
        "digest": one.digest,
        "revision": revision,
        "to": one.audience,
        "note": one.note,
    }
    if one.policy is not None:
        payload["policy"] = msgspec.to_builtins(one.policy)
    tx.audit(kind, payload, run_id=place.run_id, request_id=one.id, person=one.requested_by)


def _record(tx: Transaction, place: Place, one: Ask, deadline: datetime | None) -> RequestRecord:
    return RequestRecord(
        id=one.id,
        name=one.name,
        run_id=place.run_id,
        node_id=place.node_id,
        visit=place.visit,
        attempt=one.attempt,
        text=one.text,
        digest=one.digest,
        revision=1,
        audience=one.audience,
        requested_by=one.requested_by,
        note=one.note,
        asked_at=tx.instant,
        deadline=deadline,
        default=one.default,
        status=RequestStatus.PENDING,
        policy=one.policy if one.policy is not None and one.policy.stages else None,
        reject_reasons=() if one.policy is None else tuple(one.policy.reject_reasons),
    )


def withdraw(tx: Transaction, place: Place, request_id: str) -> Resolution | None:
    """Withdraw an open request of the node's own; if somebody was first, return the resolution instead.

    A parked run continues with this: if it stayed parked without an open question, nothing would wake it after a crash.
    """
    row = tx.row("request_withdraw", {"run_key": place.run_key, "id": request_id, "now": tx.now})
    if row is None:
        return read_resolution(tx.row("request_resolution", {"id": request_id}))
    tx.mark_cards("deliveries_mark", (row["request_key"],))
    tx.audit("request_withdrawn", {"by": "node"}, run_id=place.run_id, request_id=request_id)
    stir(tx, place)
    return None


def end_visit(tx: Transaction, place: Place, end: VisitEnd) -> str | None:
    """End a visit and begin the next, or end the run: the state as the visit leaves it, or None when the run has left
    this visit.
    """
    here = (place.run_key, place.visit)
    shared = end.shared
    if shared is None:
        row = tx.row("visit_entry", here)
        if row is None:
            return None
        shared = str(row["entry"])
    if end.next_node is None:
        changed = tx.run("run_end", (end.status, shared, end.error, tx.now, *here)).rowcount
    else:
        changed = tx.run("run_next_visit", (place.visit + 1, end.next_node, tx.now, *here)).rowcount
    if not changed:
        return None
    failed = end.status is WorkflowStatus.FAILED
    tx.run("visit_end", ("FAILED" if failed else "COMPLETED", end.error, end.traceback, tx.now, *here))
    for request_id in end.used:
        fields = {"id": request_id, "run_key": place.run_key, "visit": place.visit}
        if tx.row("request_used", fields) is not None:
            said = {"visit": place.visit}
            tx.audit("approval_used", said, run_id=place.run_id, request_id=request_id)
    if end.withdraw:
        _withdraw_open(tx, place)
    if end.next_node is not None:
        following = (place.run_key, place.visit + 1, end.next_node, shared, place.definition_key, tx.now)
        tx.run("visit_insert", following)
    ended = end.status in ENDED
    tx.mark_cards("deliveries_mark_run" if ended else "deliveries_mark_progress", {"run_key": place.run_key})
    if ended:
        tx.audit("run_ended", {"status": end.status, "error": end.error}, run_id=place.run_id)
    tx.announce(place.run_id, place.workflow, end.status)
    return shared


def _withdraw_open(tx: Transaction, place: Place) -> None:
    fields = {"run_key": place.run_key, "visit": place.visit, "now": tx.now}
    for request_key, request_id in tx.rows("requests_withdraw_open", fields):
        tx.mark_cards("deliveries_mark", (request_key,))
        tx.audit("request_withdrawn", {"by": "visit's end"}, run_id=place.run_id, request_id=request_id)


def next_attempt(
    tx: Transaction,
    place: Place,
    attempt: int,
    retry_at: datetime,
    error: str,
    traceback: str | None = None,
) -> None:
    """Record that an attempt of `execute` failed, how, and which comes next, when."""
    tx.run(
        "visit_attempt",
        {
            "run_key": place.run_key,
            "visit": place.visit,
            "attempt": attempt,
            "retry_at": to_microseconds(retry_at),
            "error": error,
            "traceback": traceback,
        },
    )
    tx.run("run_not_cut_off", {"run_key": place.run_key})  # the process has survived the attempt


def begin_step(tx: Transaction, place: Place, name: str, arguments: str) -> None:
    """Commit that a `once` step starts."""
    tx.run(
        "step_begin",
        {"run_key": place.run_key, "visit": place.visit, "name": name, "arguments": arguments, "now": tx.now},
    )


def record_step(
    tx: Transaction,
    place: Place,
    name: str,
    arguments: str,
    result: str,
    begun_at: datetime | None = None,
) -> None:
    """Record a step's result, and when it began, unless that is recorded."""
    tx.run(
        "step_record",
        {
            "run_key": place.run_key,
            "visit": place.visit,
            "name": name,
            "arguments": arguments,
            "result": result,
            "begun_at": None if begun_at is None else to_microseconds(begun_at),
            "now": tx.now,
        },
    )


def hold(tx: Transaction, place: Place, attention: Attention) -> bool:
    """Stop a run until an operator decides; False when the run has left this visit."""
    row = tx.row(
        "run_hold",
        {
            "run_key": place.run_key,
            "visit": place.visit,
            "attention": msgspec.json.encode(attention).decode(),
            "now": tx.now,
        },
    )
    if row is None:
        return False
    tx.mark_cards("deliveries_mark_run", {"run_key": place.run_key})
    tx.audit("attention_needed", msgspec.to_builtins(attention), run_id=place.run_id)
    tx.announce(place.run_id, place.workflow, WorkflowStatus.NEEDS_ATTENTION)
    return True


def node_statuses(tx: Transaction, run_id: str) -> dict[str, str]:
    """The status of each node's latest visit in a run."""
    return {node_id: status for node_id, status, _ in tx.rows("node_statuses", {"run_id": run_id})}


def state(tx: Transaction, run_id: str) -> tuple[LoadedRun, dict[str, str]] | None:
    """A run with its open requests, and the status of each node's latest visit; None if there is no such run."""
    row = tx.row("run_load", {"run_id": run_id})
    if row is None:
        return None
    run = read_run(row)
    requests: tuple[RequestRecord, ...] = ()
    if run.status not in ENDED:
        where = {"run_key": run.run_key, "visit": run.visit}
        requests = tuple(read_request(found) for found in tx.rows("visit_requests", where))
    return LoadedRun(run, requests, ()), node_statuses(tx, run_id)


def runs_to_recover(tx: Transaction, workflow: str) -> list[str]:
    """The runs of a workflow that are in the middle of something."""
    return [row["run_id"] for row in tx.rows("runs_to_recover", {"workflow": workflow})]


def parked_nodes(tx: Transaction, workflow: str) -> list[str]:
    """The current nodes of the open runs of a workflow, each found by one seek."""
    found: list[str] = []
    row = tx.row("parked_node_first", {"workflow": workflow})
    while row is not None:
        found.append(row["node_id"])
        row = tx.row("parked_node_after", {"workflow": workflow, "node_id": row["node_id"]})
    return found
