"""The page of grants: what somebody granted, of an operator what everybody did, and the button that ends each."""

from __future__ import annotations

from dataclasses import dataclass

from sayso.adapters.cards import grant_scope, person_name
from sayso.adapters.web import GrantRow, Pages, Visitor
from sayso.bots.http import MOST_GRANTS, Caller, may_see
from sayso.engine import GrantRecord, Store

_MOST_ENDED = 100
_MOST_USES = 100


@dataclass(frozen=True, slots=True)
class GrantPages:
    """Reads and shows grants; the API ends them."""

    store: Store
    pages: Pages

    async def list(self, visitor: Visitor, caller: Caller) -> str:
        """The active grants, and the newest of those that have ended."""
        now, people = self.store.clock.now(), None if caller.is_operator else (caller.person, *caller.ids)
        active = await self.store.reader.grants(people=people, standing_at=now, limit=MOST_GRANTS)
        newest = await self.store.reader.grants(people=people, limit=MOST_GRANTS)
        ended = [one for one in newest if not one.stands(now)][:_MOST_ENDED]
        return self.pages.grants(
            visitor, active=[await self._row(one) for one in active], ended=[await self._row(one) for one in ended]
        )  # fmt: skip

    async def one(self, visitor: Visitor, caller: Caller, grant_id: str) -> str | None:
        """One grant with its latest uses; None where it is not theirs to see."""
        grant = await self.store.reader.grant(grant_id)
        if grant is None or not may_see(caller, grant):
            return None
        card = await self.store.reader.card(grant.request_id)
        covers = "" if card is None else grant_scope(card.request, of_session=grant.offer == "session")
        uses = await self.store.reader.grant_uses(grant.id, _MOST_USES)
        return self.pages.grant(visitor, grant=await self._row(grant), covers=covers, uses=uses)

    async def _row(self, grant: GrantRecord) -> GrantRow:
        people = [one for one in (grant.granted_by, grant.asked_by, grant.revoked_by) if one is not None]
        names = await self.store.reader.names_of(people)
        by = None if grant.revoked_by is None else person_name(grant.revoked_by, names)
        status = grant.status(self.store.clock.now()).replace("_", " ")
        return GrantRow(
            grant, person_name(grant.granted_by, names), person_name(grant.asked_by, names), status, by
        )
