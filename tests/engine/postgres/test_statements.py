"""PostgreSQL takes every statement, and holds the same tables as SQLite."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sayso.engine.store.postgres._dialect import SCHEMA, SQL, PostgresConnection
from sayso.engine.store.sqlite import _connection as sqlite_connection
from tests.postgres import Cluster

PLACEHOLDER = re.compile(r"%\((\w+)\)s|%s")
TYPED = {"step_record": "(bigint, bigint, text, text, text, bigint, bigint)"}
"""Statements whose types no context gives: values come with theirs."""


@pytest.fixture(scope="module")
def connection(postgres: Cluster) -> Iterator[PostgresConnection]:
    with postgres.database() as url, closing(PostgresConnection(url)) as connected:
        yield connected


def numbered(statement: str) -> str:
    """A statement with the server's own placeholders."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found[1] or f"at{len(names) + 1}"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return PLACEHOLDER.sub(number, statement).replace("%%", "%")


@pytest.mark.parametrize("name", sorted(SQL))
def test_every_statement_fits_the_schema(connection: PostgresConnection, name: str) -> None:
    connection.run_script(f"PREPARE one {TYPED.get(name, '')} AS {numbered(SQL[name])}")
    connection.run_script("DEALLOCATE one")


def test_both_databases_have_the_same_tables_of_the_same_columns(
    connection: PostgresConnection, tmp_path: Path
) -> None:
    found = connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "JOIN pg_tables ON tablename = table_name AND schemaname = table_schema "
        "WHERE table_schema = current_schema()"
    )
    with closing(sqlite_connection.connect_writer(tmp_path / "sayso.db")) as file:
        columns = file.execute(
            "SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c "
            "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
        ).fetchall()
    assert sorted((str(one[0]), str(one[1])) for one in found) == sorted(
        (str(one[0]), str(one[1])) for one in columns
    )
    assert sqlite_connection.SCHEMA == SCHEMA
