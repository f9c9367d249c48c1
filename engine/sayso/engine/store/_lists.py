"""Lists that are read page by page, however long they are: what is open, what concerns somebody, what a run has asked,
what the trail tells of. Each page is one statement, which reads no more than it gives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from sayso.engine._clock import from_microseconds, to_microseconds
from sayso.engine._grants import GrantRecord, UsedGrant
from sayso.engine._interests import Interest
from sayso.engine._records import ASK, CardRecord, RequestRecord
from sayso.engine._visits import StepSummary, VisitDetail, VisitSummary
from sayso.engine.store._rows import (
    people_of,
    read_card,
    read_grant,
    read_policy,
    read_request,
    read_step_summary,
    read_visit,
)

_PAGE = 25
"""How many requests are read at once: a question may have half a megabyte."""

_MOST_LOOKED_AT = 500
"""How many closed requests one statement looks at, so that others' reads come between."""

_LONGEST_STATE = 100_000
"""Characters of a state that is compared with the next, and shown."""

_LONGEST_SHOWN, _MOST_STEPS = 2001, 500
"""Characters of an argument or a result, one more than a page shows; and how many steps it shows at once."""

_BEHIND_ALL = 2**62
LAST = "\U0010ffff"
"""What sorts behind everything that goes on behind a prefix."""


class News(msgspec.Struct, frozen=True, gc=False):
    """A row of the trail without what is in it, and whom it concerns: `audiences` are those of its request, or of all
    requests of its run.
    """

    sequence: int
    at: datetime
    kind: str
    run_id: str | None
    request_id: str | None
    requested_by: str | None
    audiences: tuple[tuple[str, ...], ...]


class Decided(msgspec.Struct, frozen=True, gc=False):
    """A request that came to its end: whom it concerned, and who asked."""

    id: str
    concerned: tuple[str, ...]
    requested_by: str | None


class Sought(msgspec.Struct, frozen=True, gc=False):
    """What somebody looks for among the requests that came to their end: a `text` in what was asked, a `workflow`, an
    `outcome` (`APPROVED`, `REJECTED` or a closed `RequestStatus`), what came to its end `since` then, what one of
    `people` asked for (`mine`), what one of them answered (`voted`), and what a grant answered (`granted`).
    """

    text: str = ""
    workflow: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    people: tuple[str, ...] = ()
    mine: bool = False
    voted: bool = False
    granted: bool = False


