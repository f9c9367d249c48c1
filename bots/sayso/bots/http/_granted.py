"""Grants over the API: who sees them, and who ends them. How one is made is an answer's to say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec

from sayso.bots.http._callers import Caller
from sayso.bots.http._limits import RateLimit
from sayso.bots.http._problems import Problem, check_rate
from sayso.engine import GrantRecord, Outcome, OutcomeKind, Store, Warrant

MOST_GRANTS = 1000
"""The grants of one list; who has more sees the newest."""


@dataclass(frozen=True, slots=True)
class GrantCalls:
    """Lists and revokes grants."""

    store: Store
    answers: RateLimit

    async def list(self, caller: Caller, *, ended: bool) -> dict[str, Any]:
        """What the caller granted, of an operator what everybody did; also what has `ended`, if wished."""
        now = self.store.clock.now()
        people = None if caller.is_operator else (caller.person, *caller.ids)
        at = None if ended else now
        found = await self.store.reader.grants(people=people, standing_at=at, limit=MOST_GRANTS)
        return {"grants": [grant_as_dict(one, now) for one in found]}

    async def one(self, caller: Caller, grant_id: str) -> dict[str, Any]:
        """A grant that the caller may see, with its latest uses. Raises `Problem`."""
        grant = await self.known(caller, grant_id)
        uses = await self.store.reader.grant_uses(grant.id)
        shown = [{"use": one.use, "request": one.request_id, "at": one.at.isoformat()} for one in uses]
        return grant_as_dict(grant, self.store.clock.now()) | {"latest_uses": shown}

    async def known(self, caller: Caller, grant_id: str) -> GrantRecord:
        """A grant that the caller may see. Raises `Problem`, the same for others as for an unknown id."""
        grant = await self.store.reader.grant(grant_id)
        if grant is None or not may_see(caller, grant):
            raise Problem(HTTPStatus.NOT_FOUND, "UnknownGrant", "Not found, or you don't have access.")
        return grant

    async def revoke(self, caller: Caller, grant_id: str) -> dict[str, Any]:
        """End a grant. Raises `Problem`."""
        outcome = await self.end(caller, grant_id)
        if outcome.kind is not OutcomeKind.DONE:
            raise Problem.of_outcome(outcome)
        return {"outcome": outcome.kind, "reason": outcome.reason}

    async def end(self, caller: Caller, grant_id: str) -> Outcome:
        """What becomes of the wish to end a grant. Raises `Problem`."""
        check_rate(self.answers, caller.person)
        grant = await self.known(caller, grant_id)
        warrant = caller.operating if caller.is_operator else Warrant(caller.credential)
        return await self.store.revoke_grant(
            grant.id, caller.person, caller.via, warrant, as_operator=caller.is_operator
        )


def may_see(caller: Caller, grant: GrantRecord) -> bool:
    """Whether somebody sees a grant: operators, and whoever made it, by any of their accounts."""
    return caller.is_operator or not {grant.granted_by, grant.account}.isdisjoint(
        (caller.person, *caller.ids)
    )


def grant_as_dict(grant: GrantRecord, now: datetime) -> dict[str, Any]:
    """A grant as JSON, with how it stands."""
    found: dict[str, Any] = msgspec.to_builtins(grant)
    return found | {"status": grant.status(now)}
