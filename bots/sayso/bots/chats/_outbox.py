"""The loop that brings what is shown to what is wanted, a place at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from sayso.bots.chats._messages import Reference, UnderWay
from sayso.bots.chats._refusals import Patience, Refusals
from sayso.bots.chats._surface import (
    CardSurface,
    ContentRefused,
    DeliveryProblem,
    MessageGone,
    Throttled,
    Undeliverable,
    UnknownRefusal,
)
from sayso.bots.chats._together import Part, to_show
from sayso.engine import CardRecord, Delivery, Kept, Notice, NoticeKind, Store, StoreError

logger = logging.getLogger("sayso.outbox")

T = TypeVar("T")

LARGEST_CROWD = 32
"""How many places are written to at once."""

QUIET = timedelta(seconds=3)
"""How long a card that was just written is left alone by news that can wait: which node its run is at."""

FIRST_BACK_OFF = timedelta(seconds=1)
LAST_WAIT = timedelta(seconds=1)
"""How soon something has to be due to be sent before a stop, such as a card that was pressed right after it was posted:
a chat takes one message a second.
"""

LONGEST_BACK_OFF = timedelta(minutes=1)
STORE_BACK_OFF = timedelta(seconds=5)

MOST_ATTEMPTS = 20
"""How often a message beside the cards is tried."""


_SAID_TOGETHER = frozenset({NoticeKind.REMINDER, NoticeKind.ESCALATED})
"""Messages that come due: those about several questions on one card are one message."""


class Observer(Protocol):
    """Who counts what the outbox does."""

    def card_shown(self, platform: str, *, new: bool) -> None:
        """A card was sent, or edited."""
        ...

    def card_failed(self, platform: str, problem: str) -> None:
        """A card could not be shown; the kind of problem."""
        ...

    def alarm(self) -> None:
        """Operators have something to hear."""
        ...


class _Stopped(Exception):
    """Ends the outbox's task group from within."""


