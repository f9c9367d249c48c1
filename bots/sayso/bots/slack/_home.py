"""Somebody's home in Slack: what waits for them, what became of what they pressed there, and whether a press there
comes from what was shown.
"""

from __future__ import annotations

import asyncio
import logging
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace

from sayso.adapters.cards import Words, place_name
from sayso.adapters.slack import MOST_CARDS, HomeCard, Pressed, Sender, home_view, kept_view, words_home
from sayso.bots.answers import Answering
from sayso.bots.chats import Judged, Parts, Standing, card_of, outdated_words
from sayso.bots.people import LookUpFailed, in_time, look_up_deadline
from sayso.bots.slack._workspaces import Workspace
from sayso.config import UnknownDestination
from sayso.engine import CardRecord, Kept, PersonId, RequestStatus

logger = logging.getLogger("sayso.slack")

_SURFACE = "slack"
_SHOWN_KEPT = 4


class _Shown(msgspec.Struct, frozen=True):
    """A home as it was published under a number."""

    rendering: int
    kept: Kept


_WHO_LOOKS = (
    "Slack did not say who you are, so your requests cannot be shown. Please open this again in a minute."
)


class Home:
    """Draws homes. What they show is stored: a restart refuses nobody."""

    def __init__(self, parts: Parts, answering: Answering, workspace: Workspace) -> None:
        self._api = workspace.api
        self._people = workspace.people
        self._within = workspace.within
        self._under_way = parts.under_way
        self._strikes = answering.presses.strikes
        self._metrics = parts.metrics
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._store = parts.store
        self._commands = answering.commands
        self._settings = parts.settings

    async def show(self, sender: Sender, said: Words = (), pressed: Pressed | None = None) -> None:
        """Show what waits, the newest first, and what became of a press. Behind one, every card keeps its place until
        the home is opened again: the next one's buttons must not come up under the pointer.
        """
        by = look_up_deadline()
        try:
            person = await in_time(by, self._people.identify(sender.user_id))
        except LookUpFailed as problem:
            logger.warning("cannot look up user %s: %s", sender.user_id, problem)
            view = words_home(said or (_WHO_LOOKS,))
            await self._api.call("views_publish", user_id=sender.user_id, view=view)
            return
        async with self._turns.setdefault(sender.user_id, asyncio.Lock()):
            await self._show(sender, person, by, said, pressed)

    async def _show(
        self, sender: Sender, person: PersonId, by: float, said: Words, pressed: Pressed | None
    ) -> None:
        before = await self._shown(sender)
        rendering = before[-1].rendering + 1 if before else 1
        waiting = await self._commands.waiting(person, MOST_CARDS, by, newest_first=True)
        shown = [(one, True) for one in waiting.cards]
        if pressed is not None and pressed.listed:
            shown = await self._still_there(pressed, person, by)
        button = None if pressed is None else pressed.button
        cards = [
            HomeCard(
                card=card_of(record, self._settings, rendering=rendering),
                asked=card_of(_as_asked(record), self._settings),
                places=await self._places_of(record, sender),
                waits=waits,
                said=said if button is not None and button.request_id == record.request.id else (),
            )
            for record, waits in shown
        ]
        unplaced = () if any(one.said for one in cards) else said
        view = home_view(cards, waiting.count, unplaced, waiting.missing, is_cut=waiting.is_cut)
        with self._under_way.sending(self._subject(sender), rendering):
            kept = kept_view(await self._api.call("views_publish", user_id=sender.user_id, view=view))
            if kept is not None:
                latest = [*before, _Shown(rendering, kept)][-_SHOWN_KEPT:]
                await self._store.keep(_SURFACE, self._key(sender), msgspec.to_builtins(latest))

    async def judge(self, event: Pressed, person: PersonId, by: float) -> Judged:
        """What becomes of a press at home; see `Presses.judge`. Raises `StoreError`."""
        button, sender = event.button, event.sender
        assert button is not None
        is_answered = button.rendering is None or await self._under_way.answered(
            self._subject(sender), button.rendering, by
        )
        shown = {one.rendering: one.kept for one in await self._shown(sender)}.get(button.rendering or 0)
        if (
            shown is not None
            and event.kept is not None
            and event.stands
            and shown.digest == event.kept.digest
        ):
            self._strikes.clear(person, button.request_id)
            return Judged(Standing.GENUINE)
        record = await self._store.reader.card(button.request_id)
        if record is None or outdated_words(record, button.revision) is not None:
            return Judged(Standing.OUTDATED)
        if not is_answered:
            return Judged(Standing.EARLY)
        if shown is not None and event.kept is not None:
            parts = shown.differs_in(event.kept) or ("button",)
            logger.error("the home of %s differs from what was sent: %s", person, ", ".join(parts))
            await self._store.report_mismatch(button.request_id, None, person, "slack home", parts)
            self._metrics.card_forged(_SURFACE)  # operators hear of what is committed
        again = self._strikes.strike(person, button.request_id)
        return Judged(Standing.STUCK if again else Standing.REDRAWN)

    async def _shown(self, sender: Sender) -> list[_Shown]:
        """The latest homes of somebody."""
        kept = await self._store.kept(_SURFACE, self._key(sender))
        return [] if kept is None else msgspec.convert(kept, list[_Shown])

    async def _still_there(
        self, pressed: Pressed, person: PersonId, by: float
    ) -> list[tuple[CardRecord, bool]]:
        """The cards of the home as they are now, and whether each waits for its reader. What they may not answer is
        there as they have read it, and not once it asks something else.
        """
        found: list[tuple[CardRecord, bool]] = []
        for one in pressed.listed:
            record = await self._store.reader.card(one.request_id)
            if record is None:
                continue
            waits = await self._commands.waits_for(person, record, by)
            if waits or record.request.revision == one.revision:
                found.append((record, waits))
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

    def _subject(self, sender: Sender) -> str:
        return f"home {self._within(sender.user_id)}"

    def _key(self, sender: Sender) -> str:
        return f"home:{self._within(sender.user_id)}"


def _as_asked(record: CardRecord) -> CardRecord:
    return replace(record, request=replace(record.request, status=RequestStatus.PENDING))
