"""Who is who, and who has access over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from sayso.engine._access import Bounds, Credential, CredentialKind, Scope
from sayso.engine._clock import from_microseconds, to_microseconds
from sayso.engine._people import NamedPerson, fold_name, last_part, tell_apart
from sayso.engine._records import (
    Account,
)
from sayso.engine._values import to_json
from sayso.engine.store._reads import Reads
from sayso.engine.store._rows import (
    ids_with,
)


class PeopleReader(Reads):
    """Reads accounts, names and credentials."""

    async def accounts(self) -> list[Account]:
        """Every account that belongs to somebody, by person."""
        return [_account(row) for row in await self._rows("accounts_list", {})]

    async def ids_of(self, account: str) -> tuple[str, ...]:
        """The person to whom this account belongs, and all their accounts; only itself if it belongs to nobody."""
        rows = await self._rows("ids_of_account", {"account": account})
        return ids_with((row["id"] for row in rows), account)

    async def name_of(self, ids: Sequence[str]) -> str | None:
        """The name of a person, by their ids: that of the first id that has one."""
        names = await self.names_of(ids)
        return next((names[one] for one in ids if one in names), None)

    async def names_of(self, people: Sequence[str]) -> dict[str, str]:
        """The names of those people who have one; two with the same name are shown with their accounts. Every name that
        is shown comes from here.
        """
        folded = [fold_name(part) for one in people if (part := last_part(one))]
        fields = {"people": to_json(people), "folded": to_json(folded)}
        named: list[NamedPerson] = []
        called: dict[str, set[str]] = {}
        for row in await self._rows("people_names", fields):
            if row["folded"] is not None:
                called.setdefault(row["folded"], set()).add(row["whose"])
                continue
            one = NamedPerson(row["person"], row["name"], row["whose"], row["account"])
            named.append(one)
            if one.name is not None:
                called.setdefault(fold_name(one.name), set()).update(msgspec.json.decode(row["alike"]))
        return tell_apart(named, called)

    async def person_of(self, kind: CredentialKind, secret_hash: str, now: datetime) -> str | None:
        """Who has access with this secret, or None."""
        fields = {"kind": kind, "hash": secret_hash, "now": to_microseconds(now)}
        rows = await self._rows("credential_person", fields)
        return str(rows[0]["person"]) if rows else None

    async def token(self, secret_hash: str) -> Credential | None:
        """The token of this secret, even if it has expired."""
        rows = await self._rows("token_find", {"hash": secret_hash})
        return _credential(rows[0]) if rows else None

    async def credentials(self, now: datetime) -> list[Credential]:
        """All valid credentials at an instant, and expired tokens."""
        return [
            _credential(row) for row in await self._rows("credentials_list", {"now": to_microseconds(now)})
        ]


def _account(row: Any) -> Account:
    linked_at = row["linked_at"]
    return Account(row["account"], row["person"], None if linked_at is None else from_microseconds(linked_at))


def _credential(row: Any) -> Credential:
    until, scopes, bounds = row["expires_at"], row["scopes"] or "", row["bounds"]
    return Credential(
        CredentialKind(row["kind"]),
        row["person"],
        from_microseconds(row["made_at"]),
        None if until is None else from_microseconds(until),
        tuple(Scope(name) for name in scopes.split()),
        None if bounds is None else msgspec.json.decode(bounds, type=Bounds),
    )
