"""The loop that brings what is shown to what is wanted, a place at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from msgspec.structs import replace

from sayso.bots.outbox._surface import (
    CardSurface,
    DeliveryProblem,
    MessageGone,
    Throttled,
    Undeliverable,
)
from sayso.engine import CardRecord, Delivery, SQLiteStore, StoreError

logger = logging.getLogger("sayso.outbox")

LARGEST_CROWD = 32
"""How many places are written to at once."""

QUIET = timedelta(seconds=3)
"""How long a card that was just written is left alone by news that can wait: which node its run is at."""

FIRST_BACK_OFF = timedelta(seconds=1)
LONGEST_BACK_OFF = timedelta(minutes=1)
STORE_BACK_OFF = timedelta(seconds=5)


class Observer(Protocol):
    """Who counts what the outbox does."""

    def card_shown(self, platform: str, *, new: bool) -> None:
        """A card was sent, or edited."""
        ...

    def card_failed(self, platform: str, problem: str) -> None:
        """A card could not be shown; the kind of problem."""
        ...

    def place_died(self, destination: str) -> None:
        """A destination was given up."""
        ...


class _Stopped(Exception):
    """Ends the outbox's task group from within."""


class Outbox:
    """Sends and edits cards until it is stopped; every one of the store's deliveries whose platform has a surface.

    At a place one message goes at a time: what is decided first, then what changed, then new questions in the order
    in which they were asked. A place that takes nothing never holds up another.
    """

    def __init__(self, store: SQLiteStore, surfaces: Iterable[CardSurface], observer: Observer) -> None:
        self._store = store
        self._surfaces = {surface.platform: surface for surface in surfaces}
        self._observer = observer
        self._busy: set[str] = set()
        self._not_before: dict[str, float] = {}
        self._news = asyncio.Event()
        self._stopping: float | None = None

    async def run(self) -> None:
        """Work until `stop`, and then for as long as it allowed while something can be sent at once.

        Places that were given up are tried again first.
        """
        listener = self._store.hub.listen_cards(asyncio.get_running_loop(), self._news.set)
        try:
            await self._store.revive()
            async with asyncio.TaskGroup() as group:
                while True:
                    self._news.clear()
                    wait = await self._pass(group)
                    if self._stopping is not None and (wait := self._last_wait(self._stopping)) is None:
                        raise _Stopped  # noqa: TRY301 - has the group cancel what hangs
                    await self._sleep(wait)
        except* _Stopped:
            pass
        finally:
            self._store.hub.ignore_cards(listener)

    def stop(self, patience: timedelta = timedelta(seconds=5)) -> None:
        """Have `run` end: with what can be sent within that time sent. Stopping twice is harmless."""
        if self._stopping is None:
            self._stopping = asyncio.get_running_loop().time() + patience.total_seconds()
        self._news.set()

    def _last_wait(self, end: float) -> float | None:
        """How long to wait yet for what is being sent; None when nothing is, or the time is over."""
        left = end - asyncio.get_running_loop().time()
        return left if self._busy and left > 0 else None

    async def _sleep(self, wait: float | None) -> None:
        try:
            async with asyncio.timeout(wait):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _pass(self, group: asyncio.TaskGroup) -> float | None:
        """Begin what can be begun; in how many seconds there is more, None if only news can bring it."""
        try:
            places = await self._store.reader.due_places()
            waits = [await self._begin(group, place) for place in places if place not in self._busy]
        except StoreError as error:
            logger.error("the outbox cannot read what is due: %s", error)  # noqa: TRY400 - the reason says it all
            return STORE_BACK_OFF.total_seconds()
        return min((wait for wait in waits if wait is not None), default=None)

    async def _begin(self, group: asyncio.TaskGroup, place: str) -> float | None:
        surface = self._surfaces.get(place.partition(":")[0])
        if surface is None or len(self._busy) >= LARGEST_CROWD:
            return None
        now = asyncio.get_running_loop().time()
        if (not_before := self._not_before.get(place, 0.0)) > now:
            return not_before - now
        instant = self._store.clock.now()
        found = await self._store.reader.due(place, instant)
        if found is None or isinstance(found, datetime):
            return None if found is None else max(0.0, (found - instant).total_seconds())
        try:
            delay = surface.budget.delay(surface.keys(found))
        except Undeliverable as problem:
            await self._bury(place, problem)
            return None
        if delay > 0:
            self._not_before[place] = now + delay
            return delay
        surface.budget.book(surface.keys(found))
        self._busy.add(place)
        group.create_task(self._deliver(surface, found), name=f"card at {place}")
        return None

    async def _deliver(self, surface: CardSurface, delivery: Delivery) -> None:
        try:
            await self._show(surface, delivery)
        except StoreError as error:
            logger.error("card %s at %s: %s", delivery.request_id, delivery.destination, error)  # noqa: TRY400 - the reason says it all
            self._not_before[delivery.destination] = (
                asyncio.get_running_loop().time() + STORE_BACK_OFF.total_seconds()
            )
        finally:
            self._busy.discard(delivery.destination)
            self._news.set()

    async def _show(self, surface: CardSurface, delivery: Delivery) -> None:
        record = await self._store.reader.card(delivery.request_id)
        if record is None:
            return  # pruned meanwhile, and its deliveries with it
        if delivery.reference is None and not record.request.open:
            if delivery.former is None:
                # It was decided before it was shown here: there is nothing to ask, and nothing to correct.
                await self._store.end_delivery(delivery, None, self._store.clock.now())
                return
            # It was to be posted anew, and was decided first: the message that is there shows it.
            delivery = replace(delivery, reference=delivery.former, former=None)
        await self._store.begin_delivery(delivery)
        try:
            reference = await self._send(surface, record, delivery)
        except DeliveryProblem as problem:
            await self._failed(surface, delivery, problem)
            return
        except Exception as error:
            logger.exception("card %s at %s could not be shown", delivery.request_id, delivery.destination)
            await self._again(delivery, f"{type(error).__name__}: {error}", _back_off(delivery))
            return
        self._observer.card_shown(surface.platform, new=delivery.reference is None)
        await self._store.end_delivery(delivery, reference, self._store.clock.now() + QUIET)

    async def _send(self, surface: CardSurface, record: CardRecord, delivery: Delivery) -> str:
        async def keep(reference: str) -> None:
            await self._store.refer_delivery(delivery, reference)

        return await surface.show(record, delivery, keep)

    async def _failed(self, surface: CardSurface, delivery: Delivery, problem: DeliveryProblem) -> None:
        self._observer.card_failed(surface.platform, type(problem).__name__)
        match problem:
            case Throttled():
                surface.budget.block(problem.key, problem.retry_after)
                await self._again(delivery, problem.reason, problem.retry_after)
            case Undeliverable():
                await self._bury(delivery.destination, problem)
            case MessageGone():
                logger.info("card %s at %s was deleted there", delivery.request_id, delivery.destination)
                await self._store.forget_message(delivery)
            case _:
                await self._again(delivery, problem.reason, _back_off(delivery))

    async def _again(self, delivery: Delivery, reason: str, after: timedelta) -> None:
        logger.warning(
            "card %s at %s: %s; it is tried again in %g s",
            delivery.request_id,
            delivery.destination,
            reason,
            after.total_seconds(),
        )
        await self._store.fail_delivery(delivery, reason, self._store.clock.now() + after)

    async def _bury(self, place: str, problem: Undeliverable) -> None:
        if await self._store.bury(place, problem.reason):
            logger.error("destination %s is given up: %s", place, problem.reason)
            self._observer.place_died(place)


def _back_off(delivery: Delivery) -> timedelta:
    return min(FIRST_BACK_OFF * (1 << min(delivery.attempts, 10)), LONGEST_BACK_OFF)
