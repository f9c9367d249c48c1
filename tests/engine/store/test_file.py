"""The file itself: its schema and version, its pragmas, and files that are not ours."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import SchemaTooNew, SQLiteReader, SQLiteStore, Store, StoreUnreadable
from sayso.engine.store._queries import load_migrations
from tests.engine.store.live_connection import execute
from tests.engine.store.situation import back_up, begin, put, rows

SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"


NO_DATABASE = b"not a database, but a text of some length\n" * 100


def overwrite(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return digest(path)


def names_in(path: Path) -> list[str]:
    return [file.name for file in path.iterdir()]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_the_file_and_what_lies_beside_it_are_for_its_user_alone(
    store: Store, database: Path, tmp_path: Path
) -> None:
    """Prompts, answers and state are nobody else's to read, whatever the umask."""
    await put(store, await begin(store))
    await back_up(database, tmp_path / "copy.db")
    files = [*database.parent.glob(f"{database.name}*"), tmp_path / "copy.db"]
    assert len(files) >= 4
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in files} == {
        path.name: "0o600" for path in files
    }


async def created(database: Path) -> None:
    async with SQLiteStore(database) as store:
        await begin(store)


@pytest.mark.sqlite
async def test_what_is_acknowledged_survives_a_power_cut(store: Store) -> None:
    """Read from the live write connection: a pragma that was set elsewhere proves nothing."""
    pragmas: dict[str, Any] = {}
    for pragma in ("journal_mode", "synchronous", "foreign_keys"):
        pragmas[pragma] = (await execute(store, f"PRAGMA {pragma}"))[0][0]
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.sqlite
async def test_foreign_keys_are_enforced(store: Store) -> None:
    with pytest.raises(StoreUnreadable, match="FOREIGN KEY"):
        await execute(store, "INSERT INTO votes (request_key, person, event) VALUES (99, 'x', 1)")


@pytest.mark.sqlite
async def test_every_table_is_strict(store: Store) -> None:
    tables = await execute(
        store, "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    )
    ours = {name: strict for name, strict in tables if not name.startswith("sqlite_")}
    assert set(ours.values()) == {1}
    assert {"runs", "visits", "requests", "steps", "events", "votes", "deliveries", "audit"} <= set(ours)


@pytest.mark.sqlite
async def test_every_check_and_key_has_a_name(store: Store) -> None:
    """So that an error that SQLite reports says which invariant it was."""
    for (sql,) in await execute(store, "SELECT sql FROM sqlite_schema WHERE type = 'table'"):
        body = re.sub(r"--[^\n]*", "", sql)
        constraints = re.findall(r"(\w+)\s+(?:CHECK|UNIQUE|FOREIGN KEY)\b", body)
        assert all(re.fullmatch(r"[a-z]+_\w+", name) for name in constraints), (sql, constraints)


async def test_a_fresh_schema_equals_a_migrated_one(database: Path, tmp_path: Path) -> None:
    """Migrated in steps, as a file of an older sayso would be: every version opened by the version before."""
    await created(database)
    scripts = list(load_migrations("sqlite").values())
    for version in range(1, len(scripts) + 1):
        older = tmp_path / f"version-{version}.db"
        with closing(sqlite3.connect(older)) as connection:
            for script in scripts[:version]:
                connection.executescript(script)
            connection.execute("INSERT INTO schema_version VALUES (?)", (version,))
            connection.commit()
        await created(older)
        assert rows(older, SCHEMA) == rows(database, SCHEMA)
        assert rows(older, "SELECT version FROM schema_version") == [(len(scripts),)]


async def test_opening_again_changes_nothing_in_the_schema(database: Path) -> None:
    await created(database)
    before = rows(database, SCHEMA)
    async with SQLiteStore(database):
        assert rows(database, SCHEMA) == before


async def test_a_newer_schema_is_refused_and_left_alone(database: Path) -> None:
    await created(database)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE schema_version SET version = version + 1")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = digest(database)
    with pytest.raises(SchemaTooNew) as refused:
        SQLiteStore(database).open()
    assert refused.value.found == refused.value.known + 1
    assert "pip install --upgrade sayso" in str(refused.value)
    async with SQLiteReader(database) as reader:
        with pytest.raises(SchemaTooNew):
            await reader.runs()
    assert digest(database) == before


@pytest.mark.parametrize("content", [NO_DATABASE, b"\0" * 4096])
async def test_what_is_no_database_is_refused_and_left_alone(database: Path, content: bytes) -> None:
    before = overwrite(database, content)
    with pytest.raises(StoreUnreadable) as refused:
        SQLiteStore(database).open()
    assert refused.value.path == str(database)
    async with SQLiteReader(database) as reader:
        with pytest.raises(StoreUnreadable):
            await reader.runs()
    assert digest(database) == before


async def test_a_database_of_something_else_is_refused_and_left_alone(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
        connection.commit()
    before = digest(database)
    with pytest.raises(StoreUnreadable, match="not one of sayso's"):
        SQLiteStore(database).open()
    assert digest(database) == before
    assert rows(database, "SELECT name FROM sqlite_schema") == [("customers",)]


async def test_a_file_that_could_not_be_opened_can_be_once_it_is_mended(database: Path) -> None:
    """A refused opening keeps neither the lock nor a place in the registry."""
    overwrite(database, NO_DATABASE)
    store = SQLiteStore(database)
    with pytest.raises(StoreUnreadable):
        store.open()
    overwrite(database, b"")
    await begin(store)
    await store.close()


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreadable) as refused:
        SQLiteStore(tmp_path / "nowhere" / "sayso.db").open()
    assert "nowhere" in str(refused.value)


async def test_a_directory_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreadable):
        SQLiteStore(tmp_path).open()


