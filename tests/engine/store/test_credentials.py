"""Ways in over HTTP: a link works once and in time, sessions and tokens end where they should."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from sayso.engine import (
    Bounds,
    Credential,
    CredentialKind,
    Scope,
    SQLiteStore,
    Store,
    StoreUnreadable,
    SystemClock,
    TokenExists,
    verify_audit,
)
from sayso.engine._clock import to_microseconds
from sayso.engine.store._queries import load_migrations
from tests.engine.older_file import rewrite_as_before
from tests.engine.store.situation import GatedClock

LINK, SESSION, TOKEN = CredentialKind.LINK, CredentialKind.SESSION, CredentialKind.TOKEN


async def test_a_link_becomes_a_session_once(store: Store) -> None:
    now = store.clock.now()
    await store.admit(LINK, "link", "web:ana", now + timedelta(minutes=10))
    assert await store.redeem("link", "first", now + timedelta(days=30)) == "web:ana"
    assert await store.redeem("link", "second", now + timedelta(days=30)) is None
    assert await store.reader.person_of(SESSION, "first", now) == "web:ana"
    assert await store.reader.person_of(SESSION, "second", now) is None
    assert await store.reader.person_of(TOKEN, "first", now) is None, "a session is no token"
    kinds = [(row.kind, row.person) async for row in store.reader.audit()]
    assert kinds == [("admitted", "web:ana"), ("signed_in", "web:ana")]


async def test_a_link_and_a_session_end_in_time(store: Store, clock: GatedClock) -> None:
    now = clock.now()
    await store.admit(LINK, "used", "web:ana", now + timedelta(minutes=10))
    await store.redeem("used", "session", now + timedelta(days=30))
    await store.admit(LINK, "old", "web:ana", now + timedelta(minutes=10))
    clock.advance(timedelta(minutes=10))
    assert await store.redeem("old", "late", now + timedelta(days=30)) is None
    assert await store.reader.person_of(SESSION, "session", now + timedelta(days=30, seconds=-1)) == "web:ana"
    assert await store.reader.person_of(SESSION, "session", now + timedelta(days=30)) is None
    await store.admit(LINK, "new", "web:bo", clock.now() + timedelta(minutes=10))
    stored = [(one.kind, one.person) for one in await store.reader.credentials(now)]
    assert stored == [(LINK, "web:bo"), (SESSION, "web:ana")], "what has expired is forgotten"


async def test_a_token_has_one_name_and_can_be_removed(store: Store) -> None:
    now = store.clock.now()
    until, scopes = now + timedelta(days=90), (Scope.READ, Scope.ANSWER)
    await store.admit(TOKEN, "one", "token:ci", until, scopes)
    with pytest.raises(TokenExists, match="token:ci"):
        await store.admit(TOKEN, "two", "token:ci", until, scopes)
    assert await store.reader.token("one") == Credential(
        TOKEN, "token:ci", now, until, (Scope.ANSWER, Scope.READ)
    )
    assert await store.reader.token("two") is None
    assert await store.revoke("token:ci", "local:root") == 1
    assert await store.revoke("token:ci", "local:root") == 0
    assert await store.reader.token("one") is None
    await store.admit(TOKEN, "two", "token:ci", until, scopes)


async def test_a_token_that_has_expired_is_known_until_another_takes_its_place(
    store: Store, clock: GatedClock
) -> None:
    until = clock.now() + timedelta(days=90)
    await store.admit(TOKEN, "one", "token:ci", until, [Scope.READ])
    clock.advance(timedelta(days=90))
    await store.admit(LINK, "link", "web:ana", clock.now() + timedelta(minutes=10))
    found = await store.reader.token("one")
    assert found is not None
    assert found.expires_at == until
    assert [one.person for one in await store.reader.credentials(clock.now())] == ["web:ana", "token:ci"]
    await store.admit(TOKEN, "two", "token:ci", clock.now() + timedelta(days=90), [Scope.READ])
    assert await store.reader.token("one") is None
    assert await store.reader.token("two") is not None


async def test_the_bounds_of_a_token_are_kept_and_told(store: Store) -> None:
    until, bounds = store.clock.now() + timedelta(days=90), Bounds(("release",), ("group:sre",), ("deploy",))
    await store.admit(TOKEN, "one", "token:agent", until, [Scope.ASK], bounds)
    await store.admit(TOKEN, "two", "token:ci", until, [Scope.ASK])
    found = [(one.person, one.bounds) for one in await store.reader.credentials(store.clock.now())]
    assert found == [("token:agent", bounds), ("token:ci", None)]
    said = [row.payload async for row in store.reader.audit()]
    assert isinstance(said[0], dict)
    assert said[0]["bounds"] == {"policies": ["release"], "to": ["group:sre"], "workflows": ["deploy"]}
    assert isinstance(said[1], dict)
    assert "bounds" not in said[1]


async def test_tokens_from_before_bounds_have_none_and_their_seals_still_fit(
    database: Path,
) -> None:
    async with SQLiteStore(database) as store:
        until = store.clock.now() + timedelta(days=90)
        await store.admit(TOKEN, "one", "token:ci", until, [Scope.ASK])
    rewrite_as_before(database, "credentials_bounds")
    async with SQLiteStore(database) as opened:
        found = await opened.reader.token("one")
        assert found is not None
        assert (found.person, found.scopes, found.bounds) == ("token:ci", (Scope.ASK,), None)
        assert (await verify_audit(opened.reader)).problems == ()


@pytest.mark.parametrize("begins", [Scope.START, Scope.ASK])
async def test_not_even_the_file_holds_a_token_that_begins_and_answers(store: Store, begins: Scope) -> None:
    until = store.clock.now() + timedelta(days=90)
    with pytest.raises(StoreUnreadable, match="credentials_apart"):
        await store.admit(TOKEN, "one", "token:ci", until, [begins, Scope.READ, Scope.ANSWER])
    assert await store.reader.token("one") is None


async def test_a_person_has_one_link_at_a_time_and_the_trail_names_each(store: Store) -> None:
    until = store.clock.now() + timedelta(minutes=10)
    for number in range(5):
        await store.admit(LINK, f"link {number}", "web:ana", until)
    await store.admit(LINK, "other", "web:bo", until)
    assert await store.redeem("link 3", "session", until) is None
    assert await store.redeem("link 4", "session", until) == "web:ana"
    trail = [(row.kind, row.person, row.payload) async for row in store.reader.audit()]
    assert [(kind, person) for kind, person, _ in trail] == [
        *[("admitted", "web:ana")] * 5, ("admitted", "web:bo"), ("signed_in", "web:ana"),
    ]  # fmt: skip


async def test_somebody_is_shut_out_of_everything_at_once(store: Store) -> None:
    now = store.clock.now()
    for number in range(2):
        await store.admit(LINK, f"link {number}", "web:ana", now + timedelta(minutes=10))
        await store.redeem(f"link {number}", f"session {number}", now + timedelta(days=30))
    await store.admit(LINK, "unused", "web:ana", now + timedelta(minutes=10))
    await store.admit(LINK, "other", "web:bo", now + timedelta(minutes=10))
    assert await store.revoke("web:ana", "local:root") == 3
    assert await store.reader.person_of(SESSION, "session 1", now) is None
    assert await store.redeem("unused", "x", now + timedelta(days=30)) is None
    assert [one.person for one in await store.reader.credentials(now)] == ["web:bo"]


async def test_signing_out_ends_one_session(store: Store) -> None:
    now = store.clock.now()
    for number in range(2):
        await store.admit(LINK, f"link {number}", "web:ana", now + timedelta(minutes=10))
        await store.redeem(f"link {number}", f"session {number}", now + timedelta(days=30))
    await store.sign_out("session 0")
    await store.sign_out("session 0")
    assert await store.reader.person_of(SESSION, "session 0", now) is None
    assert await store.reader.person_of(SESSION, "session 1", now) == "web:ana"


async def test_who_follows_the_trail_hears_of_every_commit_that_lengthens_it(store: Store) -> None:
    heard: list[int] = []
    listener = store.hub.listen_audit(asyncio.get_running_loop(), lambda: heard.append(1))
    await store.keep("web", "note", 1)
    await store.admit(TOKEN, "one", "token:ci", store.clock.now() + timedelta(days=90), [Scope.READ])
    await store.keep("web", "note", 2)
    assert len(heard) == 1
    store.hub.ignore_audit(listener)
    await store.revoke("token:ci", "local:root")
    await store.keep("web", "note", 3)
    assert len(heard) == 1


async def test_tokens_and_links_from_before_scopes_keep_what_is_safe(database: Path) -> None:
    """A database of the schema before: its tokens start and read, and of the links of a person the newest works."""
    scripts = list(load_migrations("sqlite").values())
    before = next(number for number, script in enumerate(scripts) if "credentials_scopes" in script)
    until = SystemClock().now() + timedelta(minutes=10)
    at = to_microseconds(until)
    with closing(sqlite3.connect(database)) as connection:
        for script in scripts[:before]:
            connection.executescript(script)
        connection.execute("INSERT INTO schema_version VALUES (?)", (before,))
        connection.executemany(
            "INSERT INTO credentials (hash, kind, person, made_at, expires_at) VALUES (?, ?, ?, ?, ?)",
            [
                ("token", "TOKEN", "token:ci", 1, None),
                ("session", "SESSION", "web:ana", 1, at),
                ("older", "LINK", "web:ana", 1, at),
                ("newest", "LINK", "web:ana", 2, at),
                ("bo", "LINK", "web:bo", 1, at),
            ],
        )
        connection.commit()
    async with SQLiteStore(database) as store:
        found = await store.reader.token("token")
        assert found is not None
        assert (found.person, found.scopes, found.expires_at) == ("token:ci", (Scope.READ, Scope.START), None)
        assert await store.reader.person_of(SESSION, "session", store.clock.now()) == "web:ana"
        assert await store.redeem("older", "a", until) is None
        assert await store.redeem("newest", "b", until) == "web:ana"
        assert await store.redeem("bo", "c", until) == "web:bo"
