"""Ways in over HTTP: a link works once and in time, sessions and tokens end where they should."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from sayso.engine import CredentialKind, SQLiteStore, TokenExists
from tests.engine.store.situation import GatedClock

LINK, SESSION = CredentialKind.LINK, CredentialKind.SESSION


async def test_a_link_becomes_a_session_once(store: SQLiteStore) -> None:
    now = store.clock.now()
    await store.admit(LINK, "link", "web:ana", now + timedelta(minutes=10))
    assert await store.redeem("link", "first", now + timedelta(days=30)) == "web:ana"
    assert await store.redeem("link", "second", now + timedelta(days=30)) is None
    assert await store.reader.person_of(SESSION, "first", now) == "web:ana"
    assert await store.reader.person_of(SESSION, "second", now) is None
    assert await store.reader.person_of(CredentialKind.TOKEN, "first", now) is None, "a session is no token"
    kinds = [(row.kind, row.person) async for row in store.reader.audit()]
    assert kinds == [("admitted", "web:ana"), ("signed_in", "web:ana")]


async def test_a_link_and_a_session_end_in_time(store: SQLiteStore, clock: GatedClock) -> None:
    now = clock.now()
    await store.admit(LINK, "old", "web:ana", now + timedelta(minutes=10))
    await store.admit(LINK, "used", "web:ana", now + timedelta(minutes=10))
    await store.redeem("used", "session", now + timedelta(days=30))
    clock.advance(timedelta(minutes=10))
    assert await store.redeem("old", "late", now + timedelta(days=30)) is None
    assert await store.reader.person_of(SESSION, "session", now + timedelta(days=30, seconds=-1)) == "web:ana"
    assert await store.reader.person_of(SESSION, "session", now + timedelta(days=30)) is None
    await store.admit(LINK, "new", "web:bo", clock.now() + timedelta(minutes=10))
    stored = [(one.kind, one.person) for one in await store.reader.credentials(now)]
    assert stored == [(LINK, "web:bo"), (SESSION, "web:ana")], "what has expired is forgotten"


async def test_a_token_has_one_name_and_can_be_removed(store: SQLiteStore) -> None:
    now = store.clock.now()
    await store.admit(CredentialKind.TOKEN, "one", "token:ci", None)
    with pytest.raises(TokenExists, match="token:ci"):
        await store.admit(CredentialKind.TOKEN, "two", "token:ci", None)
    assert await store.reader.person_of(CredentialKind.TOKEN, "one", now + timedelta(days=9999)) == "token:ci"
    assert await store.shut_out("token:ci", "local:root") == 1
    assert await store.shut_out("token:ci", "local:root") == 0
    assert await store.reader.person_of(CredentialKind.TOKEN, "one", now) is None
    await store.admit(CredentialKind.TOKEN, "two", "token:ci", None)


async def test_somebody_is_shut_out_of_everything_at_once(store: SQLiteStore) -> None:
    now = store.clock.now()
    for number in range(3):
        await store.admit(LINK, f"link {number}", "web:ana", now + timedelta(minutes=10))
    await store.redeem("link 0", "session", now + timedelta(days=30))
    await store.admit(LINK, "other", "web:bo", now + timedelta(minutes=10))
    assert await store.shut_out("web:ana", "local:root") == 3
    assert await store.reader.person_of(SESSION, "session", now) is None
    assert await store.redeem("link 1", "x", now + timedelta(days=30)) is None
    assert [one.person for one in await store.reader.credentials(now)] == ["web:bo"]


async def test_signing_out_ends_one_session(store: SQLiteStore) -> None:
    now = store.clock.now()
    for number in range(2):
        await store.admit(LINK, f"link {number}", "web:ana", now + timedelta(minutes=10))
        await store.redeem(f"link {number}", f"session {number}", now + timedelta(days=30))
    await store.sign_out("session 0")
    await store.sign_out("session 0")
    assert await store.reader.person_of(SESSION, "session 0", now) is None
    assert await store.reader.person_of(SESSION, "session 1", now) == "web:ana"


async def test_who_follows_the_trail_hears_of_every_commit_that_lengthens_it(store: SQLiteStore) -> None:
    heard: list[int] = []
    listener = store.hub.listen_audit(asyncio.get_running_loop(), lambda: heard.append(1))
    await store.keep("web", "note", 1)
    await store.admit(CredentialKind.TOKEN, "one", "token:ci", None)
    await store.keep("web", "note", 2)
    assert len(heard) == 1
    store.hub.ignore_audit(listener)
    await store.shut_out("token:ci", "local:root")
    await store.keep("web", "note", 3)
    assert len(heard) == 1
