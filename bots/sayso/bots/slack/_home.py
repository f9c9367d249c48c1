"""Somebody's home in Slack: what waits for them, and what became of what they pressed there."""

from __future__ import annotations

from msgspec.structs import replace

from sayso.adapters.cards import Words, place_name
from sayso.adapters.slack import MOST_CARDS, HomeCard, Pressed, Sender, home_view
from sayso.bots.cards import card_of
from sayso.bots.serving import Parts
from sayso.bots.slack._api import Api
from sayso.config import UnknownDestination
from sayso.engine import CardRecord, RequestStatus


class Home:
    """Draws homes."""

    def __init__(self, parts: Parts, api: Api) -> None:
        self._api = api
        self._store = parts.store
        self._commands = parts.commands
        self._settings = parts.settings

    async def show(self, sender: Sender, said: Words = (), pressed: Pressed | None = None) -> None:
        """Show what waits, the newest first, and what became of a press. Behind one, every card keeps its place until
        the home is opened again: the next one's buttons must not come up under the pointer.
        """
        waiting = {one.request.id: one for one in reversed(await self._commands.answerable(sender.person))}
        shown = list(waiting.values())[:MOST_CARDS]
        if pressed is not None and pressed.listed:
            shown = await self._still_there(pressed, waiting)
        button = None if pressed is None else pressed.button
        cards = [
            HomeCard(
                card=card_of(record, self._settings),
                asked=card_of(_as_asked(record), self._settings),
                places=await self._places_of(record, sender),
                waits=record.request.id in waiting,
                said=said if button is not None and button.request_id == record.request.id else (),
            )
            for record in shown
        ]
        unplaced = () if any(one.said for one in cards) else said
        view = home_view(cards, len(waiting), unplaced)
        await self._api.call("views_publish", user_id=sender.user_id, view=view)

    async def _still_there(self, pressed: Pressed, waiting: dict[str, CardRecord]) -> list[CardRecord]:
        """The cards of the home as they are now. What its reader may not answer is there as they have read it, and not
        once it asks something else.
        """
        found: list[CardRecord] = []
        for one in pressed.listed:
            record = waiting.get(one.request_id) or await self._store.reader.card(one.request_id)
            if record is not None and (one.request_id in waiting or record.request.revision == one.revision):
                found.append(record)
        return found

    async def _places_of(self, record: CardRecord, sender: Sender) -> str:
        """Where somebody finds the card itself."""
        names: list[str] = []
        for delivery in await self._store.reader.deliveries(record.request.id):
            try:
                place = self._settings.destination(delivery.destination)
            except UnknownDestination:
                continue  # there is no card
            if not place.is_direct:
                names.append(place_name(delivery.destination, self._settings.place_names, record.names))
            elif place.chat_id == sender.user_id:
                names.append("our direct messages")
        return f"its card: {', '.join(names)}" if names else "the web inbox"


def _as_asked(record: CardRecord) -> CardRecord:
    return replace(record, request=replace(record.request, status=RequestStatus.PENDING))
