"""The transactions behind ways in over HTTP: links, sessions, tokens. Secrets never come here, only their hashes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from sayso.engine._clock import to_microseconds
from sayso.engine._records import CredentialKind, Scope
from sayso.engine.errors import TokenExists
from sayso.engine.store._transaction import Transaction

_VIA = "web"


def admit(
    tx: Transaction,
    kind: CredentialKind,
    secret_hash: str,
    person: str,
    expires_at: datetime,
    scopes: Sequence[Scope] = (),
) -> None:
    """Let in whoever has the secret; raises `TokenExists`. What has expired is forgotten.

    A new link takes the place of one that was not used. The trail has a row for the first and counts the others in the
    row of the sign-in.
    """
    tx.run("credentials_forget_expired", {"now": tx.now, "kind": kind, "person": person})
    is_token = kind is CredentialKind.TOKEN
    before = tx.row("link_replace", {"person": person}) if kind is CredentialKind.LINK else None
    until = to_microseconds(expires_at)
    fields: dict[str, object] = {
        "kind": kind,
        "hash": secret_hash,
        "person": person,
        "expires_at": until,
        "now": tx.now,
        "scopes": " ".join(sorted(scopes)) if is_token else None,
        "links": 1 if before is None else before["links"] + 1,
    }
    try:
        tx.run("credential_add", fields)
    except sqlite3.IntegrityError as error:
        if not is_token or tx.row("token_of", {"person": person}) is None:
            raise
        raise TokenExists(person) from error
    if kind is not CredentialKind.SESSION and before is None:
        more = {"scopes": sorted(scopes)} if is_token else {}
        tx.audit("admitted", {"kind": kind, "expires_at": until, **more}, person=person)


def redeem(tx: Transaction, link_hash: str, session_hash: str, expires_at: datetime) -> str | None:
    """A session for a link, which is used up by it."""
    row = tx.row("credential_take", {"hash": link_hash, "kind": CredentialKind.LINK, "now": tx.now})
    if row is None:
        return None
    person = str(row["person"])
    admit(tx, CredentialKind.SESSION, session_hash, person, expires_at)
    links = {"links": row["links"]} if row["links"] > 1 else {}
    tx.audit("signed_in", links, person=person, via=_VIA)
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
