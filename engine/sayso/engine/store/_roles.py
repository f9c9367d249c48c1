"""The store's calls, cut by who needs them. What each takes, returns and promises is said where its transaction is.

A call queues its transaction at once and returns a future of the running loop, which has the result once it is
committed. Every one may raise `StoreError`; then nothing of it is stored. Cancelling takes nothing back.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime

from sayso.engine._clock import Clock, from_microseconds, to_microseconds
from sayso.engine._outcomes import Outcome
from sayso.engine._values import Json, encode
from sayso.engine.store import (
    _accounts,
    _answering,
    _asks,
    _cards,
    _changing,
    _credentials,
    _cut_off,
    _due,
    _forms,
    _grants,
    _notices,
    _operating,
    _running,
)
from sayso.engine.store._calls import Calls, reads, writes
from sayso.engine.store._commands import AnswerAttempt
from sayso.engine.store._hub import Hub
from sayso.engine.store._reader import Reader


class Handle(Calls):
    """What every role knows. `value_limit` is the maximum size of each stored value, in bytes of JSON."""

    def __init__(self, value_limit: int) -> None:
        self.value_limit = value_limit

    @property
    def clock(self) -> Clock:
        """The clock of its deadlines and time stamps."""
        return self._opened().clock

    @property
    def hub(self) -> Hub:
        """Who is notified of what is committed."""
        return self._opened().hub

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether this handle holds the database."""

    @property
    @abstractmethod
    def reader(self) -> Reader:
        """Listings and status, by connections of their own."""


class RunStore(Handle):
    """What drives runs needs."""

    ask = writes(_running.ask)
    park = writes(_running.park)
    stir = writes(_running.stir)
    withdraw = writes(_running.withdraw)
    next_attempt = writes(_running.next_attempt)
    begin_step = writes(_running.begin_step)
    record_step = writes(_running.record_step)

    def set_nodes(self, workflow: str, nodes: Iterable[str] | None) -> None:
        """Say which nodes the loaded code of a workflow has; None if it is no longer loaded."""
        if nodes is None:
            self._opened().nodes.pop(workflow, None)
        else:
            self._opened().nodes[workflow] = frozenset(nodes)

    def is_gone(self, workflow: str, node_id: str) -> bool:
        """Whether the code of this workflow is loaded here and lacks the node."""
        return self._opened().is_gone(workflow, node_id)

    define = writes(_running.define)
    load = reads(_running.load)
    node_statuses = reads(_running.node_statuses)
    state = reads(_running.state)
    runs_to_recover = reads(_running.runs_to_recover)
    parked_nodes = reads(_running.parked_nodes)
    start = writes(_running.start)
    end_visit = writes(_running.end_visit)
    hold = writes(_running.hold)
    count_start = writes(_cut_off.count_start)
    hold_run = writes(_cut_off.hold_run)

    async def next_due(self, run_id: str | None) -> datetime | None:
        """The next instant at which a request does something by itself, of one run or of all."""
        stored = await self._read(_due.next_due, run_id)
        return None if stored is None else from_microseconds(stored)

    def set_aside(self, workflows: Sequence[str], run_id: str | None = None) -> asyncio.Future[None]:
        """Record that runs in the middle of a visit were stopped in order."""
        return self._submit(_cut_off.set_aside, tuple(workflows), run_id)


class AnswerStore(Handle):
    """What surfaces and operators need: answers and decisions, each one transaction."""

    def answer(self, attempt: AnswerAttempt) -> asyncio.Future[Outcome]:
        """Take an answer or refuse it."""
        return self._submit(_answering.answer, attempt, self._opened().is_gone)

    def answer_all(self, attempts: Sequence[tuple[str, AnswerAttempt]]) -> asyncio.Future[list[Outcome]]:
        """Take several answers or none; raises `AnswerRefused` for the first that is refused."""
        return self._submit(_answering.answer_all, list(attempts), self._opened().is_gone)

    act_due = writes(_due.act_due)
    take_back = writes(_changing.take_back)
    open_all = writes(_changing.open_all)
    hand_over = writes(_changing.hand_over)
    cancel = writes(_operating.cancel)
    retry = writes(_operating.retry)
    attend = writes(_operating.attend)
    started_by = reads(_operating.started_by)
    asked_under = reads(_operating.asked_under)
    redact = writes(_operating.redact)

    async def prune(self, before: datetime, person: str, via: str) -> int:
        """Delete all runs that ended before an instant, a bounded number a transaction; the number deleted."""
        deleted = 0
        while count := await self._submit(_operating.prune, to_microseconds(before), person, via):
            deleted += count
        return deleted


