"""Telling the operators: every failure, every run that needs a decision, every dead destination and every approval
under break-glass, and them and the person whose accounts change, from the audit trail, so that a restart neither
forgets one nor begins again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from sayso.adapters.cards import Words
from sayso.adapters.console import set_off, visible, visible_line
from sayso.bots.links import SURE, called
from sayso.bots.outbox import CardSurface, DeliveryProblem, Throttled, Undeliverable
from sayso.engine import AuditRow, SQLiteStore, StoreError, WorkflowStatus
from sayso.engine.store import Change, Listener

logger = logging.getLogger("sayso.operator")

_SURFACE = "operator"
_TOLD = "told"
_BACK_OFF = 30.0
_KINDS = frozenset({"run_ended", "attention_needed", "destination_dead", "break_glass", "card_forged"})
_OF_ACCOUNTS = frozenset({"link_agreed", "account_linked", "account_unlinked"})
_TRIES = 3
_SOON = 5.0
_WAKING = frozenset({WorkflowStatus.FAILED, WorkflowStatus.NEEDS_ATTENTION})


class OperatorDesk:
    """Tells one destination what operators must know. Where none is configured, the log alone says it.

    A message whose end nobody knows is sent again: hearing twice of a failure does no harm.
    """

    def __init__(
        self,
        store: SQLiteStore,
        surfaces: Mapping[str, CardSurface],
        destination: str | None,
        workflows: frozenset[str],
    ) -> None:
        self._store = store
        self._surfaces = surfaces
        self._destination = destination
        self._workflows = workflows
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled; what was told is committed after each message."""
        listener = Listener(asyncio.get_running_loop(), self._hear)
        self._store.hub.listen(listener, workflows=self._workflows)
        try:
            while True:
                self._news.clear()
                try:
                    await self._tell_all()
                except (StoreError, DeliveryProblem) as problem:
                    logger.warning("operators could not be told: %s; it is tried again", problem)
                    wait = (
                        problem.retry_after.total_seconds() if isinstance(problem, Throttled) else _BACK_OFF
                    )
                    await asyncio.sleep(wait)
                else:
                    await self._news.wait()
        finally:
            self._store.hub.ignore(listener, workflows=self._workflows)

    def wake(self) -> None:
        """There may be something to tell, such as a destination that was given up. On the loop of `run`."""
        self._news.set()

    def _hear(self, change: Change) -> None:
        if change.status in _WAKING or change.resolved is not None:
            self._news.set()

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
        if self._destination is not None:
            await self._tell(self._destination, lines)

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
            line = f"{sender} sent the code that you made here, and could then answer as you."
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
                logger.warning("%s could not be told of an account: %s", place, problem)
                if isinstance(problem, Undeliverable):
                    return
                wait = problem.retry_after.total_seconds() if isinstance(problem, Throttled) else _SOON
                await asyncio.sleep(min(_BACK_OFF, wait))
            else:
                return

    async def _lines(self, row: AuditRow) -> tuple[Words, ...]:
        payload = row.payload if isinstance(row.payload, dict) else {}
        if row.kind == "destination_dead":
            place, error = payload.get("destination"), payload.get("error")
            if place == self._destination:
                return ()
            return (
                (f"Destination {visible_line(str(place))} is given up: {visible_line(str(error))}",),
                ("Its cards wait. They are sent when it takes them again; `sayso doctor` checks it.",),
            )
        if row.kind == "run_ended" and payload.get("status") != WorkflowStatus.FAILED:
            return ()
        if row.kind == "card_forged":
            place = visible_line(str(payload.get("place")))
            where = f"at {place}, a message with buttons of request {row.request_id}"
            advice = "Somebody may have the bot's token: replace it. `sayso doctor --press` tells whether it is that."
            return ((f"FORGED: {where} shows something else than was sent: {mismatched_parts(row)}.",),
                    ("The press was not counted.",), (advice,))  # fmt: skip
        if row.kind == "break_glass":
            reason = set_off(visible(str(payload.get("reason"))))
            return ((f"BREAK-GLASS: {visible_line(str(row.person))} approved alone: {reason}",),
                    (f"sayso audit export --run {row.run_id}",))  # fmt: skip
        run = await self._store.reader.run(str(row.run_id))
        subject = f"{visible_line(run.workflow)}, run {run.run_id}"
        if row.kind == "run_ended":
            return (
                (f"FAILED: {subject}: {set_off(visible(str(payload.get('error'))))}",),
                (f"sayso retry {run.run_id}",),
            )
        what = visible_line(f"{payload.get('kind')}: {payload.get('name')}")
        return ((f"NEEDS ATTENTION: {subject}: {what}",), (f"sayso attention {run.run_id}",))


def mismatched_parts(row: AuditRow) -> str:
    """Which parts of a message were not as they were sent, by a row of the trail."""
    payload = row.payload if isinstance(row.payload, dict) else {}
    parts = payload.get("parts")
    return visible_line(", ".join(str(part) for part in parts)) if isinstance(parts, list) else "its text"
