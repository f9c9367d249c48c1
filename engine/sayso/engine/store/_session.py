"""A database's connection as the transactions and the checks see it: named statements in its own dialect, rows by name
and by index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeAlias

Parameters: TypeAlias = "Mapping[str, Any] | tuple[Any, ...]"
"""By name; by position where a statement is run so often that it counts."""


class Cursor(Protocol):
    """What a statement found or changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection of a database."""

    def execute(self, statement: str, parameters: Any = ..., /) -> Cursor: ...


class Session:
    """A connection with the named statements in its dialect."""

    leaves_gaps = False
    """Whether the trail's numbers leave out those of transactions that were undone."""

    def __init__(self, connection: Connection, statements: Mapping[str, str]) -> None:
        self.connection = connection
        self._statements = statements

    def run(self, query: str, parameters: Parameters = ()) -> Cursor:
        """Execute a named statement."""
        return self.connection.execute(self._statements[query], parameters)

    def stream(self, query: str, parameters: Parameters = ()) -> Iterator[Any]:
        """The rows of a named statement one by one: there may be more than memory holds."""
        return iter(self.run(query, parameters))

    def row(self, query: str, parameters: Parameters = ()) -> Any:
        """The first row of a named statement, or None. A statement with RETURNING is run to its end."""
        rows = self.connection.execute(self._statements[query], parameters).fetchall()
        return rows[0] if rows else None

    def rows(self, query: str, parameters: Parameters = ()) -> list[Any]:
        """All rows of a named statement."""
        return self.connection.execute(self._statements[query], parameters).fetchall()
