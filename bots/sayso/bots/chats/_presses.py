"""Whether a press comes from what the platform showed.

Whoever has a bot's token can edit its messages, or make some that carry our buttons around other words; and an edit of
ours may have been lost. So a press names the rendering that it was made in, and counts only from a message of ours
whose content is what the platform said that it keeps under that number. Everything else is refused and put right: the
card is edited under a new number, or replaced where it cannot be; a message that is none of ours is closed.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from sayso.adapters.cards import Words, not_recorded_words, reply_words
from sayso.bots.chats._messages import Reference, UnderWay
from sayso.bots.chats._surface import CardSurface
from sayso.engine import (
    Before,
    CardRecord,
    Delivery,
    Kept,
    Outcome,
    OutcomeKind,
    Rendering,
    RequestStatus,
    Store,
    StoreError,
)

logger = logging.getLogger("sayso.presses")

_MOST_STRIKES = 1000


class Standing(StrEnum):
    """What a press comes to before anybody asks who pressed."""

    GENUINE = "genuine"
    OUTDATED = "outdated"
    EARLY = "early"
    REDRAWN = "redrawn"
    REPLACED = "replaced"
    UNKNOWN = "unknown"
    STUCK = "stuck"
    UNREADABLE = "unreadable"


_WORDS: dict[Standing, Words] = {
    Standing.EARLY: ("This card isn't ready yet. Nothing was counted. Please press again in a moment.",),
    Standing.REDRAWN: ("This card was out of date and has been redrawn. Check it and press again.",),
    Standing.REPLACED: ("This card is too old to be checked. It has been posted again below: press there.",),
    Standing.UNKNOWN: ("This message isn't the card itself. Nothing was counted. Please press in the card.",),
    Standing.STUCK: ("This card still doesn't match. Nothing was counted.",),
}


_CLOSED = {
    RequestStatus.ANSWERED: OutcomeKind.ALREADY_ANSWERED,
    RequestStatus.EXPIRED: OutcomeKind.EXPIRED,
    RequestStatus.WITHDRAWN: OutcomeKind.WITHDRAWN,
    RequestStatus.CANCELLED: OutcomeKind.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a press tells about its message. `message` is its name (`Reference.name`), `kept` what it shows as the
    platform reports, None if it does not; `stands` says whether the button is in it as it was pressed.
    """

    request_id: str
    revision: int
    rendering: int | None
    message: str | None
    kept: Kept | None
    stands: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on a press. With `is_copy`, its message does not belong to its request, and must be closed. `said`
    is the reply if the store says why it does not count, `before` what was read if it counts.
    """

    standing: Standing
    is_copy: bool = False
    said: Words | None = None
    before: Before | None = None

    @property
    def counts(self) -> bool:
        """Whether the desk decides about it; that refuses what is outdated with words of its own."""
        return self.standing in (Standing.GENUINE, Standing.OUTDATED)

    @property
    def words(self) -> Words:
        """The reply to the person if it does not count."""
        return self.said or _WORDS[self.standing]


class Strikes:
    """Who was asked to press again last time, and about what. A second mismatch in a row asks for no third press."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def strike(self, person: str, request_id: str) -> bool:
        """Note a mismatch; whether it is not the first in a row."""
        is_again = (person, request_id) in self._known
        self._known[person, request_id] = None
        self._known.move_to_end((person, request_id))
        while len(self._known) > _MOST_STRIKES:
            self._known.popitem(last=False)
        return is_again

    def clear(self, person: str, request_id: str) -> None:
        """A press was as it should be."""
        self._known.pop((person, request_id), None)


class Counts(Protocol):
    """Who counts presses that do not count."""

    def card_forged(self, platform: str) -> None:
        """A button was pressed in a message that shows something else than was sent."""
        ...

    def copy_found(self, platform: str) -> None:
        """A button was pressed in a message that does not belong to its request."""
        ...


