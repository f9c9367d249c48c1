"""Codes by which one person's accounts on several platforms are made one: made on one of them, sent from the other, and
agreed to on both.

A code is taken in private alone, and belongs to the first account that sends it. Nobody is talked into it, and nobody
who reads a code gets anything by it: the sender sees whose code it is, the maker sees who sent it, and each says yes.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import assert_never

from sayso.adapters.cards import ToType, Words
from sayso.adapters.console import visible_line
from sayso.bots.http import RateLimit
from sayso.config import all_settings
from sayso.engine import LinkStep, Store

CODE_LIVES = timedelta(minutes=10)
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH = 8
_TRIES_PER_MINUTE = 5
SURE = "yes"
"""Behind a code: the account at its other end is one's own."""


class Links:
    """Makes codes and uses them up. Only their hashes are stored. Somebody who guesses is stopped after a few tries a
    minute; of a thousand billion codes, at most one is good at a time for each account.

    `listed_may_link` says whether people of the settings link accounts as well; `alarm` is called where people have to
    be notified at once.
    """

    def __init__(self, store: Store, alarm: Callable[[], None], *, listed_may_link: bool) -> None:
        self._store = store
        self._alarm = alarm
        self._listed_may_link = listed_may_link
        self._tries = RateLimit(_TRIES_PER_MINUTE)

    async def begin(self, account: str, prefix: str) -> Words:
        """Make a code that links this account, once, within ten minutes; what to say. Raises `StoreError`."""
        code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        until = self._store.clock.now() + CODE_LIVES
        refused = await self._store.begin_link(
            account, _hash(code), until, listed_may_link=self._listed_may_link
        )
        if refused is not None:
            return (refused,)
        code = f"{code[:4]}-{code[4:]}"
        return (
            f"Your code is {code}. It works for ten minutes. Send it to me in a private chat from your other account: ",
            f"{_everywhere(code)}. Then confirm on both; here, with ",
            ToType(f"{prefix}link {code} {SURE}"),
            ". After that, both accounts are one person with one vote.",
        )

    async def expose(self, code: str) -> str:
        """Void a code that was sent where others read it; what to say. Raises `StoreError`."""
        await self._store.void_link(_hash(_letters(code)))
        return "Send codes in a private chat with me. Others can read this one, so it is void; ask for a new one there."

    async def use(self, account: str, code: str, prefix: str, *, is_sure: bool) -> Words:
        """Take a step with a code, as the one who made it or the first who sends it; what to say.

        Raises `StoreError`.
        """
        if self._tries.wait(account):
            return ("Too many codes. Please wait a minute, and ask for a new one.",)
        linking = await self._store.link(
            account, _hash(_letters(code)), is_sure=is_sure, listed_may_link=self._listed_may_link
        )
        if linking.step is LinkStep.REFUSED:
            return (linking.said,)
        other = called(await self._store.reader.name_of((linking.other,)), linking.other)
        sure = ToType(f"{prefix}link {code} {SURE}")
        match linking.step:
            case LinkStep.SHOWN:
                return (
                    f"This code belongs to {other}. Once linked, that account can answer as you. ",
                    "If it is yours, send ",
                    sure,
                )
            case LinkStep.WAITS:
                self._alarm()
                return (
                    f"Now confirm there as well: send the code with {SURE} as {other}, who is being notified.",
                )
            case LinkStep.SENT:
                return (f"{other} sent this code, and has not said yes yet.",)
            case LinkStep.AGREED:
                return (
                    f"{other} sent this code. Once linked, that account can answer as you. ",
                    "If it is yours, send ",
                    sure,
                )
            case LinkStep.LINKED:
                self._alarm()
                return (f"Linked: {other} and {account} are one person now, with one vote.",)
            case _:
                assert_never(linking.step)

    async def end(self, account: str) -> str:
        """Let an account stand for itself again; what to say. Raises `StoreError`."""
        said = await self._store.unlink(account)
        self._alarm()
        return said


def _everywhere(code: str) -> str:
    return ", ".join(f"{one.command_prefix}link {code} in {one.title}" for one in all_settings())


def called(name: str | None, account: str) -> str:
    """Somebody by their name and their account."""
    if name is None:
        return account
    return visible_line(name if name.endswith(f"({account})") else f"{name} ({account})")


def _letters(code: str) -> str:
    """A code as it was made, however it was typed."""
    return "".join(code.upper().replace("-", "").split())


def _hash(code: str) -> str:
    return hashlib.sha256(f"link {code}".encode()).hexdigest()
