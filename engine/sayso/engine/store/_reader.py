"""Listings and status, whatever database keeps them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any, Self, TypeVar

import msgspec

from sayso.engine._access import Bounds, Credential, CredentialKind, Scope
from sayso.engine._clock import from_microseconds, to_microseconds
from sayso.engine._people import NamedPerson, fold_name, last_part, tell_apart
from sayso.engine._records import (
    Account,
    AuditRow,
    CardRecord,
    DeadPlace,
    Delivery,
    LoadedRun,
    Notice,
    RequestRecord,
    RunSummary,
    StoreCounts,
    WorkflowStatus,
)
from sayso.engine._values import Json, decode, to_json
from sayso.engine.errors import UnknownRun
from sayso.engine.store._commands import Before
from sayso.engine.store._lists import LAST, Lists
from sayso.engine.store._rows import (
    ids_with,
    read_approvals,
    read_audit,
    read_before,
    read_card,
    read_delivery,
    read_notice,
    read_request,
    read_run,
    read_step,
    read_summary,
)
from sayso.engine.store._session import Session

T = TypeVar("T")

_PAGE = 1000
_MOST_BEGINNING = 20


class Reader(Lists):
    """Reads a store, also while other processes write it. Opened at the first read, kept until `close`.

    `is_gone` says whether the loaded code of a workflow lacks a node: answers there are shown as held. A read sees
    everything that was acknowledged before it began; each is one statement, or one for each thing read. Raises
    `StoreUnreadable` if there is no database.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    @abstractmethod
    async def close(self) -> None:
        """Close what was opened; harmless when it is closed."""

    @abstractmethod
    async def at_once(self, read: Callable[[Session], T]) -> T:
        """The result of a function on a read-only session of its own, which sees the database as of one instant.

        It runs on a thread, and runs to its end there even if this is cancelled.
        """

    async def runs(
        self,
        *,
        status: WorkflowStatus | None = None,
        workflow: str | None = None,
        requested_by: str | None = None,
        begins: str = "",
        limit: int = 100,
    ) -> list[RunSummary]:
        """Runs, the newest first; optionally only those that somebody started with any of their accounts, and only ids
        with a prefix.
        """
        fields: dict[str, Any] = {"status": status, "workflow": workflow, "limit": limit}
        if requested_by is None:
            return [read_summary(row) for row in await self._rows("runs_list", fields)]
        people = msgspec.json.encode(await self.ids_of(requested_by)).decode()
        fields |= {"people": people, "prefix": begins or None, "upto": begins + LAST}
        return [read_summary(row) for row in await self._rows("runs_of_people", fields)]

    async def run(self, run_id: str) -> RunSummary:
        """One run; raises `UnknownRun`."""
        rows = await self._rows("run_summary", {"run_id": run_id})
        if not rows:
            raise UnknownRun(run_id)
        return read_summary(rows[0])

    async def run_ids(self, beginning: str) -> list[str]:
        """The ids of runs with this prefix, as many as a person needs to see that there are several; a full id only
        itself.
        """
        return [row["run_id"] for row in await self._beginning("run_ids", beginning)]

    async def request_ids(self, beginning: str) -> list[str]:
        """The same for requests, open and closed."""
        return [row["id"] for row in await self._beginning("request_ids", beginning)]

    async def _beginning(self, name: str, beginning: str) -> Sequence[Any]:
        fields = {"beginning": beginning, "upto": beginning + LAST, "limit": _MOST_BEGINNING}
        rows = list(await self._rows(name, fields))
        return rows[:1] if rows and rows[0][0] == beginning else rows

    async def pending(self, run_id: str | None = None, limit: int = 1000) -> list[RequestRecord]:
        """The oldest open requests, oldest first, of all runs or of one."""
        found: list[RequestRecord] = []
        async for _, request in self.open_requests(run_id):
            if len(found) == limit:
                break
            found.append(request)
        return found

    async def request(self, request_id: str) -> RequestRecord | None:
        """One request by its own id."""
        rows = await self._rows("request_by_id", {"id": request_id})
        return read_request(rows[0]) if rows else None

    async def file(self, request_id: str, sha256: str) -> bytes | None:
        """A picture or file that a request shows, by the SHA-256 in its details; None if it shows no such file or its
        bytes were redacted.
        """
        rows = await self._rows("request_file", {"request_id": request_id, "sha256": sha256})
        return bytes(rows[0]["content"]) if rows else None

    async def card(self, request_id: str) -> CardRecord | None:
        """What a card of a request shows now."""
        rows = await self._rows("card", {"id": request_id})
        if not rows:
            return None
        (named,) = await self.named([read_card(rows[0], self._is_gone)])
        return named

    async def before_answer(
        self, request_id: str, person: str, rendering: int | None = None
    ) -> Before | None:
        """The state before this person's answer, who pressed in a card that was drawn under this number; None if
        there is no such request. One statement, because the person who answers waits for it.
        """
        fields = {"id": request_id, "account": person, "rendering": rendering}
        rows = await self._rows("before_answer", fields)
        return read_before(rows[0], person, self._is_gone) if rows else None

    async def places_waiting(self) -> list[str]:
        """The destinations where cards wait to be sent or edited, now or later; then those where messages wait."""
        return list(dict.fromkeys(row["destination"] for row in await self._rows("places_waiting", {})))

    async def due(self, destination: str, now: datetime) -> Delivery | datetime | None:
        """The next card for a destination; if there is none now, the time of the next attempt, or None."""
        fields = {"destination": destination, "now": to_microseconds(now)}
        rows = await self._rows("delivery_due", fields)
        if rows:
            return read_delivery(rows[0])
        later = (await self._rows("delivery_next_attempt", fields))[0]["next_attempt"]
        return None if later is None else from_microseconds(later)

    async def deliveries(self, request_id: str) -> list[Delivery]:
        """The destinations of a request's cards."""
        return [read_delivery(row) for row in await self._rows("deliveries_of", {"id": request_id})]

    async def on_card(self, delivery: Delivery) -> list[tuple[CardRecord, Delivery]]:
        """What stands on one card at a place: the request of this delivery, and with a batch the others of its card, in
        the order of asking, each with its own delivery. None where it was pruned.
        """
        # The deliveries first: what is shown is then at least as new as what they want.
        where = {"id": delivery.request_id, "destination": delivery.destination}
        found = [read_delivery(row) for row in await self._rows("deliveries_on_card", where)]
        records = [(await self.card(one.request_id), one) for one in found]
        return [(record, one) for record, one in records if record is not None]

    async def is_drawn_later(
        self, request_id: str, number: int, destination: str, message: str, digest: str
    ) -> bool:
        """Whether what a message shows now is what the card at a place was drawn as after this number, as far as is
        known.
        """
        where = {"id": request_id, "rendering": number, "destination": destination}
        return bool(await self._rows("rendering_later", {**where, "message": message, "digest": digest}))

    async def notice(self, destination: str, now: datetime) -> Notice | datetime | None:
        """The next message for a destination; if there is none now, the time of the next attempt, or None."""
        fields = {"destination": destination, "now": to_microseconds(now)}
        rows = await self._rows("notice_due", fields)
        if rows:
            return read_notice(rows[0])
        later = (await self._rows("notice_next_attempt", fields))[0]["next_attempt"]
        return None if later is None else from_microseconds(later)

    async def notices_on_card(self, notice: Notice) -> list[tuple[CardRecord, Notice]]:
        """A message, and those of its kind for its place about other questions of its card, each with its request, in
        the order in which they came. None where the request was pruned.
        """
        where = {"id": notice.request_id, "destination": notice.destination, "kind": notice.kind}
        others = [read_notice(row) for row in await self._rows("notices_on_card", where)]
        found = sorted([notice, *others], key=lambda one: one.notice_key)
        records = [(await self.card(one.request_id), one) for one in found]
        return [(record, one) for record, one in records if record is not None]

    async def accounts(self) -> list[Account]:
        """Every account that belongs to somebody, by person."""
        return [_account(row) for row in await self._rows("accounts_list", {})]

    async def ids_of(self, account: str) -> tuple[str, ...]:
        """The person to whom this account belongs, and all their accounts; only itself if it belongs to nobody."""
        rows = await self._rows("ids_of_account", {"account": account})
        return ids_with((row["id"] for row in rows), account)

    async def name_of(self, ids: Sequence[str]) -> str | None:
        """The name of a person, by their ids: that of the first id that has one."""
        names = await self.names_of(ids)
        return next((names[one] for one in ids if one in names), None)

    async def names_of(self, people: Sequence[str]) -> dict[str, str]:
        """The names of those people who have one; two with the same name are shown with their accounts. Every name that
        is shown comes from here.
        """
        folded = [fold_name(part) for one in people if (part := last_part(one))]
        fields = {"people": to_json(people), "folded": to_json(folded)}
        named: list[NamedPerson] = []
        called: dict[str, set[str]] = {}
        for row in await self._rows("people_names", fields):
            if row["folded"] is not None:
                called.setdefault(row["folded"], set()).add(row["whose"])
                continue
            one = NamedPerson(row["person"], row["name"], row["whose"], row["account"])
            named.append(one)
            if one.name is not None:
                called.setdefault(fold_name(one.name), set()).update(msgspec.json.decode(row["alike"]))
        return tell_apart(named, called)

    async def dead_places(self) -> list[DeadPlace]:
        """The unreachable destinations."""
        return [
            DeadPlace(row["destination"], from_microseconds(row["since"]), row["error"] or "", row["cards"])
            for row in await self._rows("dead_places", {})
        ]

    async def counts(self) -> StoreCounts:
        """How many requests are open, cards undelivered and runs held."""
        pending = (await self._rows("pending_count", {}))[0]
        oldest = pending["oldest"]
        return StoreCounts(
            pending=pending["requests"],
            oldest=None if oldest is None else from_microseconds(oldest),
            undelivered=(await self._rows("undelivered_count", {}))[0]["cards"],
            held=(await self._rows("held_count", {}))[0]["runs"],
        )

    async def kept(self, surface: str, prefix: str = "") -> dict[str, Json]:
        """The notes of a surface whose keys have this prefix."""
        fields = {"surface": surface, "prefix": prefix, "upto": prefix + LAST}
        return {row["key"]: decode(row["value"]) for row in await self._rows("notes_kept", fields)}

    async def person_of(self, kind: CredentialKind, secret_hash: str, now: datetime) -> str | None:
        """Who has access with this secret, or None."""
        fields = {"kind": kind, "hash": secret_hash, "now": to_microseconds(now)}
        rows = await self._rows("credential_person", fields)
        return str(rows[0]["person"]) if rows else None

    async def token(self, secret_hash: str) -> Credential | None:
        """The token of this secret, even if it has expired."""
        rows = await self._rows("token_find", {"hash": secret_hash})
        return _credential(rows[0]) if rows else None

    async def credentials(self, now: datetime) -> list[Credential]:
        """All valid credentials at an instant, and expired tokens."""
        return [
            _credential(row) for row in await self._rows("credentials_list", {"now": to_microseconds(now)})
        ]

    async def load(self, run_id: str) -> LoadedRun | None:
        """A run with the journal of its current visit; it may move on while it is read."""
        rows = await self._rows("run_load", {"run_id": run_id})
        if not rows:
            return None
        run = read_run(rows[0])
        where = {"run_key": run.run_key, "visit": run.visit}
        requests = tuple(read_request(row) for row in await self._rows("visit_requests", where))
        steps = tuple(read_step(row) for row in await self._rows("visit_steps", where))
        approvals = read_approvals(await self._rows("approvals_of_run", where))
        return LoadedRun(run, requests, steps, approvals)

    async def parked(self, workflow: str) -> list[tuple[str, str, str]]:
        """Every parked run of a workflow: run id, node id, and the definition it parked under, as JSON."""
        rows = await self._rows("parked_runs", {"workflow": workflow})
        return [(row["run_id"], row["node_id"], row["definition"]) for row in rows]

    async def audit_head(self) -> int:
        """The number of the audit trail's last row, 0 if it is empty."""
        rows = await self._rows("audit_head", {})
        return int(rows[0]["sequence"]) if rows else 0

    async def audit(self, run_id: str | None = None, *, after: int = 0) -> AsyncIterator[AuditRow]:
        """The audit trail in order, whole or of one run, after the row with that number."""
        query = "audit_page" if run_id is None else "audit_page_of_run"
        while rows := await self._rows(query, {"after": after, "limit": _PAGE, "run_id": run_id}):
            for row in rows:
                yield read_audit(row)
            after = rows[-1]["sequence"]

    async def audit_tail(self, run_id: str, limit: int) -> list[AuditRow]:
        """The latest rows of the trail of one run, in order."""
        rows = await self._rows("audit_tail_of_run", {"run_id": run_id, "limit": limit})
        return [read_audit(row) for row in reversed(rows)]

    async def ended_before(self, before: datetime) -> int:
        """How many runs ended before an instant."""
        return int((await self._rows("prune_count", {"before": to_microseconds(before)}))[0]["runs"])


def _account(row: Any) -> Account:
    linked_at = row["linked_at"]
    return Account(row["account"], row["person"], None if linked_at is None else from_microseconds(linked_at))


def _credential(row: Any) -> Credential:
    until, scopes, bounds = row["expires_at"], row["scopes"] or "", row["bounds"]
    return Credential(
        CredentialKind(row["kind"]),
        row["person"],
        from_microseconds(row["made_at"]),
        None if until is None else from_microseconds(until),
        tuple(Scope(name) for name in scopes.split()),
        None if bounds is None else msgspec.json.decode(bounds, type=Bounds),
    )