async def test_a_reader_of_a_missing_file_says_that_there_is_none(database: Path) -> None:
    async with SQLiteReader(database) as reader:
        with pytest.raises(StoreUnreadable, match="no such file"):
            await reader.runs()
    assert names_in(database.parent) == []


@pytest.mark.parametrize("given", ["postgresql://host/sayso", "sqlite:///", "https://example.org/x.db"])
def test_only_sqlite_urls_are_taken(given: str) -> None:
    with pytest.raises(StoreUnreadable, match="only sqlite:///path and postgresql:// are supported"):
        SQLiteStore(given)


def test_the_location_comes_from_the_environment_else_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SAYSO_DATABASE", raising=False)
    assert SQLiteStore().path == (tmp_path / "sayso.db").resolve()
    monkeypatch.setenv("SAYSO_DATABASE", f"sqlite:///{tmp_path}/other.db")
    assert SQLiteStore().path == (tmp_path / "other.db").resolve()
    assert not list(tmp_path.iterdir())


def test_two_ways_to_write_one_path_are_one_file(tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "sayso.db")
    assert SQLiteStore(link).path == SQLiteStore(f"{tmp_path}/x/../sayso.db").path


@pytest.mark.parametrize("ending", [".lock", "-wal", "-shm", "-journal"])
async def test_no_link_beside_the_database_is_followed(database: Path, tmp_path: Path, ending: str) -> None:
    """Whoever may write in the folder would have another file of the user's emptied, or made."""
    precious = tmp_path / "precious"
    precious.write_text("kept")
    link = database.with_name(database.name + ending)
    for target in (precious, tmp_path / "nothing"):
        link.symlink_to(target)
        with pytest.raises(StoreUnreadable, match="is a link; remove it"):
            SQLiteStore(database).open()
        link.unlink()
    assert precious.read_text() == "kept"
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("is_there", [True, False])
async def test_a_backup_follows_no_link(database: Path, tmp_path: Path, *, is_there: bool) -> None:
    store = SQLiteStore(database)
    await begin(store)
    target, link = tmp_path / "target", tmp_path / "backup.db"
    link.symlink_to(target)
    if is_there:
        target.write_text("kept")
    with pytest.raises(StoreUnreadable, match="it is a link; a backup never overwrites"):
        await store.reader.backup(link)
    await store.close()
    assert (target.read_text() if target.exists() else None) == ("kept" if is_there else None)
