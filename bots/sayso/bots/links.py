"""Codes by which one person's accounts on several platforms are made one: made on one of them, sent from the other.
Nobody is talked into it: they see whose account it is, and say that it is theirs.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sayso.adapters.console import visible_line
from sayso.bots.http import RateLimit
from sayso.engine import SQLiteStore

CODE_LIVES = timedelta(minutes=10)
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH = 8
_TRIES_PER_MINUTE = 5
SURE = "yes"
"""Behind a code: the account that it is of is one's own."""


class Links:
    """Makes codes and uses them up. Only their hashes are stored. Somebody who guesses is stopped after a few tries a
    minute; of a thousand billion codes, at most one is good at a time for each account.
    """

    def __init__(self, store: SQLiteStore) -> None:
        self._store = store
        self._tries = RateLimit(_TRIES_PER_MINUTE)

    async def begin(self, account: str) -> str:
        """A code that links this account, once, within ten minutes. Raises `StoreError`."""
        code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        await self._store.begin_link(account, _hash(code), self._store.clock.now() + CODE_LIVES)
        return f"{code[:4]}-{code[4:]}"

    async def use(self, account: str, code: str, prefix: str, *, is_sure: bool) -> str:
        """Link this account with the one that a code was made for, once its person has seen whose that is; what to say.
        Raises `StoreError`.
        """
        if self._tries.wait(account):
            return "Too many codes. Please wait a minute, and ask for a new one."
        hashed = _hash("".join(code.upper().replace("-", "").split()))
        other = await self._store.reader.linking(hashed, self._store.clock.now())
        if is_sure or other is None or other == account:
            return await self._store.link(account, hashed)
        name = await self._store.reader.name_of((other,))
        called = f"{visible_line(name)} ({other})" if name else other
        return (
            f"This code is of {called}. Whoever has that account could then answer as you. "
            f"If it is yours, send {prefix}link {code} {SURE}"
        )


def _hash(code: str) -> str:
    return hashlib.sha256(f"link {code}".encode()).hexdigest()
