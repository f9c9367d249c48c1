"""What cards show, where they are to be sent, and the messages in addition to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec

from sayso.engine._clock import from_microseconds, to_microseconds
from sayso.engine._interests import Interest
from sayso.engine._records import (
    CardRecord,
    DeadPlace,
    Delivery,
    Notice,
    StoreCounts,
)
from sayso.engine._values import Json, decode
from sayso.engine.store._commands import Before
from sayso.engine.store._people_reader import PeopleReader
from sayso.engine.store._reads import BEHIND_ALL, LAST, PAGE
from sayso.engine.store._rows import (
    people_of,
    read_before,
    read_card,
    read_delivery,
    read_notice,
)


class CardReader(PeopleReader):
    """Reads cards and their sending."""

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

    async def concerning(
        self, whose: Sequence[Interest], *, start: int | None = None, newest_first: bool = False
    ) -> AsyncIterator[tuple[int, CardRecord]]:
        """What the cards of open requests show that may concern somebody, in the order of asking or the newest first,
        each with its place there, from behind a place. Others' requests are not read. Whether it is theirs to answer,
        the policy says; the names of people are left out.
        """
        query = "concerned_before" if newest_first else "concerned_after"
        wanted = msgspec.json.encode(whose).decode()
        begin = BEHIND_ALL if newest_first else 0
        fields = {"wanted": wanted, "start": begin if start is None else start, "limit": PAGE}
        while keys := [row["request_key"] for row in await self._rows(query, fields)]:
            for row in await self._rows("cards_open", {"keys": msgspec.json.encode(keys).decode()}):
                yield row["request_key"], read_card(row, self._is_gone)
            fields["start"] = keys[-1]

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
        begin = BEHIND_ALL if newest_first else 0
        fields = {"run_id": run_id, "start": begin if start is None else start, "limit": PAGE}
        while rows := await self._rows(query, fields):
            for row in rows:
                card = await self.card(row["id"])
                if card is not None:
                    yield row["request_key"], card
            fields["start"] = rows[-1]["request_key"]

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