class Presses:
    """Judges presses in messages, and restores messages that differ. Everything is committed before it returns."""

    def __init__(self, store: Store, under_way: UnderWay, counts: Counts) -> None:
        self._store = store
        self._under_way = under_way
        self._counts = counts
        self.strikes = Strikes()

    async def judge(self, seen: Seen, person: str, platform: str, by: float) -> Judged:
        """The verdict on a press by this person; if the store cannot tell, the press does not count, and the reply
        says why. It waits for nothing after that instant of the loop's clock.
        """
        try:
            is_answered = (
                seen.rendering is None
                or not self._under_way.is_sending(seen.request_id, seen.rendering)
                or await self._under_way.answered(seen.request_id, seen.rendering, by)
            )
            before = await self._store.reader.before_answer(seen.request_id, person, seen.rendering)
            if _matches(seen, None if before is None else before.rendering):
                self.strikes.clear(person, seen.request_id)
                return Judged(Standing.GENUINE, before=before)
            return await self._mismatched(seen, person, platform, before, is_answered=is_answered)
        except StoreError as error:
            logger.error("cannot check a press by %s: %s", person, error)  # noqa: TRY400 - the reason says it all
            return Judged(Standing.UNREADABLE, said=not_recorded_words(error))

    async def _mismatched(
        self, seen: Seen, person: str, platform: str, before: Before | None, *, is_answered: bool
    ) -> Judged:
        rendering = None if before is None else before.rendering
        record = await self._store.reader.card(seen.request_id)
        deliveries = await self._deliveries(seen.request_id, platform)
        own = _own(seen, deliveries)
        if record is None or outdated_words(record, seen.revision) is not None:
            return Judged(
                Standing.OUTDATED,
                is_copy=is_answered
                and record is not None
                and own is None
                and not _is_former(seen, deliveries),
                before=before,
            )
        if not is_answered:  # nobody can tell yet, and the platform's answer may say that all is well
            return Judged(Standing.EARLY)
        parts = _difference(seen, rendering, is_own=own is not None)
        if parts and not await self._is_behind(seen, rendering, own):
            await self._report(seen, own, person, platform, parts)
        standing = await self._put_right(seen, own)
        if self.strikes.strike(person, seen.request_id):
            standing = Standing.STUCK
        return Judged(standing, is_copy=own is None)

    async def close_copy(self, surface: CardSurface[Any], seen: Seen) -> None:
        """Close a message that does not belong to its request, once its card is there. Raises `StoreError`."""
        record = await self._store.reader.card(seen.request_id)
        if record is None or seen.message is None:
            return
        self._counts.copy_found(surface.platform)
        message = Reference.named(seen.message)
        here = [
            one
            for one in await self._deliveries(seen.request_id, surface.platform)
            if one.reference is None or Reference.decode(one.reference).chat == message.chat
        ]
        card = next((one for one in here if one.reference is not None), None)
        if card is None and here and record.request.open:
            await self._store.close_later(seen.request_id, here[0].destination, message.encode())
            return
        stands = None if card is None or card.reference is None else Reference.decode(card.reference)
        await surface.lock_copy(record, message, stands)

    async def _is_behind(self, seen: Seen, rendering: Rendering | None, own: Delivery | None) -> bool:
        """Whether somebody pressed what their app still showed of a message that we have edited or replaced meanwhile:
        the button is not in it any more, and nobody forged anything.
        """
        if seen.rendering is None or seen.message is None or (seen.kept is not None and seen.stands):
            return False
        if own is None or seen.kept is None:
            return rendering is not None and rendering.message == seen.message
        later = self._store.reader.is_drawn_later
        return await later(seen.request_id, seen.rendering, own.destination, seen.message, seen.kept.digest)

    async def _deliveries(self, request_id: str, platform: str) -> list[Delivery]:
        found = await self._store.reader.deliveries(request_id)
        return [one for one in found if one.destination.startswith(f"{platform}:")]

    async def _report(
        self, seen: Seen, own: Delivery | None, person: str, platform: str, parts: tuple[str, ...]
    ) -> None:
        place = platform if seen.message is None else f"{platform}:{Reference.named(seen.message).chat}"
        logger.error(
            "a message at %s with buttons of request %s differs from what was sent: %s",
            place,
            seen.request_id,
            ", ".join(parts),
        )
        destination = None if own is None else own.destination
        await self._store.report_mismatch(seen.request_id, destination, person, place, parts)
        self._counts.card_forged(platform)  # operators hear of what is committed

    async def _put_right(self, seen: Seen, own: Delivery | None) -> Standing:
        if own is None or own.reference is None:
            return Standing.UNKNOWN
        if seen.kept is None:
            await self._store.replace_message(seen.request_id, own.destination, own.reference)
            return Standing.REPLACED
        await self._store.redraw(seen.request_id, own.destination)
        return Standing.REDRAWN


def _matches(seen: Seen, rendering: Rendering | None) -> bool:
    """Whether the platform said that it keeps just this, in this message, under the number that was pressed."""
    return (
        rendering is not None
        and rendering.kept is not None
        and seen.kept is not None
        and rendering.message == seen.message
        and rendering.kept.digest == seen.kept.digest
        and seen.stands
    )


def _difference(seen: Seen, rendering: Rendering | None, *, is_own: bool) -> tuple[str, ...]:
    """What differs from what was sent, by name. Nothing where it can be an accident: an answer that was never heard, a
    card of an earlier version, a message that came without content.
    """
    if is_own and (seen.rendering is None or seen.kept is None):
        return ()
    if rendering is None or not is_own:
        is_second = rendering is not None and rendering.kept is None and seen.message is not None
        return () if is_second else ("message",)
    if rendering.kept is None or seen.kept is None:
        return ()
    if rendering.message != seen.message:
        return ("message",)
    return rendering.kept.differs_in(seen.kept) or ("button",)


def _own(seen: Seen, deliveries: list[Delivery]) -> Delivery | None:
    """The delivery whose message it is."""
    return next(
        (
            one
            for one in deliveries
            if one.reference is not None and Reference.decode(one.reference).name == seen.message
        ),
        None,
    )


def _is_former(seen: Seen, deliveries: list[Delivery]) -> bool:
    return any(
        one.former is not None and Reference.decode(one.former).name == seen.message for one in deliveries
    )


def outdated_words(record: CardRecord, revision: int) -> Words | None:
    """Why a card of this revision can no longer be answered by anybody; None if it can."""
    request = record.request
    if not request.open:
        return reply_words(Outcome(_CLOSED[request.status], ""), record, None)
    if revision != request.revision:
        return reply_words(Outcome(OutcomeKind.SUPERSEDED, ""), record, None)
    return None
