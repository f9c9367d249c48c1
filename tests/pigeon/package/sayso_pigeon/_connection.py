"""The bot's connection: where cards are shown, and who belongs to a place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sayso.adapters.cards import Card, Words
from sayso.bots.answers import Answering
from sayso.bots.chats import (
    Budget,
    CardSurface,
    DeliveryProblem,
    Finding,
    MessageGone,
    Parts,
    Rate,
    Reference,
)
from sayso.bots.people import CLOSED, LookUpFailed, Members
from sayso.config import Destination, InvalidSettings, Settings, read_secret
from sayso.engine import Kept
from sayso_pigeon import PIGEON, PigeonSettings
from sayso_pigeon._card import kept_message, local, render_card, render_closed
from sayso_pigeon._listener import PigeonListener
from sayso_pigeon._loft import Loft


class PigeonSurface(CardSurface[dict[str, Any]]):
    """Where cards are shown. Single votes show in the card alone: a loft has no threads."""

    platform = PIGEON.name

    def __init__(self, loft: Loft, settings: Settings, posts_per_second: float) -> None:
        super().__init__(settings, Budget(lambda _: [Rate(1, timedelta(seconds=1.05 / posts_per_second))]))
        self._loft = loft

    def keys_of(self, chat: str, /) -> tuple[str, ...]:
        """Each place has a budget of its own."""
        return (chat,)

    def draw(self, card: Card, _place: Destination, /) -> tuple[dict[str, Any], str]:
        """A message in the loft is large enough for any question."""
        return render_card(card, self.settings.zone), ""

    def draw_locked(
        self, card: Card, _place: Destination | None, words: str, _link: str | None, /
    ) -> dict[str, Any]:
        """The prompt, and why it can no longer be answered."""
        return render_closed(f"{card.prompt}\n{words}")

    async def post(self, place: Destination, message: dict[str, Any]) -> tuple[Reference, Kept | None]:
        """The loft responds with the message as it keeps it."""
        sent = await self._loft.post(place.chat_id, message)
        return Reference(sent["place"], sent["id"]), kept_message(sent)

    async def edit(self, reference: Reference, message: dict[str, Any]) -> Kept | None:
        """The same for an edit."""
        return kept_message(await self._loft.edit(reference.message, message))

    async def tell(self, destination: str, lines: tuple[Words, ...]) -> None:
        """A message without buttons."""
        text = "\n".join(local(line, self.settings.zone) for line in lines)
        await self._loft.post(self.place(destination).chat_id, render_closed(text))


class PigeonMembership:
    """Who belongs to a place, asked at each press."""

    def __init__(self, loft: Loft) -> None:
        self._loft = loft

    async def why_not(self, destination: Destination, person: str) -> str | None:
        """None if they belong to it."""
        try:
            place = await self._loft.place(destination.chat_id)
        except DeliveryProblem as problem:
            raise LookUpFailed(str(problem)) from problem
        return None if person.rpartition(":")[2] in place["members"] else ""

    async def settle(self, people: Sequence[str]) -> None:
        """Nothing to do: people have one id."""

    async def why_gone(self, person: str) -> str | None:
        """None while the account exists."""
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
    """The bot's account, connected. Raises `InvalidSettings` if the token is missing."""

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
        """Close the connection."""
        await self._loft.close()


async def check(settings: Settings) -> list[Finding]:
    """Check the token."""
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
