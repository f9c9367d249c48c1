"""Telling the operators: every failure, every run that needs a decision, every place and card that cannot be shown,
every platform that cannot reach the service, every approval under break-glass, and them and the person whose accounts
change: from the audit trail, so that a restart neither forgets one nor begins again. And in the log, the trail's last
hash.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from sayso.adapters.cards import Words
from sayso.adapters.console import set_off, visible, visible_line
from sayso.bots.answers import SURE, called
from sayso.bots.chats import CardSurface, ContentRefused, DeliveryProblem, Ready, Undeliverable, pause_after
from sayso.engine import AuditRow, Reader, Store, StoreError, UnknownRun, WorkflowStatus, find_platform
from sayso.engine.store import Change, Listener

logger = logging.getLogger("sayso.operator")

_SURFACE = "operator"
_TOLD = "told"
_BACK_OFF = 30.0
_OF_RUNS = frozenset({"run_ended", "attention_needed"})
_OF_PLACES = frozenset({"destination_dead", "card_refused", "chat_moved", "webhook_failing"})
_KINDS = frozenset({*_OF_RUNS, *_OF_PLACES, "break_glass", "card_forged"})
_OF_ACCOUNTS = frozenset({"link_agreed", "account_linked", "account_unlinked"})
_TRIES = 3
_SOON = 5.0
_AT_LATEST = 1000
"""Changes after which the trail is read on."""

_WAKING = frozenset({WorkflowStatus.FAILED, WorkflowStatus.NEEDS_ATTENTION})


class OperatorDesk:
    """Tells operators about failures, at one destination. Without one, failures are only logged.

    Set `news`, on the loop of `run`, when there is something to tell. If nobody knows whether a message arrived, it is
    sent again: being told twice of a failure does no harm.
    """

    def __init__(
        self,
        store: Store,
        surfaces: Mapping[str, CardSurface[Any]],
        destination: str | None,
        news: asyncio.Event,
    ) -> None:
        self._store = store
        self._surfaces = surfaces
        self._destination = destination
        self._news = news
        self._heard = itertools.count(1)

    async def run(self, ready: Ready) -> None:
        """Work until cancelled. What was told is committed after each message; `ready` is called once it works."""
        listener = Listener(asyncio.get_running_loop(), lambda _change: self._news.set(), self._wakes)
        self._store.hub.listen_to_all(listener)
        try:
            while True:
                self._news.clear()
                try:
                    await self._tell_all()
                except (StoreError, DeliveryProblem) as problem:
                    logger.warning("could not notify operators: %s; retrying", problem)
                    await asyncio.sleep(pause_after(problem, _BACK_OFF))
                else:
                    ready(None)
                    await self._news.wait()
        finally:
            self._store.hub.ignore_all(listener)

    def _wakes(self, change: Change) -> bool:
        """Whether a change is a reason to read the trail; of those that tell operators nothing, one of many is, so that
        a start never has long to read.
        """
        resolved = change.resolved
        is_alarming = change.status in _WAKING or (resolved is not None and resolved.break_glass)
        return is_alarming or next(self._heard) % _AT_LATEST == 0

    async def _tell_all(self) -> None:
        told = await self._store.kept(_SURFACE, _TOLD)
        if not isinstance(told, int):
            # The first start: what was before is history.
            await self._store.keep(_SURFACE, _TOLD, await self._store.reader.audit_head())
            return
        last = told
        async for row in self._store.reader.audit(after=last):
            if row.kind in _OF_ACCOUNTS:
                await self._tell_of_account(row)
                await self._store.keep(_SURFACE, _TOLD, row.sequence)
                last = row.sequence
            lines = await self._lines(row) if row.kind in _KINDS else ()
            if lines:
                logger.error("%s", " ".join(str(word) for line in lines for word in line))
                await self._send(lines)
                last = row.sequence
                await self._store.keep(_SURFACE, _TOLD, last)
            told = row.sequence
        if told != last:
            await self._store.keep(_SURFACE, _TOLD, told)

    async def _send(self, lines: tuple[Words, ...]) -> None:
        if self._destination is None:
            return
        try:
            await self._tell(self._destination, lines)
        except ContentRefused as problem:
            # Sent again, it would be refused again and hold up all behind it. It stands in the log and the trail.
            logger.warning("cannot notify operators in %s: %s", self._destination, problem)

    async def _tell(self, destination: str, lines: tuple[Words, ...]) -> None:
        surface = self._surfaces.get(destination.partition(":")[0])
        if surface is not None:
            await surface.tell(destination, lines)

    async def _tell_of_account(self, row: AuditRow) -> None:
        """All accounts of a person hear that one came to them or left, and so do the operators; whoever made a code
        hears who sent it.
        """
        payload = row.payload if isinstance(row.payload, dict) else {}
        if row.kind == "link_agreed":
            maker = str(payload.get("made_by"))
            sender = await self._called(str(row.person))
            line = f"{sender} sent the code that you made here. Once linked, that account can answer as you."
            await self._tell_place(
                maker, ((line,), (f"If that account is yours, send link, the code and {SURE} here.",))
            )
            return
        accounts = payload.get("accounts")
        if not isinstance(accounts, list):
            return
        account, others = str(payload.get("account")), [str(one) for one in accounts]
        rest = ", ".join(visible_line(one) for one in others if one != account)
        who = await self._called(account)
        how = "is one person now with" if row.kind == "account_linked" else "is no longer one person with"
        line = f"{'LINKED' if row.kind == 'account_linked' else 'UNLINKED'}: {who} {how} {rest or 'anybody'}."
        logger.warning("%s", line)
        for one in others:
            await self._tell_place(one, ((line,), ("If this was not you, tell an operator at once.",)))
        if self._destination is not None:
            await self._tell_place(self._destination, ((line,),))

    async def _called(self, account: str) -> str:
        return called(await self._store.reader.name_of((account,)), account)

    async def _tell_place(self, place: str, lines: tuple[Words, ...]) -> None:
        """Tell somebody in their own chat, or the operators in theirs. Who cannot be told holds nobody else up, and has
        nobody hear of it twice.
        """
        for _ in range(_TRIES):
            try:
                await self._tell(place, lines)
            except DeliveryProblem as problem:
                logger.warning("could not notify %s about an account: %s", place, problem)
                if isinstance(problem, Undeliverable | ContentRefused):
                    return
                await asyncio.sleep(min(_BACK_OFF, pause_after(problem, _SOON)))
            else:
                return

    async def _lines(self, row: AuditRow) -> tuple[Words, ...]:
        payload = row.payload if isinstance(row.payload, dict) else {}
        if row.kind in _OF_PLACES:
            is_own = row.kind == "destination_dead" and payload.get("destination") == self._destination
            return () if is_own else _lines_of_place(row, payload)
        if row.kind == "run_ended" and payload.get("status") != WorkflowStatus.FAILED:
            return ()
        if row.kind == "card_forged":
            place = visible_line(str(payload.get("place")))
            where = f"at {place}, a message with buttons of request {row.request_id}"
            advice = "Somebody may have the bot's token: replace it. `sayso doctor --press` shows whether that is so."
            return ((f"FORGED: {where} shows something else than was sent: {mismatched_parts(row)}.",),
                    ("The press was not counted.",), (advice,))  # fmt: skip
        if row.kind == "break_glass":
            reason = set_off(visible(str(payload.get("reason"))))
            return ((f"BREAK-GLASS: {visible_line(str(row.person))} approved alone: {reason}",),
                    (f"sayso audit export --run {row.run_id}",))  # fmt: skip
        return await self._lines_of_run(row, payload)

    async def _lines_of_run(self, row: AuditRow, payload: Mapping[str, object]) -> tuple[Words, ...]:
        try:
            subject = (
                f"{visible_line((await self._store.reader.run(str(row.run_id))).workflow)}, run {row.run_id}"
            )
            is_there = True
        except UnknownRun:
            subject, is_there = f"run {row.run_id}, which was deleted since", False
        if row.kind == "run_ended":
            what = (f"FAILED: {subject}: {set_off(visible(str(payload.get('error'))))}",)
            command = f"sayso retry {row.run_id}"
        else:
            cause = visible_line(f"{payload.get('kind')}: {payload.get('name')}")
            what, command = (f"NEEDS ATTENTION: {subject}: {cause}",), f"sayso attention {row.run_id}"
        return (what, (command,)) if is_there else (what,)


def _lines_of_place(row: AuditRow, payload: Mapping[str, object]) -> tuple[Words, ...]:
    place, error = (visible_line(str(payload.get(name))) for name in ("destination", "error"))
    match row.kind:
        case "destination_dead":
            return (
                (f"Destination {place} is unreachable: {error}",),
                ("Its cards are kept and sent once it works again; `sayso doctor` checks it.",),
            )
        case "card_refused":
            return (
                (f"The card of request {row.request_id} cannot be shown at {place}: {error}",),
                ("The request is still open. It can be answered in the inbox, or with `sayso answer`.",),
            )
        case "webhook_failing":
            platform = _title(str(payload.get("platform")))
            return (
                (f"{platform} cannot reach sayso: {error}",),
                ("Presses and messages are lost if this lasts; `sayso doctor` checks it.",),
            )
        case _:
            found = payload.get("destinations")
            names = cast("list[object]", found) if isinstance(found, list) else []
            old = ", ".join(visible_line(str(one)) for one in names) or "A group"
            return (
                (f"{old}: {_title(old)} upgraded this group, and its id is now {payload.get('chat')}.",),
                ("Open cards are posted again there. Settings with the old id still work.",),
            )


def _title(entry: str) -> str:
    """What people call the platform that an entry, or a platform's name, begins with."""
    platform = find_platform(entry.partition(":")[0])
    return "its platform" if platform is None else platform.title


class HeadLog:
    """A line now and then with the audit trail's head: what `sayso audit verify --head` is held against."""

    def __init__(self, reader: Reader, every: timedelta = timedelta(hours=1)) -> None:
        self._reader = reader
        self._every = every

    async def run(self, ready: Ready) -> None:
        """Work until cancelled; `ready` hears that it works. Raises `StoreError`."""
        while True:
            head = await self._reader.head_of_store()
            if head is not None:
                logger.info("audit head %s", head)
            ready(None)
            await asyncio.sleep(self._every.total_seconds())


def mismatched_parts(row: AuditRow) -> str:
    """Which parts of a message were not as they were sent, by a row of the trail."""
    payload = row.payload if isinstance(row.payload, dict) else {}
    parts = payload.get("parts")
    return visible_line(", ".join(str(part) for part in parts)) if isinstance(parts, list) else "its text"
