"""Requests that are open or came to their end, and what was granted with their answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from sayso.engine._clock import from_microseconds, to_microseconds
from sayso.engine._grants import GrantRecord, UsedGrant
from sayso.engine._records import (
    ASK,
    RequestRecord,
)
from sayso.engine.store._reads import BEHIND_ALL, LAST, PAGE, Reads
from sayso.engine.store._rows import (
    read_grant,
    read_policy,
    read_request,
)

_MOST_LOOKED_AT = 500
"""How many closed requests one statement looks at, so that others' reads come between."""


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


class RequestReader(Reads):
    """Reads requests and grants."""

    async def request_ids(self, beginning: str) -> list[str]:
        """The same for requests, open and closed."""
        return [row["id"] for row in await self._beginning("request_ids", beginning)]

    async def pending(self, run_id: str | None = None, limit: int = 1000) -> list[RequestRecord]:
        """The oldest open requests, oldest first, of all runs or of one."""
        found: list[RequestRecord] = []
        async for _, request in self.open_requests(run_id):
            if len(found) == limit:
                break
            found.append(request)
        return found

    async def open_requests(
        self, run_id: str | None = None, *, after: int = 0
    ) -> AsyncIterator[tuple[int, RequestRecord]]:
        """The open requests in the order of asking, each with its place there, behind one; of one run where it is
        named.
        """
        query = "requests_pending" if run_id is None else "requests_pending_of_run"
        while rows := await self._rows(query, {"after": after, "limit": PAGE, "run_id": run_id}):
            for row in rows:
                yield row["request_key"], read_request(row)
            after = rows[-1]["request_key"]

    async def asked_by(
        self, askers: Sequence[str], *, after: int = 0
    ) -> AsyncIterator[tuple[int, RequestRecord]]:
        """The open requests that somebody asked from outside, by all their ids, in the same order."""
        wanted = msgspec.json.encode(askers).decode()
        fields: dict[str, Any] = {"askers": wanted, "workflow": ASK, "after": after, "limit": PAGE}
        while rows := await self._rows("requests_pending_of_asker", fields):
            for row in rows:
                yield row["request_key"], read_request(row)
            fields["after"] = rows[-1]["request_key"]

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
        at, key = (BEHIND_ALL, 0) if before is None else (to_microseconds(before[0]), before[1])
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
