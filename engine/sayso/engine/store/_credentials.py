"""The transactions behind ways in over HTTP: links, sessions, tokens. Secrets never come here, only their hashes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from sayso.engine._access import Bounds, CredentialKind, Scope
from sayso.engine._clock import to_microseconds
from sayso.engine.errors import TokenExists
from sayso.engine.store._evidence import Thing
from sayso.engine.store._grants import revoke_of
from sayso.engine.store._transaction import Transaction

_VIA = "web"


def admit(
    tx: Transaction,
    kind: CredentialKind,
    secret_hash: str,
    person: str,
    expires_at: datetime,
    scopes: Sequence[Scope] = (),
    bounds: Bounds | None = None,
) -> None:
    """Give access to the holder of a secret; raises `TokenExists`. Expired ones are removed, and a new link replaces
    one that was not used.
    """
    changed = _let_in(tx, kind, secret_hash, person, expires_at, scopes, bounds)
    said: dict[str, object] = {"kind": kind, "expires_at": to_microseconds(expires_at)}
    if kind is CredentialKind.TOKEN:
        said["scopes"] = sorted(scopes)
    if bounds:
        said["bounds"] = msgspec.to_builtins(bounds)
    tx.audit("admitted", said, person=person, also=changed)


def _let_in(
    tx: Transaction,
    kind: CredentialKind,
    secret_hash: str,
    person: str,
    expires_at: datetime,
    scopes: Sequence[Scope] = (),
    bounds: Bounds | None = None,
) -> tuple[Thing, ...]:
    """What it changed, for the trail: the new way in, and those that are gone."""
    is_token = kind is CredentialKind.TOKEN
    gone = tx.rows("credentials_forget_expired", {"now": tx.now, "kind": kind, "person": person})
    if kind is CredentialKind.LINK:
        gone += tx.rows("link_replace", {"person": person})
    fields: dict[str, object] = {
        "kind": kind,
        "hash": secret_hash,
        "person": person,
        "expires_at": to_microseconds(expires_at),
        "now": tx.now,
        "scopes": " ".join(sorted(scopes)) if is_token else None,
        "bounds": msgspec.json.encode(bounds).decode() if bounds else None,
    }
    if tx.run("credential_add", fields).rowcount == 0:
        raise TokenExists(person)
    return _things([secret_hash, *(row["hash"] for row in gone)])


def _things(hashes: Iterable[str]) -> tuple[Thing, ...]:
    return tuple(("credentials", one) for one in hashes)


def redeem(tx: Transaction, link_hash: str, session_hash: str, expires_at: datetime) -> str | None:
    """Exchange a link, which works once, for a session."""
    row = tx.row("credential_take", {"hash": link_hash, "kind": CredentialKind.LINK, "now": tx.now})
    if row is None:
        return None
    person = str(row["person"])
    changed = _let_in(tx, CredentialKind.SESSION, session_hash, person, expires_at)
    used = (*_things([link_hash]), *changed)
    until = to_microseconds(expires_at)
    tx.audit("signed_in", {"expires_at": until}, person=person, via=_VIA, also=used)
    return person


def sign_out(tx: Transaction, session_hash: str) -> None:
    """End a session; harmless if there is none."""
    row = tx.row("credential_take", {"hash": session_hash, "kind": CredentialKind.SESSION, "now": tx.now})
    if row is not None:
        tx.audit("signed_out", {}, person=str(row["person"]), via=_VIA, also=_things([session_hash]))


def revoke(tx: Transaction, person: str, by: str) -> int:
    """Remove all access of a person, and end the grants by them and for their questions; how much there was."""
    rows = [*tx.rows("token_remove", {"person": person}), *tx.rows("sessions_remove", {"person": person})]
    removed = _things(row["hash"] for row in rows)
    if removed:
        tx.audit("shut_out", {"person": person, "credentials": len(removed)}, person=by, also=removed)
    return len(removed) + revoke_of(tx, person, by)
