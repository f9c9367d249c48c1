"""What the audit trail keeps of the other tables: after each change, a digest of what it left there.

A thing in a table is named by the table and its public id: `("requests", "3f...")`. Its seal is the digest of its rows
as the statement `evidence_<table>` reads them, None where there are none. `OUTSIDE` says what no seal covers, and why.
What is made of it is for `audit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias, cast

import msgspec

from sayso.engine._records import AuditRow
from sayso.engine._values import Json, digest, encode_sorted, to_json
from sayso.engine.store._rows import read_audit
from sayso.engine.store._session import Session

Thing: TypeAlias = tuple[str | int, ...]
"""A table, and what names something in it."""

SEALED = {
    "runs": "evidence_runs",
    "requests": "evidence_requests",
    "events": "evidence_events",
    "votes": "evidence_votes",
    "deliveries": "evidence_deliveries",
    "accounts": "evidence_accounts",
    "account_forms": "evidence_account_forms",
    "credentials": "evidence_credentials",
}
"""The tables that the trail keeps seals of, with the statement that reads a thing of each."""

_NUMBER = "a number within the file; what it refers to is compared by its id"
_SENDING = "the progress of sending a message"
OUTSIDE = {
    "schema_version": "the version of the file",
    "definitions": "the graphs of workflows, for check-parked",
    "visits": "the state of workflows at each node, and how its attempts ended",
    "steps": "the results of steps",
    "refusals": "how often a refusal was repeated",
    "notices": "messages that are waiting to be sent",
    "people": "the names of people",
    "renderings": "what the platforms report that open cards show, which presses are compared with",
    "notes": "unfinished conversations in chats",
    "link_codes": "unused codes for linking accounts, and who has agreed to them so far",
    "commands": "which start or decision an idempotency key belongs to",
    "concerned": "whom open requests concern, for lists; it is derived from the requests and decides nothing",
    "files": "the bytes of pictures and files; each is named by its hash, which the question contains",
    "request_files": "which request shows which file; the question contains the hashes",
    "consumptions": "which approvals programs have used; each has a row `approval_used` in the trail",
    "grants": "what was granted; each has a row `grant_made` in the trail, and one `grant_revoked` if it was revoked",
    "grant_uses": "which question a grant answered; each has a row `answered_by_grant` in the trail",
    "uploads": "pictures and files for questions that are still to be asked",
    "callbacks": "where to report how a request ended, and the progress of that",
    "readings": "who has opened all of a request; each has a row `opened` in the trail",
    "deleted_runs": "the highest number of a deleted run",
    "runs.run_key": _NUMBER,
    "runs.visit": "the current node of a run",
    "runs.node_id": "the current node of a run",
    "runs.resolutions": "what a run has not processed yet",
    "runs.updated_at": "when a run last changed",
    "runs.cut_off": "how often the process died while it drove the run",
    "requests.request_key": _NUMBER,
    "requests.run_key": _NUMBER,
    "requests.first_on_card": "with which questions of its batch a request stands on one card",
    "events.request_key": _NUMBER,
    "events.offer": "what was to be granted with an answer; a grant has a row `grant_made` in the trail",
    "votes.request_key": _NUMBER,
    "deliveries.request_key": _NUMBER,
    "deliveries.reference": "which message shows a card now",
    "deliveries.former": "which message showed a card before",
    "deliveries.notice": "a line on a card that was reposted",
    "deliveries.revision_wanted": _SENDING,
    "deliveries.revision_shown": _SENDING,
    "deliveries.attempts": _SENDING,
    "deliveries.next_attempt": _SENDING,
    "deliveries.last_error": _SENDING,
    "deliveries.dead_since": "since when a place has been unreachable",
}
"""The tables and columns that no seal covers, each with what it holds. A new column belongs here or into its
`evidence_` statement.
"""

_SHORTEST_NAME = 2  # a table and an id

_facts = msgspec.json.Decoder(list[list[str | int | None]])


def seal(session: Session, thing: Thing) -> str | None:
    """The digest of what stands in the tables under a name, or None."""
    rows = session.rows(SEALED[str(thing[0])], thing[1:])
    return digest(encode_sorted([tuple(row) for row in rows])) if rows else None


def facts_of(session: Session, things: Iterable[Thing]) -> str:
    """The form in which a row of the trail keeps the seals of things."""
    return encode_sorted([[*thing, seal(session, thing)] for thing in things]).decode()


def read_facts(text: str | None) -> list[tuple[Thing, str | None]]:
    """The things in a row of the trail, with their seals; none where it was tampered with."""
    if text is None:
        return []
    try:
        facts = _facts.decode(text)
    except msgspec.DecodeError:  # which the chain shows
        return []
    return [
        (cast("Thing", tuple(fact[:-1])), cast("str | None", fact[-1]))
        for fact in facts
        if len(fact) > _SHORTEST_NAME and fact[0] in SEALED
    ]


def things_of_request(request_id: str) -> tuple[Thing, ...]:
    """What changes with a request, but for single events."""
    return ("requests", request_id), ("votes", request_id), ("deliveries", request_id)


def things_of_accounts(accounts: Iterable[str]) -> tuple[Thing, ...]:
    """Accounts, each once."""
    return tuple(("accounts", account) for account in dict.fromkeys(accounts))


def things_of_row(run_id: str | None, request_id: str | None) -> tuple[Thing, ...]:
    """What a row of the trail that names these seals always."""
    if request_id is not None:
        return things_of_request(request_id)
    return () if run_id is None else (("runs", run_id),)


class RequestClaims(msgspec.Struct, frozen=True, gc=False):
    """The columns of a request that rows of the trail say in words; JSON is decoded."""

    id: str
    name: str
    node_id: str
    question: str
    digest: str
    revision: int
    policy: str
    requested_by: str | None
    note: str | None
    asked_at: int
    status: str
    answer: str | None
    resolved_at: int | None
    resolved_by: str | None


class EventClaims(msgspec.Struct, frozen=True, gc=False):
    """An event of a request, in short."""

    event: int
    person: str
    recorded_at: int
    outcome: str
    value: str


class RunEvidence(msgspec.Struct, frozen=True, gc=False):
    """What is in the tables about one run: the seals of all its things, what rows of the trail say of it in words, its
    requests, and their events.
    """

    seals: dict[Thing, str]
    run: dict[str, Json]
    requests: dict[str, RequestClaims]
    events: dict[Thing, EventClaims]


def read_run_evidence(session: Session, run_id: str) -> RunEvidence:
    """Read all that there is of a run; nothing where it is not stored."""
    things: list[Thing] = [("runs", run_id)]
    requests: dict[str, RequestClaims] = {}
    events: dict[Thing, EventClaims] = {}
    for row in session.run("evidence_requests_of_run", (run_id,)):
        request = RequestClaims(*row)
        requests[request.id] = request
        things += things_of_request(request.id)
        for found in session.run("evidence_events_of_request", (request.id,)):
            event = EventClaims(*found)
            events["events", request.id, event.event] = event
    sealed = ((thing, seal(session, thing)) for thing in (*things, *events))
    run = session.row("evidence_run", (run_id,))
    return RunEvidence(
        {thing: one for thing, one in sealed if one is not None},
        {} if run is None else dict(run),
        requests,
        events,
    )


def read_trail(session: Session, *, by_run: bool = False) -> Iterator[AuditRow]:
    """The whole trail in its order, or the rows of each run together; what cannot be read shows as a text."""
    return map(_read_whatever, session.stream("evidence_trail_by_run" if by_run else "evidence_trail"))


def _read_whatever(row: Any) -> AuditRow:
    try:
        read = read_audit(row)
    except (ValueError, OverflowError):
        return read_audit({**dict(row), "at": 0, "payload": to_json(row["payload"])})
    if (
        read.payload is None and row["payload"] is not None
    ):  # JSON's null: no row has it, and it is none removed
        return read_audit({**dict(row), "payload": to_json(row["payload"])})
    return read


def read_untold_runs(session: Session) -> Iterator[str]:
    """The runs of which the trail has no row."""
    return (str(row["run_id"]) for row in session.stream("evidence_untold_runs"))


def read_stray_rows(session: Session) -> list[tuple[str, int | None]]:
    """Rows that belong to nothing, by table; the number is None where the table has none."""
    return [(row[0], row[1]) for row in session.run("evidence_stray_rows")]


def read_ways_in(session: Session) -> dict[Thing, str]:
    """The seals of all accounts and their forms, and of everything that gives somebody access."""
    things: list[Thing] = [("accounts", row[0]) for row in session.run("evidence_account_ids")]
    things += [("account_forms", row[0]) for row in session.run("evidence_forms")]
    things += [("credentials", row[0]) for row in session.run("evidence_credential_ids")]
    sealed = ((thing, seal(session, thing)) for thing in things)
    return {thing: one for thing, one in sealed if one is not None}


def decoded(text: str | None) -> Json:
    """A stored JSON value; None if there is none or it is not valid JSON."""
    try:
        return None if text is None else cast("Json", msgspec.json.decode(text))
    except msgspec.DecodeError:
        return None