class AskStore(Handle):
    """Questions from outside: who used their answers, their files, whom to notify when they are closed."""

    use = writes(_asks.use)
    covering = reads(_grants.covering)
    vouch = writes(_grants.vouch)
    revoke_grant = writes(_grants.revoke)
    upload = writes(_asks.upload)
    uploaded = reads(_asks.uploaded)
    due_callbacks = reads(_asks.due_callbacks)
    next_callback = reads(_asks.next_callback)
    callback_told = writes(_asks.callback_told)
    callback_failed = writes(_asks.callback_failed)


class AccountStore(Handle):
    """One person's accounts."""

    def direct(self, rows: Sequence[tuple[str, str, str]]) -> asyncio.Future[None]:
        """Store the directory's present accounts: account, person and name for each."""
        return self._submit(_accounts.direct, list(rows))

    def recognise(self, account: str, forms: Sequence[str]) -> asyncio.Future[None]:
        """Store these as other forms of an account's id: all of them are one person. Harmless if they are known."""
        return self._submit(_forms.recognise, account, list(forms))

    begin_link = writes(_accounts.begin_link)
    link = writes(_accounts.link)
    void_link = writes(_accounts.void_link)
    unlink = writes(_accounts.unlink)


class CredentialStore(Handle):
    """Ways in over HTTP. Only hashes of secrets come here."""

    admit = writes(_credentials.admit)
    redeem = writes(_credentials.redeem)
    sign_out = writes(_credentials.sign_out)
    revoke = writes(_credentials.revoke)


class CardStore(Handle):
    """The results of sending and editing cards and the messages in addition to them. The reader says what is due."""

    begin_delivery = writes(_cards.begin)
    begin_rendering = writes(_cards.begin_rendering)
    keep_rendering = writes(_cards.keep_rendering)
    refer_delivery = writes(_cards.refer)
    end_delivery = writes(_cards.shown)
    fail_delivery = writes(_cards.failed)
    forget_message = writes(_cards.gone)
    refuse_delivery = writes(_cards.refused)
    bury = writes(_cards.bury)
    end_notice = writes(_notices.sent)
    fail_notice = writes(_notices.failed)
    revive = writes(_cards.revive)
    post_anew = writes(_cards.post_anew)
    report_webhook = writes(_cards.report_webhook)
    redraw = writes(_cards.redraw)
    replace_message = writes(_cards.replace_message)
    close_later = writes(_cards.close_later)
    report_mismatch = writes(_cards.report_mismatch)

    def move_chat(
        self, surface: str, key: str, chat: int, destinations: Sequence[str], notice: str
    ) -> asyncio.Future[bool]:
        """Remember, under a surface's own key, that a chat has a new id, and post the open cards of its destinations
        there with a line. Whether this is new.
        """
        return self._submit(_cards.move_chat, surface, key, chat, tuple(destinations), notice)


class NoteStore(Handle):
    """What surfaces keep, each under keys of its own."""

    know = writes(_cards.know)
    forget_kept = writes(_cards.forget_kept)
    claim = writes(_cards.claim)
    adopt = writes(_cards.adopt)

    def keep(self, surface: str, key: str, value: Json | None) -> asyncio.Future[None]:
        """Store a note of a surface, also for after a restart; None removes it."""
        text = None if value is None else encode(value, key, self.value_limit)
        return self._submit(_cards.keep, surface, key, text)

    async def kept(self, surface: str, key: str) -> Json | None:
        """A note of a surface's own, or None."""
        return (await self.reader.kept(surface, key)).get(key)

    async def kept_all(self, surface: str, prefix: str = "") -> dict[str, Json]:
        """The notes of a surface whose keys have this prefix."""
        return await self.reader.kept(surface, prefix)
