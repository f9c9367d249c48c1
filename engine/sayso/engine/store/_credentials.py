"""The transactions behind ways in over HTTP: links, sessions, tokens. Secrets never come here, only their hashes."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from sayso.engine._clock import to_microseconds
from sayso.engine._records import CredentialKind
from sayso.engine.errors import TokenExists
from sayso.engine.store._transaction import Transaction

_VIA = "web"


def admit(
    tx: Transaction, kind: CredentialKind, secret_hash: str, person: str, expires_at: datetime | None
) -> None:
    """Let in whoever has the secret; raises `TokenExists`. What has expired is forgotten."""
    tx.run("credentials_forget_expired", {"now": tx.now})
    until = None if expires_at is None else to_microseconds(expires_at)
    fields = {"kind": kind, "hash": secret_hash, "person": person, "expires_at": until, "now": tx.now}
    try:
        tx.run("credential_add", fields)
    except sqlite3.IntegrityError as error:
        raise TokenExists(person) from error
    if kind is not CredentialKind.SESSION:
        tx.audit("admitted", {"kind": kind, "expires_at": until}, person=person)


def redeem(tx: Transaction, link_hash: str, session_hash: str, expires_at: datetime) -> str | None:
    """A session for a link, which is used up by it."""
    row = tx.row("credential_take", {"hash": link_hash, "kind": CredentialKind.LINK, "now": tx.now})
    if row is None:
        return None
    person = str(row["person"])
    admit(tx, CredentialKind.SESSION, session_hash, person, expires_at)
    tx.audit("signed_in", {}, person=person, via=_VIA)
    return person


def sign_out(tx: Transaction, session_hash: str) -> None:
    """End a session; harmless where there is none."""
    row = tx.row("credential_take", {"hash": session_hash, "kind": CredentialKind.SESSION, "now": tx.now})
    if row is not None:
        tx.audit("signed_out", {}, person=str(row["person"]), via=_VIA)


def shut_out(tx: Transaction, person: str, by: str) -> int:
    """Remove everything that lets a person in."""
    removed = len(tx.rows("token_remove", {"person": person}))
    removed += tx.run("sessions_remove", {"person": person}).rowcount
    if removed:
        tx.audit("shut_out", {"person": person, "credentials": removed}, person=by)
    return removed
