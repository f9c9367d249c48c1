"""The page of requests that came to their end: what somebody may read of what they look for, page by page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import Query
from pydantic import BaseModel, BeforeValidator, ConfigDict

from sayso.adapters.web import Pages, Visitor
from sayso.bots.chats import card_of
from sayso.bots.http import Caller
from sayso.config import Settings
from sayso.engine import CardRecord, Store
from sayso.engine.store import Sought

_MOST_ROWS = 30
_MOST_LOOKED_AT = 5000

OUTCOMES = ("approved", "rejected", "answered", "expired", "withdrawn", "cancelled")

Day = Annotated[date | None, BeforeValidator(lambda given: given or None)]
"""A day of an address; a form sends an empty one as an empty text."""


class Wanted(BaseModel):
    """What somebody looks for, as the page's address says it. `before` is the place at which the page before ended."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    text: Annotated[str, Query(max_length=200)] = ""
    whose: Literal["all", "mine", "decided", "granted"] = "all"
    workflow: Annotated[str, Query(max_length=200)] = ""
    outcome: Literal["", "approved", "rejected", "answered", "expired", "withdrawn", "cancelled"] = ""
    since: Day = None
    until: Day = None
    before: Annotated[str, Query(pattern=r"^([0-9]{1,17}-[0-9]{1,18})?$")] = ""

    def address(self, before: str = "") -> str:
        """The page of what is looked for that begins behind a place."""
        given = self.model_dump(mode="json") | {"before": before}
        return "/history?" + urlencode({name: value for name, value in given.items() if value})

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return self != Wanted()

    def sought(self, people: tuple[str, ...], zone: tzinfo) -> Sought:
        """The same for the store."""
        return Sought(
            text=self.text.strip(),
            workflow=self.workflow or None,
            outcome=self.outcome.upper() or None,
            since=None if self.since is None else datetime.combine(self.since, time(), zone),
            people=people,
            mine=self.whose == "mine",
            voted=self.whose == "decided",
            granted=self.whose == "granted",
        )

    def start(self, zone: tzinfo) -> tuple[datetime, int] | None:
        """The place from which on it is looked for; None from the newest on."""
        if self.before:
            at, _, key = self.before.partition("-")
            return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(at)), int(key)
        if self.until is None or self.until == date.max:
            return None
        return datetime.combine(self.until + timedelta(days=1), time(), zone), 0


@dataclass(frozen=True, slots=True)
class _Found:
    records: tuple[CardRecord, ...]
    older: str | None


class History:
    """Reads and shows what came to its end."""

    def __init__(self, store: Store, pages: Pages, settings: Settings, workflows: Iterable[str]) -> None:
        self._store = store
        self._pages = pages
        self._settings = settings
        self._workflows = tuple(sorted(workflows))

    async def page(self, visitor: Visitor, caller: Caller, wanted: Wanted) -> str:
        """The requests that somebody looks for and may read, the newest first. A page that looked at many without
        finding enough ends there, and leads on.
        """
        found = await self._find(caller, wanted)
        cards = [card_of(one, self._settings) for one in found.records]
        return self._pages.history(
            visitor, cards=cards, runs={one.request.id: one.request.run_id for one in found.records},
            wanted=wanted, outcomes=OUTCOMES, workflows=self._workflows, looked_at=_MOST_LOOKED_AT,
            newest=wanted.address(), older=None if found.older is None else wanted.address(found.older),
        )  # fmt: skip

    async def _find(self, caller: Caller, wanted: Wanted) -> _Found:
        reader, zone = self._store.reader, self._settings.zone
        sought = wanted.sought((caller.person, *caller.ids), zone)
        records: list[CardRecord] = []
        last, looked_at = "", 0
        async for place, one in reader.closed(sought, before=wanted.start(zone)):
            looked_at += 1
            if one is not None and caller.may_see(one.concerned, one.requested_by):
                if len(records) == _MOST_ROWS:
                    return _Found(tuple(records), last)
                record = await reader.card(one.id)
                records += [] if record is None else [record]
            last = _place(*place)
            if looked_at == _MOST_LOOKED_AT:
                return _Found(tuple(records), last)
        return _Found(tuple(records), None)


def _place(at: datetime, key: int) -> str:
    return f"{(at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)}-{key}"