class Lists(ABC):
    """The lists of whatever reads rows."""

    def __init__(self, is_gone: Callable[[str, str], bool]) -> None:
        self._is_gone = is_gone

    @abstractmethod
    async def _rows(self, query: str, parameters: dict[str, Any]) -> list[Any]: ...

    @abstractmethod
    async def card(self, request_id: str) -> CardRecord | None:
        """What a card of a request shows now."""

    @abstractmethod
    async def names_of(self, people: Sequence[str]) -> dict[str, str]:
        """What people are called, those of them who have a name."""

    async def open_requests(
        self, run_id: str | None = None, *, after: int = 0
    ) -> AsyncIterator[tuple[int, RequestRecord]]:
        """The open requests in the order of asking, each with its place there, behind one; of one run where it is
        named.
        """
        query = "requests_pending" if run_id is None else "requests_pending_of_run"
        while rows := await self._rows(query, {"after": after, "limit": _PAGE, "run_id": run_id}):
            for row in rows:
                yield row["request_key"], read_request(row)
            after = rows[-1]["request_key"]

    async def asked_by(
        self, askers: Sequence[str], *, after: int = 0
    ) -> AsyncIterator[tuple[int, RequestRecord]]:
        """The open requests that somebody asked from outside, by all their ids, in the same order."""
        wanted = msgspec.json.encode(askers).decode()
        fields: dict[str, Any] = {"askers": wanted, "workflow": ASK, "after": after, "limit": _PAGE}
        while rows := await self._rows("requests_pending_of_asker", fields):
            for row in rows:
                yield row["request_key"], read_request(row)
            fields["after"] = rows[-1]["request_key"]

    async def concerning(
        self, whose: Sequence[Interest], *, start: int | None = None, newest_first: bool = False
    ) -> AsyncIterator[tuple[int, CardRecord]]:
        """What the cards of open requests show that may concern somebody, in the order of asking or the newest first,
        each with its place there, from behind a place. Others' requests are not read. Whether it is theirs to answer,
        the policy says; the names of people are left out.
        """
        query = "concerned_before" if newest_first else "concerned_after"
        wanted = msgspec.json.encode(whose).decode()
        begin = _BEHIND_ALL if newest_first else 0
        fields = {"wanted": wanted, "start": begin if start is None else start, "limit": _PAGE}
        while keys := [row["request_key"] for row in await self._rows(query, fields)]:
            for row in await self._rows("cards_open", {"keys": msgspec.json.encode(keys).decode()}):
                yield row["request_key"], read_card(row, self._is_gone)
            fields["start"] = keys[-1]

    async def decided(self, since: datetime, limit: int) -> list[Decided]:
        """The requests that came to their end since then, the newest first."""
        found = await self._rows("requests_decided", {"since": to_microseconds(since), "limit": limit})
        return [
            Decided(row["id"], read_policy(row["policy"]).concerned, row["requested_by"]) for row in found
        ]

    async def closed(
        self, sought: Sought, *, before: tuple[datetime, int] | None = None
    ) -> AsyncIterator[tuple[tuple[datetime, int], Decided | None]]:
        """The requests that came to their end, the newest first, each with its place; None in the place of one that is
        not sought. From behind a place; a place without a number is before all of its instant.
        """
        since = 0 if sought.since is None else to_microseconds(sought.since)
        at, key = (_BEHIND_ALL, 0) if before is None else (to_microseconds(before[0]), before[1])
        fields = {
            "text": sought.text, "workflow": sought.workflow, "outcome": sought.outcome, "mine": sought.mine,
            "voted": sought.voted, "granted": sought.granted, "since": since,
            "people": msgspec.json.encode(sought.people).decode(), "at": at, "key": key, "limit": _MOST_LOOKED_AT,
        }  # fmt: skip
        while rows := await self._rows("requests_closed", fields):
            for row in rows:
                place = (from_microseconds(row["resolved_at"]), row["request_key"])
                if row["fits"]:
                    concerned = read_policy(row["policy"]).concerned
                    yield place, Decided(row["id"], concerned, row["requested_by"])
                else:
                    yield place, None
            fields["at"], fields["key"] = rows[-1]["resolved_at"], rows[-1]["request_key"]

    async def grants(
        self,
        *,
        people: Sequence[str] | None = None,
        standing_at: datetime | None = None,
        beginning: str | None = None,
        limit: int = 1000,
    ) -> list[GrantRecord]:
        """Grants, the newest first; if wanted only those that some people made, by all their ids, those that stand at
        an instant, and those whose ids have a prefix.
        """
        fields: dict[str, Any] = {
            "people": None if people is None else msgspec.json.encode(people).decode(),
            "now": None if standing_at is None else to_microseconds(standing_at),
            "beginning": beginning,
            "upto": None if beginning is None else beginning + LAST,
            "limit": limit,
        }
        return [read_grant(row) for row in await self._rows("grants_list", fields)]

    async def grant(self, grant_id: str) -> GrantRecord | None:
        """One grant by its own id."""
        found = await self.grants(beginning=grant_id, limit=1)
        return found[0] if found and found[0].id == grant_id else None

    async def grant_uses(self, grant_id: str, limit: int = 100) -> list[UsedGrant]:
        """The latest uses of a grant, the last first."""
        rows = await self._rows("grant_uses_of", {"id": grant_id, "limit": limit})
        return [UsedGrant(row["use"], row["request_id"], from_microseconds(row["at"])) for row in rows]

    async def named(self, cards: Sequence[CardRecord]) -> list[CardRecord]:
        """The cards with the names of the people in them."""
        names = await self.names_of(sorted({person for card in cards for person in people_of(card)}))
        return [
            msgspec.structs.replace(card, names={one: names[one] for one in people_of(card) if one in names})
            for card in cards
        ]

    async def run_cards(
        self, run_id: str, *, start: int | None = None, newest_first: bool = False
    ) -> AsyncIterator[tuple[int, CardRecord]]:
        """What the cards of a run's requests show, in the order of asking or the newest first, each with its place
        there, from behind a place.
        """
        query = "run_requests_before" if newest_first else "run_requests_after"
        begin = _BEHIND_ALL if newest_first else 0
        fields = {"run_id": run_id, "start": begin if start is None else start, "limit": _PAGE}
        while rows := await self._rows(query, fields):
            for row in rows:
                card = await self.card(row["id"])
                if card is not None:
                    yield row["request_key"], card
            fields["start"] = rows[-1]["request_key"]

    async def visits(self, run_id: str, limit: int) -> list[VisitSummary]:
        """The latest visits of a run, in their order."""
        rows = await self._rows("visits_of_run", {"run_id": run_id, "limit": limit})
        return [read_visit(row) for row in reversed(rows)]

    async def visit_details(self, run_id: str, first: int, last: int) -> dict[int, VisitDetail]:
        """What some visits of a run did, by their numbers: states that can be shown, and the first of their steps."""
        fields = {"run_id": run_id, "first": first, "last": last}
        bounds = {**fields, "longest": _LONGEST_SHOWN, "limit": _MOST_STEPS}
        steps: dict[int, list[StepSummary]] = {}
        for row in await self._rows("visits_steps", bounds):
            steps.setdefault(row["visit"], []).append(read_step_summary(row))
        rows = await self._rows("visit_states", {**fields, "longest": _LONGEST_STATE})
        return {
            row["visit"]: VisitDetail(row["before"], row["after"], tuple(steps.get(row["visit"], ())))
            for row in rows
        }

    async def run_concerns(self, run_id: str) -> list[tuple[str, ...]]:
        """All whom a run's requests concern, a list for each policy."""
        rows = await self._rows("run_policies", {"run_id": run_id})
        return list(dict.fromkeys(read_policy(row["policy"]).concerned for row in rows))

    async def news(self, after: int, limit: int) -> list[News]:
        """What the trail tells of behind a row, no more than `limit` rows of it."""
        concerns: dict[str, tuple[tuple[str, ...], ...]] = {}
        found: list[News] = []
        for row in await self._rows("audit_news", {"after": after, "limit": limit}):
            run_id, policy = row["run_id"], row["policy"]
            audiences: tuple[tuple[str, ...], ...] = ()
            if policy is not None:
                audiences = (read_policy(policy).concerned,)
            elif row["request_id"] is None and run_id is not None:
                if run_id not in concerns:
                    concerns[run_id] = tuple(await self.run_concerns(run_id))
                audiences = concerns[run_id]
            found.append(
                News(
                    row["sequence"], from_microseconds(row["at"]), row["kind"], run_id, row["request_id"],
                    row["requested_by"], audiences,
                )
            )  # fmt: skip
        return found
