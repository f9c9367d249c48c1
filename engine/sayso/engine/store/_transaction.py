"""What a transaction function works with: the connection, the instant, the audit trail, and what to announce."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TypeAlias, TypeVar

from sayso.engine._clock import from_microseconds, to_microseconds
from sayso.engine._records import WorkflowStatus
from sayso.engine._values import digest, encode_sorted
from sayso.engine.store._evidence import Thing, facts_of, things_of_row
from sayso.engine.store._hub import Change, Resolution
from sayso.engine.store._session import Connection, Cursor, Parameters, Session

T = TypeVar("T")

NO_HASH = "0" * 64


class Transaction(Session, ABC):
    """A connection that writes, with the state that its transactions share.

    A transaction function is called inside an open transaction and may be undone as a whole: it keeps all it changes in
    the database, or here, where `undo` covers it. What a database does by itself is said by its own subclass.
    """

    def __init__(self, connection: Connection, statements: Mapping[str, str]) -> None:
        super().__init__(connection, statements)
        self.now = 0
        self.instant = from_microseconds(0)
        self._changes: list[Change] = []
        self._cards_marked = False
        self._appended = 0

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether the connection is within a transaction."""

    @property
    def is_lost(self) -> bool:
        """Whether the connection is gone, and another one is needed."""
        return False

    def has_committed(self, lost: Transaction) -> bool:  # noqa: ARG002 - of a file, no connection is lost
        """Whether what another connection was lost in the middle of committing is stored."""
        return False

    @abstractmethod
    def is_undone_by(self, error: Exception) -> bool:
        """Whether nothing of the transaction can stand after what a function in it raised."""

    @abstractmethod
    def is_spoilt_by(self, error: Exception) -> bool:
        """Whether the transaction can only go on from a savepoint after that, or not at all."""

    @abstractmethod
    def translated(self, error: Exception) -> Exception:
        """The store's own error for what the database raised; anything else is itself."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; harmless when it is gone."""

    def begin(self, instant: datetime) -> None:
        """Open a transaction, at this instant."""
        self.open()
        self.now = to_microseconds(instant)
        self.instant = instant

    @abstractmethod
    def open(self) -> None:
        """Have the database open a transaction."""

    def commit(self) -> None:
        """Commit it."""
        self.execute("COMMIT")

    def abandon(self) -> None:
        """Roll it back, whatever state it is in: a failure of that must not hide the first, nor end the thread."""
        with suppress(Exception):
            if self.is_open:
                self.execute("ROLLBACK")

    def execute(self, statement: str) -> None:
        """Execute a statement that every database has in the same words."""
        self.connection.execute(statement)

    def mark_cards(self, query: str, parameters: Parameters) -> Cursor:
        """Execute a named statement that gives cards news; who shows them is told once it is committed."""
        cursor = self.run(query, parameters)
        self._cards_marked = self._cards_marked or cursor.rowcount > 0
        return cursor

    def announce(
        self,
        run_id: str,
        workflow: str,
        status: WorkflowStatus,
        resolved: Resolution | None = None,
        resolutions: int = 0,
    ) -> None:
        """Have the hub's listeners told once this is committed."""
        self._changes.append(Change(run_id, workflow, status, resolved, resolutions))

    def audit(
        self,
        kind: str,
        payload: Mapping[str, object],
        *,
        run_id: str | None = None,
        request_id: str | None = None,
        person: str | None = None,
        via: str | None = None,
        also: tuple[Thing, ...] = (),
    ) -> None:
        """Append a row to the audit trail, once what it is about is done: it seals the request or run that it names as
        they stand now, and what it was `also` about. It goes on with the chain of its run, or with the store's own.
        """
        text = encode_sorted(payload).decode()
        payload_digest = digest(text)
        facts = facts_of(self, (*things_of_row(run_id, request_id), *also))
        if run_id is None:
            sequence, position, previous = self.row("audit_next_of_store")
        else:
            sequence, position, previous = self.row("audit_next_of_run", (run_id,))
        if position is None:
            position, previous = 0, NO_HASH
        own = (sequence, self.now, kind, run_id, request_id, person, via)
        chained = chain_hash(previous, *own, payload_digest, facts)
        self.run("audit_insert", (*own, text, payload_digest, facts, chained, position + 1))
        self._appended += 1

    def take_changes(self) -> list[Change]:
        """What has been announced since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def take_cards_marked(self) -> bool:
        """Whether cards have news since the last call; also when what marked them was undone, which is harmless."""
        marked, self._cards_marked = self._cards_marked, False
        return marked

    def take_appended(self) -> int:
        """How many rows the trail got since the last call; also those that were undone, which is harmless."""
        appended, self._appended = self._appended, 0
        return appended

    def undo(self) -> None:
        """Announce nothing; the caller rolls the database back."""
        self._changes = []


TransactionFunction: TypeAlias = Callable[[Transaction], T]


def chain_hash(previous: str, *fields: object) -> str:
    """The hash of an audit row: SHA-256 over the JSON array of the hash before it in its chain and its own fields."""
    return digest(encode_sorted([previous, *fields]))
