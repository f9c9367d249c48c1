"""Who is at the other end of a call, what they may see and do, and the secrets that let them in."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sayso.engine import CredentialKind, OperatorError, PersonId, Policy, SQLiteStore, Vote, evaluate

LINK_LIVES = timedelta(minutes=10)
SESSION_LIVES = timedelta(days=30)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


class InvalidName(OperatorError):
    """A name that no person or program can be let in under."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"{name!r} is no name to let somebody in under: up to 64 letters, digits, dots, _, @, + and -, "
            "beginning with a letter or a digit."
        )


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was let in. `via` is the surface: `web`, `api`, `console`. Operators see and do everything."""

    person: PersonId
    via: str
    is_operator: bool

    def may_answer(self, audience: Sequence[str]) -> bool:
        """Whether an answer of theirs would be taken, as the engine's policy says."""
        vote = Vote(self.person, self.via, None, datetime.now(UTC))
        return not evaluate(Policy(tuple(audience)), [vote], vote.at).refused

    def may_see(self, audience: Sequence[str], requested_by: str | None) -> bool:
        """Whether they see a request: one that they may answer or have asked for."""
        return self.is_operator or self.person == requested_by or self.may_answer(audience)


class Credentials:
    """Makes secrets and recognises them. `operators` are those who see and do everything, such as `web:ana`."""

    def __init__(self, store: SQLiteStore, operators: Sequence[str]) -> None:
        self._store = store
        self._operators = frozenset(operators)
        self._tokens: dict[str, Caller] = {}
        self._removals = 0

    async def make_link(self, name: str) -> str:
        """A secret that signs `web:name` in, once, within ten minutes. Raises `InvalidName`, `StoreError`."""
        return await self._admit(CredentialKind.LINK, "web", name, self._store.clock.now() + LINK_LIVES)

    async def make_token(self, name: str) -> str:
        """A secret with which programs call as `token:name`. Raises `InvalidName`, `TokenExists`, `StoreError`."""
        return await self._admit(CredentialKind.TOKEN, "token", name, None)

    async def sign_in(self, link: str) -> tuple[str, Caller] | None:
        """A session for a link, which is used up by it, and who it is; None where there is no such link."""
        session = secrets.token_urlsafe(32)
        until = self._store.clock.now() + SESSION_LIVES
        person = await self._store.redeem(_hash(link), _hash(session), until)
        if person is None:
            return None
        await self._store.know(person, person.partition(":")[2])
        return session, self._caller(person, "web")

    async def sign_out(self, session: str) -> None:
        """End a session."""
        await self._store.sign_out(_hash(session))

    async def shut_out(self, person: str, by: str) -> int:
        """Remove everything that lets a person in; how much there was."""
        removed = await self._store.shut_out(person, by)
        self._removals += 1
        self._tokens.clear()
        return removed

    async def by_session(self, session: str) -> Caller | None:
        """Who a session belongs to."""
        return await self._by(CredentialKind.SESSION, _hash(session), "web")

    async def by_token(self, token: str) -> Caller | None:
        """Which program a token belongs to.

        Those that were seen are kept in mind: a token does not expire, and whoever removes one does it here, for one
        process writes a file.
        """
        hashed, removals = _hash(token), self._removals
        caller = self._tokens.get(hashed) or await self._by(CredentialKind.TOKEN, hashed, "api")
        if caller is not None and removals == self._removals:
            self._tokens[hashed] = caller
        return caller

    async def _by(self, kind: CredentialKind, hashed: str, via: str) -> Caller | None:
        person = await self._store.reader.person_of(kind, hashed, self._store.clock.now())
        return None if person is None else self._caller(person, via)

    async def _admit(self, kind: CredentialKind, surface: str, name: str, until: datetime | None) -> str:
        if _NAME.fullmatch(name) is None:
            raise InvalidName(name)
        secret = secrets.token_urlsafe(32)
        await self._store.admit(kind, _hash(secret), f"{surface}:{name}", until)
        return secret

    def _caller(self, person: str, via: str) -> Caller:
        return Caller(PersonId(person), via, is_operator=person in self._operators)


def csrf_token(session: str) -> str:
    """What a page of this session sends back with every write, which another site cannot know."""
    return hashlib.sha256(f"csrf {session}".encode()).hexdigest()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
