"""The bot's connection: where cards are shown, and who belongs to a place."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from sayso.adapters.cards import Words
from sayso.bots.answers import Answering
from sayso.bots.chats import (
    Budget,
    DeliveryProblem,
    Finding,
    Keep,
    MessageGone,
    Parts,
    Rate,
    Reference,
    Undeliverable,
    card_of,
    message_of,
)
from sayso.bots.people import CLOSED, LookUpFailed, Members
from sayso.config import Destination, InvalidSettings, Settings, UnknownDestination, read_secret
from sayso.engine import CardRecord, Delivery, Notice
from sayso_pigeon import PIGEON, PigeonSettings
from sayso_pigeon._card import kept_message, local, render_card, render_closed
from sayso_pigeon._listener import PigeonListener
from sayso_pigeon._loft import Loft


class PigeonSurface:
    """Where cards are shown."""

    platform = PIGEON.name

    def __init__(self, loft: Loft, settings: Settings, posts_per_second: float) -> None:
        self._loft = loft
        self._settings = settings
        self.budget = Budget(lambda _: [Rate(1, timedelta(seconds=1.05 / posts_per_second))])

    def keys(self, delivery: Delivery) -> tuple[str, ...]:
        """Each place has a budget of its own."""
        return (self._destination(delivery.destination).chat_id,)

    async def show(self, record: CardRecord, delivery: Delivery, rendering: int, keep: Keep) -> str:
        """Send the card or edit it, and say at once what the loft keeps of it."""
        place = self._destination(delivery.destination)
        notices = [delivery.notice] if delivery.notice is not None and record.request.open else []
        reader = f"{PIGEON.name}:{place.chat_id}" if place.is_direct else None
        shown = render_card(card_of(record, self._settings, notices, reader, rendering), self._settings.zone)
        if delivery.reference is None:
            message = await self._loft.post(place.chat_id, shown)
        else:
            message = await self._loft.edit(Reference.decode(delivery.reference).message, shown)
        reference = Reference(message["place"], message["id"])
        await keep(reference, kept_message(message))
        if delivery.former is not None:
            await self._close(record, Reference.decode(delivery.former), "Posted anew below.")
        return reference.encode()

    async def lock_copy(self, record: CardRecord, message: Reference, card: Reference | None) -> None:
        """Take the buttons from a message that is none of the question's."""
        await self._close(record, message, "This is a copy of the card.")

    async def _close(self, record: CardRecord, message: Reference, words: str) -> None:
        text = f"{card_of(record, self._settings).prompt}\n{words}"
        with suppress(MessageGone):  # nobody can press there
            await self._loft.edit(message.message, render_closed(text))

    def notice_keys(self, notice: Notice) -> tuple[str, ...]:
        """As cards."""
        return (self._destination(notice.destination).chat_id,)

    async def send(self, record: CardRecord, notice: Notice) -> None:
        """A message beside the cards; single votes show in the card alone."""
        message = message_of(record, notice, self._settings)
        if message is not None and not message.quiet:
            await self.tell(notice.destination, message.lines)

    async def tell(self, destination: str, lines: tuple[Words, ...]) -> None:
        """A plain message."""
        text = "\n".join(local(line, self._settings.zone) for line in lines)
        await self._loft.post(self._destination(destination).chat_id, render_closed(text))

    def _destination(self, name: str) -> Destination:
        try:
            return self._settings.destination(name)
        except UnknownDestination as error:
            raise Undeliverable(str(error)) from error


class PigeonMembership:
    """Who belongs to a place, asked at each press."""

    def __init__(self, loft: Loft) -> None:
        self._loft = loft

    async def why_not(self, destination: Destination, person: str) -> str | None:
        """None where they belong to it."""
        try:
            place = await self._loft.place(destination.chat_id)
        except DeliveryProblem as problem:
            raise LookUpFailed(str(problem)) from problem
        return None if person.rpartition(":")[2] in place["members"] else ""

    async def settle(self, people: Sequence[str]) -> None:
        """Nothing: people have one id."""

    async def why_gone(self, person: str) -> str | None:
        """None where the account is there still."""
        try:
            await self._loft.person(person.rpartition(":")[2])
        except MessageGone:
            return CLOSED
        except DeliveryProblem as problem:
            raise LookUpFailed(str(problem)) from problem
        return None

    async def members(self, group: str) -> Members:
        """There are no groups."""
        raise LookUpFailed(f"there is no group {group}")


class PigeonConnection:
    """The bot's account, connected. Raises `InvalidSettings` where the token is missing."""

    name = PIGEON.name

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._loft, pigeon = _connect(parts.settings)
        self.surface = PigeonSurface(self._loft, parts.settings, pigeon.posts_per_second)
        self.membership = PigeonMembership(self._loft)

    def listen(self, answers: Answering) -> PigeonListener:
        """What takes events."""
        return PigeonListener(self._loft, self.surface, self._parts, answers)

    async def close(self) -> None:
        """Let go of the loft."""
        await self._loft.close()


async def check(settings: Settings) -> list[Finding]:
    """Whether the token is good."""
    loft, _ = _connect(settings)
    try:
        me = await loft.me()
    except DeliveryProblem as problem:
        return [Finding.bad("Pigeon token", str(problem), "Check pigeon.url and SAYSO_PIGEON__TOKEN.")]
    finally:
        await loft.close()
    return [Finding.good("Pigeon token", f"it is {me['name']}")]


def _connect(settings: Settings) -> tuple[Loft, PigeonSettings]:
    pigeon = settings.section(PigeonSettings)
    assert pigeon is not None
    token = read_secret(pigeon.token, pigeon.token_file, "pigeon.token")
    if not token:
        raise InvalidSettings("sayso.toml", "pigeon.token", "it is missing", "Set SAYSO_PIGEON__TOKEN.")
    return Loft(pigeon.url, token), pigeon
