"""Whether what let somebody in still does, as of the transaction in which it counts."""

from __future__ import annotations

from collections.abc import Collection

from sayso.engine._outcomes import ACCOUNTS_CHANGED
from sayso.engine.errors import RightLapsed
from sayso.engine.store._accounts import ids_of
from sayso.engine.store._commands import Warrant
from sayso.engine.store._transaction import Transaction

_SIGNED_OUT = "You are no longer signed in, so nothing was done. Sign in again."
_NO_OPERATOR = "You are no longer an operator, so nothing was done."


def lapse(tx: Transaction, warrant: Warrant | None, ids: Collection[str]) -> str | None:
    """Why somebody, by all their ids as they are now, may not do any more what a warrant is for; None if they may."""
    if warrant is None:
        return None
    if warrant.refused is not None:
        return warrant.refused
    if warrant.credential is not None:
        fields = {"hash": warrant.credential, "now": tx.now}
        if tx.row("credential_stands", fields) is None:
            return _SIGNED_OUT
    if warrant.accounts is not None and set(warrant.accounts) != set(ids):
        return ACCOUNTS_CHANGED
    if warrant.operators is not None and set(warrant.operators).isdisjoint(ids):
        return _NO_OPERATOR
    return None


def check(tx: Transaction, warrant: Warrant | None, person: str) -> None:
    """Raises `RightLapsed` where somebody may not do any more what a warrant is for."""
    reason = None if warrant is None else lapse(tx, warrant, (person, *ids_of(tx, person)))
    if reason is not None:
        raise RightLapsed(person, reason)
