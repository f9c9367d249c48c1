"""The store: one SQLite file, written by one process at a time.

All handles on one file in one process share one `OpenFile`: the lock, the writer and the hub.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

from sayso.engine._clock import Clock, from_microseconds, to_microseconds
from sayso.engine._outcomes import Outcome
from sayso.engine._records import (
    Attention,
    CredentialKind,
    Linking,
    LoadedRun,
    Scope,
)
from sayso.engine._values import VALUE_LIMIT, Json, encode
from sayso.engine.store import (
    _accounts,
    _answering,
    _cards,
    _changing,
    _credentials,
    _cut_off,
    _due,
    _forms,
    _operating,
    _running,
)
from sayso.engine.store._card_calls import CardCalls
from sayso.engine.store._commands import (
    AnswerAttempt,
    Ask,
    Asked,
    CommandKey,
    HandOver,
    NewRun,
    Park,
    Place,
    VisitEnd,
    Warrant,
)
from sayso.engine.store._hub import Hub, Resolution
from sayso.engine.store._location import path_of
from sayso.engine.store._open_files import OpenFile, leave, share
from sayso.engine.store._reader import SQLiteReader
from sayso.engine.store._transaction import Transaction

P = ParamSpec("P")
T = TypeVar("T")


class SQLiteStore(CardCalls):
    """A handle on one database file; it is created and brought up to date at the first use.

    `location` is a path or `sqlite:///path`; without one it is what `SAYSO_DATABASE` says, else `sayso.db` in the
    working directory. Raises `StoreInUse` while another process writes the file, `SchemaTooNew`, `StoreUnreadable`,
    `StoreFull`. `value_limit` bounds each stored value, in bytes of JSON. Handles on one file share what they
    know, and the first one's clock.
    """

    def __init__(
        self,
        location: str | Path | None = None,
        *,
        clock: Clock | None = None,
        value_limit: int = VALUE_LIMIT,
    ) -> None:
        self.path = path_of(location)
        self.value_limit = value_limit
        self._clock = clock
        self._file: OpenFile | None = None
        self._reader: SQLiteReader | None = None

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def open(self) -> None:
        """Take the file's lock and open it; blocks for milliseconds. Harmless when it is open."""
        self._opened()

    async def close(self) -> None:
        """Let go of the file; the last handle in the process commits what is queued and closes it. Cancelled, it still
        does.
        """
        reader, self._reader = self._reader, None
        try:
            if reader is not None:
                await reader.close()
        finally:
            file, self._file = self._file, None
            if file is not None:
                leave(file)

    @property
    def is_open(self) -> bool:
        """Whether this handle holds the file."""
        return self._file is not None

    @property
    def clock(self) -> Clock:
        """The clock of the file's deadlines and time stamps."""
        return self._opened().clock

    @property
    def hub(self) -> Hub:
        """Who hears of what is committed."""
        return self._opened().hub

    @property
    def reader(self) -> SQLiteReader:
        """Listings and status, by connections of their own."""
        files = self._opened().writer.files
        if self._reader is None:
            self._reader = SQLiteReader(self.path, self.is_gone, files)
        return self._reader

    def set_nodes(self, workflow: str, nodes: Iterable[str] | None) -> None:
        """Make known which nodes the loaded code of a workflow has; None when it is no longer loaded."""
        if nodes is None:
            self._opened().nodes.pop(workflow, None)
        else:
            self._opened().nodes[workflow] = frozenset(nodes)

    def is_gone(self, workflow: str, node_id: str) -> bool:
        """Whether the code of this workflow is loaded here and lacks the node."""
        return self._opened().is_gone(workflow, node_id)

    def _opened(self) -> OpenFile:
        if self._file is not None and self._file.of_parent:
            self._file = self._reader = None
        if self._file is None:
            self._file = share(self.path, self._clock)
        return self._file

    def _submit(
        self, function: Callable[Concatenate[Transaction, P], T], *arguments: P.args, **named: P.kwargs
    ) -> asyncio.Future[T]:
        return self._opened().writer.submit(lambda tx: function(tx, *arguments, **named))

    def _read(
        self, function: Callable[Concatenate[Transaction, P], T], *arguments: P.args, **named: P.kwargs
    ) -> asyncio.Future[T]:
        return self._opened().writer.submit(lambda tx: function(tx, *arguments, **named), reads=True)

    # What drives runs.

    def define(self, workflow: str, definition: str) -> asyncio.Future[int]:
        """The key under which a workflow's graph is stored."""
        return self._submit(_running.define, workflow, definition)

    def load(self, run_id: str) -> asyncio.Future[LoadedRun | None]:
        """A run with its current visit's journal, read in the writer's order."""
        return self._read(_running.load, run_id)

    def node_statuses(self, run_id: str) -> asyncio.Future[dict[str, str]]:
        """The status of each node's latest visit."""
        return self._read(_running.node_statuses, run_id)

    def state(self, run_id: str) -> asyncio.Future[tuple[LoadedRun, dict[str, str]] | None]:
        """A run with its open requests, and the status of each node's latest visit."""
        return self._read(_running.state, run_id)

    def runs_to_recover(self, workflow: str) -> asyncio.Future[list[str]]:
        """The runs that were in the middle of something when their process ended."""
        return self._read(_running.runs_to_recover, workflow)

    def parked_nodes(self, workflow: str) -> asyncio.Future[list[str]]:
        """The nodes at which runs of a workflow stand that have not ended: one index seek each."""
        return self._read(_running.parked_nodes, workflow)

    async def next_due(self, run_id: str | None) -> datetime | None:
        """The next instant at which a request does something by itself, of one run or of all."""
        stored = await self._read(_due.next_due, run_id)
        return None if stored is None else from_microseconds(stored)

    def start(self, new: NewRun) -> asyncio.Future[Place]:
        """Store a run and its first visit; raises `RunExists`."""
        return self._submit(_running.start, new)

    def ask(self, place: Place, asks: list[Ask], park: Park | None) -> asyncio.Future[Asked | None]:
        """Store questions and, if wanted, park; None when the run has left this visit."""
        return self._submit(_running.ask, place, asks, park)

    def park(self, place: Place, wish: Park) -> asyncio.Future[bool]:
        """Park unless a resolution has come that the visit has not seen."""
        return self._submit(_running.park, place, wish)

    def stir(self, place: Place) -> asyncio.Future[None]:
        """A parked visit does something by itself again."""
        return self._submit(_running.stir, place)

    def withdraw(self, place: Place, request_id: str) -> asyncio.Future[Resolution | None]:
        """Withdraw a node's own request; its resolution when somebody was first."""
        return self._submit(_running.withdraw, place, request_id)

    def end_visit(self, place: Place, end: VisitEnd) -> asyncio.Future[bool]:
        """End a visit and begin the next, or end the run; False when the run has left this visit."""
        return self._submit(_running.end_visit, place, end)

    def next_attempt(
        self, place: Place, attempt: int, retry_at: datetime, error: str
    ) -> asyncio.Future[None]:
        """Record a failed attempt of `execute` and when the next one comes."""
        return self._submit(_running.next_attempt, place, attempt, retry_at, error)

    def begin_step(self, place: Place, name: str, arguments: str) -> asyncio.Future[None]:
        """Commit that a `once` step starts."""
        return self._submit(_running.begin_step, place, name, arguments)

    def record_step(self, place: Place, name: str, arguments: str, result: str) -> asyncio.Future[None]:
        """Record a step's result."""
        return self._submit(_running.record_step, place, name, arguments, result)

    def hold(self, place: Place, attention: Attention) -> asyncio.Future[bool]:
        """Stop a run until an operator decides."""
        return self._submit(_running.hold, place, attention)

    def count_start(self, place: Place) -> asyncio.Future[Attention | None]:
        """Count that a start found a run in the middle of a visit; why it is held now, if it is."""
        return self._submit(_cut_off.count_start, place)

    def hold_run(self, run_id: str, reason: str) -> asyncio.Future[Attention | None]:
        """Stop a run in whose driving sayso failed until an operator decides."""
        return self._submit(_cut_off.hold_run, run_id, reason)

    def set_aside(self, workflows: Sequence[str], run_id: str | None = None) -> asyncio.Future[None]:
        """Record that runs in the middle of a visit were stopped in order."""
        return self._submit(_cut_off.set_aside, tuple(workflows), run_id)

    # What surfaces and operators need.

    def answer(self, attempt: AnswerAttempt) -> asyncio.Future[Outcome]:
        """Take an answer or refuse it."""
        return self._submit(_answering.answer, attempt, self._opened().is_gone)

    def answer_all(self, attempts: Sequence[tuple[str, AnswerAttempt]]) -> asyncio.Future[list[Outcome]]:
        """Take several answers or none; raises `AnswerRefused` for the first that is refused."""
        return self._submit(_answering.answer_all, list(attempts), self._opened().is_gone)

    def act_due(self, run_id: str | None) -> asyncio.Future[int]:
        """Expire, escalate and remind where that is due, of one run or of all; how often."""
        return self._submit(_due.act_due, run_id)

    def take_back(
        self, request_id: str, person: str, via: str, warrant: Warrant | None = None
    ) -> asyncio.Future[Outcome]:
        """Withdraw a request for whoever asked for it."""
        return self._submit(_changing.take_back, request_id, person, via, warrant)

    def hand_over(self, wish: HandOver) -> asyncio.Future[Outcome]:
        """Have somebody else asked in an approver's place."""
        return self._submit(_changing.hand_over, wish)

    def cancel(
        self,
        run_id: str,
        person: str,
        via: str,
        command: CommandKey | None = None,
        warrant: Warrant | None = None,
    ) -> asyncio.Future[None]:
        """Cancel a run; raises `UnknownRun`, `NotApplicable`, `KeyReused`."""
        return self._submit(_operating.cancel, run_id, person, via, command, warrant)

    def retry(
        self,
        run_id: str,
        person: str,
        via: str,
        command: CommandKey | None = None,
        *,
        ask_again: bool,
        seen: int | None = None,
        warrant: Warrant | None = None,
    ) -> asyncio.Future[None]:
        """Run a failed visit again; raises `UnknownRun`, `NotApplicable`, `RunMovedOn`, `KeyReused`."""
        return self._submit(
            _operating.retry, run_id, person, via, command, ask_again=ask_again, seen=seen, warrant=warrant
        )

    def attend(
        self,
        run_id: str,
        action: str,
        result: str | None,
        person: str,
        via: str,
        command: CommandKey | None = None,
        *,
        seen: int | None = None,
        warrant: Warrant | None = None,
    ) -> asyncio.Future[None]:
        """Decide about a run that needs attention; raises `UnknownRun`, `NotApplicable`, `RunMovedOn`, `KeyReused`."""
        return self._submit(
            _operating.attend, run_id, action, result, person, via, command, seen=seen, warrant=warrant
        )

    def started_by(self, command: CommandKey) -> asyncio.Future[str | None]:
        """The run that a command was about, if it was carried out; raises `KeyReused`."""
        return self._read(_operating.started_by, command)

    def redact(self, run_id: str, person: str, via: str) -> asyncio.Future[int]:
        """Remove the payloads of a run's audit rows; the number of rows."""
        return self._submit(_operating.redact, run_id, person, via)

    async def prune(self, before: datetime, person: str, via: str) -> int:
        """Delete all runs that ended before an instant, a bounded number a transaction; the number deleted."""
        deleted = 0
        while count := await self._submit(_operating.prune, to_microseconds(before), person, via):
            deleted += count
        return deleted

    # One person's accounts.

    def direct(self, rows: Sequence[tuple[str, str, str]]) -> asyncio.Future[None]:
        """Have the directory's accounts stand as they are now: account, person and name each."""
        return self._submit(_accounts.direct, list(rows))

    def recognise(self, account: str, forms: Sequence[str]) -> asyncio.Future[None]:
        """Take these for other forms in which an account is written: all of them are one person. Harmless when they are
        known.
        """
        return self._submit(_forms.recognise, account, list(forms))

    def begin_link(
        self, account: str, code_hash: str, expires_at: datetime, *, listed_may_link: bool = False
    ) -> asyncio.Future[str | None]:
        """Keep the hash of a one-time code that links an account; the reason where they may link none."""
        return self._submit(
            _accounts.begin_link, account, code_hash, expires_at, listed_may_link=listed_may_link
        )

    def link(
        self, account: str, code_hash: str, *, is_sure: bool, listed_may_link: bool = False
    ) -> asyncio.Future[Linking]:
        """Take a step with a code towards making this account and the one it was made for one person."""
        return self._submit(
            _accounts.link, account, code_hash, is_sure=is_sure, listed_may_link=listed_may_link
        )

    def void_link(self, code_hash: str) -> asyncio.Future[None]:
        """Let a code be good for nothing any more."""
        return self._submit(_accounts.void_link, code_hash)

    def unlink(self, account: str) -> asyncio.Future[str]:
        """Let a linked account stand for itself again; what to say."""
        return self._submit(_accounts.unlink, account)

    # Ways in over HTTP. Only hashes of secrets come here.

    def admit(
        self,
        kind: CredentialKind,
        secret_hash: str,
        person: str,
        expires_at: datetime,
        scopes: Sequence[Scope] = (),
    ) -> asyncio.Future[None]:
        """Let whoever has a secret in as this person; `scopes` are those of a token. Raises `TokenExists`."""
        return self._submit(_credentials.admit, kind, secret_hash, person, expires_at, scopes)

    def redeem(self, link_hash: str, session_hash: str, expires_at: datetime) -> asyncio.Future[str | None]:
        """Turn a sign-in link into a session, once; whose it is, None where there is no such link."""
        return self._submit(_credentials.redeem, link_hash, session_hash, expires_at)

    def sign_out(self, session_hash: str) -> asyncio.Future[None]:
        """End a session."""
        return self._submit(_credentials.sign_out, session_hash)

    def shut_out(self, person: str, by: str) -> asyncio.Future[int]:
        """Remove every token, session and link of a person; how many there were."""
        return self._submit(_credentials.shut_out, person, by)

    # What surfaces keep.

    def know(self, person: str, name: str) -> asyncio.Future[None]:
        """Remember what a person is called."""
        return self._submit(_cards.know, person, name)

    def keep(self, surface: str, key: str, value: Json | None) -> asyncio.Future[None]:
        """Keep a note of a surface's own over restarts; None forgets it."""
        text = None if value is None else encode(value, key, self.value_limit)
        return self._submit(_cards.keep, surface, key, text)

    def forget_kept(self, surface: str, prefix: str, before: datetime) -> asyncio.Future[None]:
        """Forget the notes of a surface whose keys begin so and which were kept before an instant."""
        return self._submit(_cards.forget_kept, surface, prefix, before)

    def claim(self, surface: str, key: str, lives: timedelta) -> asyncio.Future[bool]:
        """Whether a key of a surface's own is new within `lives`; of two at once, one is."""
        return self._submit(_cards.claim, surface, key, lives)

    async def kept(self, surface: str, key: str) -> Json | None:
        """A note of a surface's own, or None."""
        return (await self.reader.kept(surface, key)).get(key)

    async def kept_all(self, surface: str, prefix: str = "") -> dict[str, Json]:
        """The notes of a surface whose keys begin so."""
        return await self.reader.kept(surface, prefix)


def open_store(store: SQLiteStore | str | Path | None) -> tuple[SQLiteStore, bool]:
    """The store that an argument means, and whether it was made here, so that its maker closes it."""
    if store is None or isinstance(store, str | Path):
        return SQLiteStore(store), True
    return store, False
