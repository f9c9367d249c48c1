"""The named statements as PostgreSQL takes them, and values as both databases give them.

What differs by its form alone is translated here: placeholders, and SQLite's hints to its planner. What differs in what
it says stands in `sql/postgres/queries.sql`.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.abc import Buffer, PQGen
from psycopg.adapt import Dumper
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumperUnknown

from sayso.engine.store._queries import load_statements, schema_of
from sayso.engine.store._session import Cursor, Parameters, Session

T = TypeVar("T")

PATIENCE = timedelta(seconds=15)
"""How long a statement may take; the server ends one that takes longer."""

LONG_PATIENCE = timedelta(hours=1)
"""The same for what reads or rewrites whole tables."""

_GRACE = timedelta(seconds=3)
"""How much longer the server may say nothing at all, before its connection counts as lost."""

_ON_THE_WAY = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""What libpq is told where the URL says nothing else: by its own defaults, a connection to a machine that is gone is
waited for for minutes, or for ever.
"""

_STRING = re.compile(r"'(?:[^']|'')*'")
_HINT = re.compile(r" INDEXED BY \w+")
_NUMBERED = re.compile(r"\?(\d+)")
_NAMED = re.compile(r"(?<!:):([a-z_][a-z0-9_]*)")


def _translated(statement: str) -> str:
    """One statement with psycopg's placeholders; text in quotes stays as it is."""
    texts: list[str] = []

    def put_aside(text: re.Match[str]) -> str:
        texts.append(text[0])
        return "\0"

    bare = _STRING.sub(put_aside, statement).replace("%", "%%")
    bare = _HINT.sub("", bare).replace("CROSS JOIN", "JOIN")
    bare = _NUMBERED.sub(r"%(at\1)s", bare).replace("?", "%s")
    bare = _NAMED.sub(r"%(\1)s", bare)
    first, *rest = bare.split("\0")
    return first + "".join(text.replace("%", "%%") + part for text, part in zip(texts, rest, strict=True))


SQL = {
    name: _translated(text.rstrip().removesuffix(";")) for name, text in load_statements("postgres").items()
}

_AT_ONCE = 1000
"""Rows that are fetched at once of what is streamed."""

SCHEMA = schema_of("postgres")
"""The present schema."""


class Row(tuple[Any, ...]):
    """A row by index and by name, as SQLite's rows are."""

    __slots__ = ()
    names: Mapping[str, int]

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names[key] if isinstance(key, str) else key)

    def keys(self) -> Sequence[str]:
        """The names of its columns."""
        return tuple(self.names)


@lru_cache(maxsize=512)
def _row_class(names: tuple[str, ...]) -> type[Row]:
    found = {name: at for at, name in reversed(list(enumerate(names)))}
    return type("Row", (Row,), {"__slots__": (), "names": found})


def _make_rows(cursor: psycopg.Cursor[Any]) -> Any:
    """The class of a statement's rows: the factory that psycopg asks."""
    described = cursor.description
    return Row if described is None else _row_class(tuple(column.name for column in described))


class _TextDumper(StrDumperUnknown):
    """Text without NUL, which PostgreSQL does not store: it is kept as the sign for it."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\N{SYMBOL FOR NULL}") if "\0" in obj else obj)


class _TruthDumper(Dumper):
    """Truth values as 0 and 1, which is what the columns hold."""

    oid = psycopg.adapters.types["int8"].oid

    def dump(self, obj: bool) -> Buffer | None:  # noqa: FBT001 - psycopg's signature
        return b"1" if obj else b"0"


class _Bounded(psycopg.Connection[Any]):
    """A connection that nobody waits for longer than `silence`: by then it is closed, as if it had been cut.

    A statement's own time limit is the server's, who may be out of reach; and a proxy in between may answer for it.
    """

    silence = PATIENCE + _GRACE

    def wait(self, gen: PQGen[T], *given: Any, **named: Any) -> T:
        """Wait for the server, as all that psycopg does waits for it."""
        return super().wait(self._bounded(gen), *given, **named)

    def _bounded(self, gen: PQGen[T]) -> Generator[Any, Any, T]:
        heard = monotonic()
        try:
            state = next(gen)
            while True:
                ready = yield state
                if ready:
                    heard = monotonic()
                elif monotonic() - heard > self.silence.total_seconds():
                    self.pgconn.finish()
                    raise psycopg.OperationalError(
                        f"the server said nothing for {self.silence.seconds} seconds"
                    )
                state = gen.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result


class PostgresConnection:
    """A connection in PostgreSQL's own mode, where each statement outside a transaction is one of its own."""

    def __init__(self, conninfo: str) -> None:
        whole = make_conninfo("", **{**_ON_THE_WAY, **conninfo_to_dict(conninfo)})
        self.raw = _Bounded.connect(whole, autocommit=True, row_factory=_make_rows)
        self.raw.adapters.register_dumper(str, _TextDumper)
        self.raw.adapters.register_dumper(bool, _TruthDumper)

    def execute(self, statement: str, parameters: Parameters = ()) -> Cursor:
        """Run a statement; numbered placeholders take their values by position."""
        if "%(at1)s" in statement:
            parameters = {f"at{number}": value for number, value in enumerate(parameters, 1)}
        return self.raw.execute(statement.encode(), parameters)

    def run_script(self, script: str) -> None:
        """Run statements without parameters, in one message that is never prepared."""
        self.raw.execute(script.encode(), prepare=False)

    def allow(self, patience: timedelta) -> None:
        """Let each statement take so long."""
        self.raw.silence = patience + _GRACE
        self.run_script(f"SET statement_timeout = {patience // timedelta(milliseconds=1)}")

    def begin(self) -> str:
        """Open a transaction; its number. Both travel in one message."""
        cursor = self.raw.execute(b"BEGIN; SELECT pg_current_xact_id()::text", prepare=False)
        cursor.nextset()
        return str(cursor.fetchall()[0][0])

    @property
    def is_idle(self) -> bool:
        """Whether it is in no transaction."""
        return self.raw.info.transaction_status == TransactionStatus.IDLE

    @property
    def is_lost(self) -> bool:
        """Whether it is gone."""
        return self.raw.closed

    @property
    def is_spoilt(self) -> bool:
        """Whether a statement failed in its transaction, or it is gone."""
        return self.raw.info.transaction_status in (TransactionStatus.INERROR, TransactionStatus.UNKNOWN)

    def close(self) -> None:
        """Close it; harmless when it is gone."""
        self.raw.close()


class ReadingSession(Session):
    """A session within a transaction that reads; what it streams, the server keeps until it is wanted."""

    connection: PostgresConnection
    leaves_gaps = True

    def __init__(self, connection: PostgresConnection) -> None:
        super().__init__(connection, SQL)

    def stream(self, query: str, parameters: Parameters = ()) -> Iterator[Any]:
        """The rows of a named statement one by one."""
        with self.connection.raw.cursor(query) as cursor:
            cursor.itersize = _AT_ONCE
            yield from cursor.execute(SQL[query].encode(), parameters)