class Outbox:
    """Sends and edits cards until it is stopped; every one of the store's deliveries whose platform has a surface.

    Each destination gets one message at a time: what is decided first, then what changed, then new questions in the
    order in which they were asked. A place that accepts nothing never delays another one: it is marked unreachable and
    tried from time to time until it works again.
    """

    def __init__(
        self,
        store: Store,
        surfaces: Iterable[CardSurface[Any]],
        observer: Observer,
        under_way: UnderWay,
        patience: Patience | None = None,
    ) -> None:
        self._store = store
        self._under_way = under_way
        self._surfaces = {surface.platform: surface for surface in surfaces}
        self._observer = observer
        self._busy: set[str] = set()
        self._not_before: dict[str, float] = {}
        self._patience = patience or Patience()
        self._refusals = Refusals(self._patience)
        self._news = asyncio.Event()
        self._stopping: float | None = None

    async def run(self, ready: Callable[[str | None], None]) -> None:
        """Work until `stop`, and then for as long as it allows while something can be sent at once. `ready` is called
        with what is wrong with the store, None if nothing is.

        Unreachable places are tried again first.
        """
        listener = self._store.hub.listen_cards(asyncio.get_running_loop(), self._news.set)
        try:
            await self._store.revive()
            async with asyncio.TaskGroup() as group:
                while True:
                    self._news.clear()
                    wait = await self._pass(group, ready)
                    if self._stopping is not None and (wait := self._last_wait(self._stopping, wait)) is None:
                        raise _Stopped  # noqa: TRY301 - has the group cancel what hangs
                    await self._sleep(wait)
        except* _Stopped:
            pass
        finally:
            self._store.hub.ignore_cards(listener)

    def stop(self, patience: timedelta = timedelta(seconds=5)) -> None:
        """Make `run` end, after sending what can be sent within that time. Stopping twice is harmless."""
        if self._stopping is None:
            self._stopping = asyncio.get_running_loop().time() + patience.total_seconds()
        self._news.set()

    def _last_wait(self, end: float, due: float | None) -> float | None:
        """How long to wait yet for what is being sent, or is `due` soon; None when nothing is, or the time is over."""
        left = end - asyncio.get_running_loop().time()
        is_soon = due is not None and due <= min(left, LAST_WAIT.total_seconds())
        if left <= 0 or not (self._busy or is_soon):
            return None
        return due if is_soon else left

    async def _sleep(self, wait: float | None) -> None:
        try:
            async with asyncio.timeout(wait):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _pass(self, group: asyncio.TaskGroup, ready: Callable[[str | None], None]) -> float | None:
        """Begin what can be begun; in how many seconds there is more, None if only news can bring it."""
        now = asyncio.get_running_loop().time()
        try:
            if due := self._refusals.due(now):
                await self._store.revive(due)
            places = await self._store.reader.places_waiting()
            waits = [await self._begin(group, place) for place in places if place not in self._busy]
        except StoreError as error:
            logger.error("cannot read pending messages: %s", error)  # noqa: TRY400 - the reason says it all
            ready(f"cannot read pending messages: {error}")
            return STORE_BACK_OFF.total_seconds()
        ready(None)
        waits.append(self._refusals.wait(now))
        return min((wait for wait in waits if wait is not None), default=None)

    async def _begin(self, group: asyncio.TaskGroup, place: str) -> float | None:
        surface = self._surfaces.get(place.partition(":")[0])
        if surface is None or len(self._busy) >= LARGEST_CROWD:
            return None
        now = asyncio.get_running_loop().time()
        if (not_before := self._not_before.get(place, 0.0)) > now:
            return not_before - now
        instant = self._store.clock.now()
        card = await self._store.reader.due(place, instant)
        found: Delivery | Notice | datetime | None = card
        if not isinstance(card, Delivery):
            found = _sooner(card, await self._store.reader.notice(place, instant))
        if found is None or isinstance(found, datetime):
            return None if found is None else max(0.0, (found - instant).total_seconds())
        try:
            keys = surface.keys(found) if isinstance(found, Delivery) else surface.notice_keys(found)
        except Undeliverable as problem:
            if isinstance(found, Delivery):
                await self._bury(place, problem)
            else:
                await self._drop(found, problem)
            return None
        if (delay := surface.budget.delay(keys)) > 0:
            self._not_before[place] = now + delay
            return delay
        surface.budget.book(keys)
        self._busy.add(place)
        work = self._show(surface, found) if isinstance(found, Delivery) else self._say(surface, found)
        group.create_task(self._work(place, work), name=f"outbox at {place}")
        return None

    async def _work(self, place: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except StoreError as error:
            logger.error("message to %s: %s", place, error)  # noqa: TRY400 - the reason says it all
            self._not_before[place] = asyncio.get_running_loop().time() + STORE_BACK_OFF.total_seconds()
        finally:
            self._busy.discard(place)
            self._news.set()

    # Messages beside the cards.

    async def _say(self, surface: CardSurface[Any], notice: Notice) -> None:
        said = await self._said(surface, notice)
        if not said:
            return  # pruned meanwhile, and its messages with it
        try:
            await surface.send(said)
        except Undeliverable as problem:
            if problem.may_pass:
                await self._say_again(notice, problem, _back_off(notice.attempts))
            else:
                await self._drop(notice, problem)
        except ContentRefused as problem:
            await self._drop(notice, problem)
        except Throttled as problem:
            surface.budget.block(problem.key, problem.retry_after)
            await self._say_again(notice, problem, problem.retry_after)
        except DeliveryProblem as problem:
            await self._say_again(notice, problem, _back_off(notice.attempts))
        except Exception as error:
            logger.exception("could not send a message to %s", notice.destination)
            await self._say_again(notice, DeliveryProblem(repr(error)), _back_off(notice.attempts))
        else:
            await self._each(self._store.end_notice(one) for _, one in said)
            await self._took(notice.destination)

    async def _said(self, surface: CardSurface[Any], notice: Notice) -> Sequence[tuple[CardRecord, Notice]]:
        """What one message says: of several questions on a card at once where all of them come due."""
        if surface.draws_batches and notice.kind in _SAID_TOGETHER:
            return await self._store.reader.notices_on_card(notice)
        record = await self._store.reader.card(notice.request_id)
        return [] if record is None else [(record, notice)]

    async def _say_again(self, notice: Notice, problem: DeliveryProblem, after: timedelta) -> None:
        if notice.attempts + 1 >= MOST_ATTEMPTS:
            await self._drop(notice, problem)
            return
        logger.info("message to %s: %s; sending it again", notice.destination, problem)
        await self._store.fail_notice(notice, self._store.clock.now() + after)

    async def _drop(self, notice: Notice, problem: DeliveryProblem) -> None:
        """A message that cannot be sent is given up: what it says stands in the cards, the inbox and the trail."""
        logger.warning("message (%s) to %s was dropped: %s", notice.kind, notice.destination, problem)
        await self._store.end_notice(notice)

    # Cards.

    async def _show(self, surface: CardSurface[Any], due: Delivery) -> None:
        found = await self._on_card(surface, due)
        if not found:
            return  # pruned meanwhile, and its deliveries with it
        deliveries = [delivery for _, delivery in found]
        shown = to_show(found)
        if shown is None:
            now = self._store.clock.now()
            await self._each(self._store.end_delivery(one, None, now) for one in deliveries)
            return
        numbers = await self._each(self._store.begin_delivery(one) for one in deliveries)
        parts = [
            Part(record, delivery, number)
            for (record, delivery), number in zip(shown.found, numbers, strict=True)
            if number is not None
        ]
        if not parts:
            return  # pruned meanwhile
        try:
            reference = await self._send(surface, parts, deliveries, shown.formers)
        except DeliveryProblem as problem:
            await self._failed(surface, due, deliveries, problem)
            return
        except Exception as error:
            logger.exception("could not show card %s in %s", due.request_id, due.destination)
            await self._again(deliveries, f"{type(error).__name__}: {error}", _back_off(due.attempts))
            return
        self._observer.card_shown(surface.platform, new=shown.reference is None)
        quiet_until = self._store.clock.now() + QUIET
        await self._each(
            self._store.end_delivery(delivery, reference, quiet_until, record.request)
            for record, delivery in found
        )
        await self._took(due.destination)

    async def _on_card(
        self, surface: CardSurface[Any], due: Delivery
    ) -> Sequence[tuple[CardRecord, Delivery]]:
        """What stands on the card: the request that is due, and where the platform draws batches the others of its."""
        if surface.draws_batches:
            return await self._store.reader.on_card(due)
        record = await self._store.reader.card(due.request_id)
        return [] if record is None else [(record, due)]

    async def _send(
        self,
        surface: CardSurface[Any],
        parts: Sequence[Part],
        deliveries: Sequence[Delivery],
        formers: Sequence[Reference],
    ) -> str:
        by_request = {one.request_id: one for one in deliveries}
        with ExitStack() as stack:
            sendings = [
                stack.enter_context(self._under_way.sending(one.delivery.request_id, one.rendering))
                for one in parts
            ]

            async def keep(reference: Reference, kept: Kept | None) -> None:
                name = reference.name
                await self._each(
                    self._store.refer_delivery(
                        by_request[one.delivery.request_id], reference.encode(), one.rendering, name, kept
                    )
                    for one in parts
                )
                for answered in sendings:
                    answered()

            return await surface.show(parts, formers, keep)

    async def _each(self, writes: Iterable[Awaitable[T]]) -> list[T]:
        """Wait for writes that were begun together, which the store commits together."""
        return await asyncio.gather(*writes)

    async def _failed(
        self,
        surface: CardSurface[Any],
        due: Delivery,
        deliveries: Sequence[Delivery],
        problem: DeliveryProblem,
    ) -> None:
        self._observer.card_failed(surface.platform, type(problem).__name__)
        match problem:
            case Throttled():
                surface.budget.block(problem.key, problem.retry_after)
                await self._again(deliveries, problem.reason, problem.retry_after)
            case Undeliverable():
                await self._bear(due.destination, problem)
            case ContentRefused():
                await self._give_up_card(deliveries, problem)
            case UnknownRefusal() if due.attempts >= self._patience.times:
                await self._give_up_card(deliveries, problem)
            case MessageGone():
                logger.info("card %s was deleted in %s", due.request_id, due.destination)
                await self._each(map(self._store.forget_message, deliveries))
            case _:
                await self._again(deliveries, problem.reason, _back_off(due.attempts))

    async def _again(self, deliveries: Sequence[Delivery], reason: str, after: timedelta) -> None:
        for delivery in deliveries:
            logger.warning(
                "card %s in %s: %s; retrying in %g s",
                delivery.request_id,
                delivery.destination,
                reason,
                after.total_seconds(),
            )
        at = self._store.clock.now() + after
        await self._each(self._store.fail_delivery(one, reason, at) for one in deliveries)

    async def _give_up_card(
        self, deliveries: Sequence[Delivery], problem: ContentRefused | UnknownRefusal
    ) -> None:
        """It waits until it has something else to show, and the operators hear of it."""
        news = await self._each(self._store.refuse_delivery(one, problem.reason) for one in deliveries)
        for delivery, is_news in zip(deliveries, news, strict=True):
            if is_news:
                logger.error(
                    "cannot show card %s in %s: %s", delivery.request_id, delivery.destination, problem.reason
                )
        if any(news):
            self._observer.alarm()

    # Places.

    async def _bear(self, place: str, problem: Undeliverable) -> None:
        """A place refused: try it again in a moment where that may help, else give it up."""
        pause = self._refusals.bear(place) if problem.may_pass else None
        if pause is None:
            await self._bury(place, problem)
            return
        logger.warning("%s: %s; retrying in %g s", place, problem.reason, pause.total_seconds())
        self._not_before[place] = asyncio.get_running_loop().time() + pause.total_seconds()

    async def _bury(self, place: str, problem: Undeliverable) -> None:
        """Give a place up until it is tried again. Operators hear of it once, until it has taken something since."""
        is_news = self._refusals.give_up(place, asyncio.get_running_loop().time())
        if await self._store.bury(place, problem.reason, is_news=is_news):
            logger.error("destination %s is unreachable: %s", place, problem.reason)
            self._observer.alarm()

    async def _took(self, place: str) -> None:
        """A place took something: whatever else waits for it can go there, too."""
        if self._refusals.took(place):
            logger.info("destination %s is reachable again", place)
            await self._store.revive([place])


def _back_off(attempts: int) -> timedelta:
    return min(FIRST_BACK_OFF * (1 << min(attempts, 10)), LONGEST_BACK_OFF)


def _sooner(card: datetime | None, notice: Notice | datetime | None) -> Notice | datetime | None:
    """What comes first where no card goes now."""
    if card is None or not isinstance(notice, datetime):
        return card if notice is None else notice
    return min(card, notice)
