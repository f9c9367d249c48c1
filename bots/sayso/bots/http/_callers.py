"""Who is at the other end of a call, what they may see and do, and the secrets that let them in."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sayso.bots.http._scopes import LONGEST_LIFE, check_bounds, check_scopes
from sayso.engine import (
    ANYWHERE,
    OPERATOR,
    Bounds,
    CastVote,
    Credential,
    CredentialKind,
    Fact,
    Interest,
    Locale,
    OperatorError,
    PersonId,
    Policy,
    Scope,
    Store,
    Vote,
    Warrant,
    canonical,
    evaluate,
    interests,
)

LINK_LIVES = timedelta(minutes=10)
SESSION_LIVES = timedelta(days=30)
WEB, INBOX = "web", "inbox"
"""The ways in of pages. By `web` come those whom an operator or the trusted proxy lets in as `web:NAME`; `operator`
stands for them. By `inbox` come accounts of chats, which signed in with a link from the bot: since anybody can write to
a bot, that stands for nobody, and they answer where they are named or belong to a chat or group that is.
"""
_TOKEN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+'\\ -]{0,63}")


class InvalidName(OperatorError):
    """A name that no person or program can be let in under."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"invalid name: {name!r}. Use up to 64 letters from a to z, digits, dots, _, @, + and -, "
            "for people also ', \\ and blanks, beginning with a letter or a digit."
        )


class InvalidExpiry(OperatorError):
    """A life that no token can have."""

    def __init__(self) -> None:
        super().__init__(
            f"No token was created: it must expire within {LONGEST_LIFE.days} days, for example in 90d."
        )


class TokenExpired(OperatorError):
    """A token was used after its end."""

    def __init__(self, name: str, expired_at: datetime) -> None:
        self.name = name
        self.expired_at = expired_at
        super().__init__(
            f"The token of token:{name} expired on {expired_at:%Y-%m-%d at %H:%M} UTC. `sayso token {name}` creates a "
            "new one."
        )


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was let in. `via` is the surface: `web`, `inbox`, `api`, `console`. Operators see and do everything.
    `ids` are all that is this person, `facts` what was looked up of them and `unknown` what could not be, for what they
    are shown: an answer is looked up anew. `credential` is the hash of the secret that let them in, `operators` those
    of whom an operator has to be one; both are looked at once more in the transaction of whatever they do. `scopes` and
    `bounds` are those of a program's token and `until` is its end; people have none. `locale` is how they read and
    write, as far as a page's request tells.
    """

    person: PersonId
    via: str
    is_operator: bool
    name: str = ""
    ids: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    unknown: tuple[str, ...] = ()
    credential: str | None = None
    operators: tuple[str, ...] | None = None
    scopes: frozenset[Scope] | None = None
    bounds: Bounds | None = None
    until: datetime | None = None
    locale: Locale = ANYWHERE

    @property
    def own_name(self) -> str:
        """What they call themselves here: of somebody who comes from a chat, that says it."""
        return self.person.partition(":")[2] if self.via == WEB else ""

    @property
    def operating(self) -> Warrant:
        """What lets an operator decide."""
        return Warrant(self.credential, operators=self.operators)

    def may_answer(
        self, audience: Sequence[str], policy: Policy | None = None, votes: Sequence[CastVote] = ()
    ) -> bool:
        """Whether an answer of theirs would be taken beside the `votes` so far, as the engine's policy says."""
        vote = self._vote()
        others = [one.as_vote() for one in votes if one.person not in (self.person, *self.ids)]
        return (
            self.person not in evaluate(policy or Policy(tuple(audience)), [*others, vote], vote.at).refused
        )

    def interests(self, *, asked: bool = True) -> tuple[Interest, ...]:
        """By what the open requests are found that they may come to answer, and those that they `asked` for."""
        return interests(self._vote(), asked=asked)

    def _vote(self) -> Vote:
        return Vote(self.person, self.via, None, datetime.now(UTC), facts=self.facts, accounts=self.ids)

    def may_see(self, audience: Sequence[str], requested_by: str | None) -> bool:
        """Whether they see a request: one that they may answer or have asked for."""
        return self.is_operator or self.asked(requested_by) or self.may_answer(audience)

    def asked(self, requested_by: str | None) -> bool:
        """Whether it was they who asked for something, by any of their accounts."""
        return requested_by is not None and requested_by in (self.person, *self.ids)


class Standing(Protocol):
    """What is known of somebody for lists: their ids, the chats and groups that they belong to, and those of which
    that could not be looked up.
    """

    @property
    def ids(self) -> tuple[str, ...]: ...
    @property
    def facts(self) -> tuple[Fact, ...]: ...
    @property
    def unknown(self) -> tuple[str, ...]: ...


Stand = Callable[[str, str], Awaitable[Standing]]
"""Looks that up, by person and surface. Raises `StoreError`."""


class Credentials:
    """Makes secrets and recognises them. `operators` are those who see and do everything, such as `web:ana`; so does
    `own`, the service's own user, who signs in with its link: not somebody of that name whom a proxy lets in.
    """

    def __init__(self, store: Store, operators: Sequence[str], own: str, stand: Stand | None = None) -> None:
        self._store = store
        self._stand = stand
        self._listed = frozenset(canonical(one) for one in operators)
        self._operators = self._listed | {canonical(own)}
        self._tokens: dict[str, Caller] = {}
        self._removals = 0

    async def make_link(self, name: str) -> str:
        """A secret that signs `web:name` in, once, within ten minutes. Raises `InvalidName`, `StoreError`."""
        return await self.make_link_of(web_person(name))

    async def make_link_of(self, person: str) -> str:
        """A secret that signs an account in, once, within ten minutes. Raises `StoreError`."""
        return await self._admit(CredentialKind.LINK, person, self._store.clock.now() + LINK_LIVES)

    async def make_token(
        self, name: str, scopes: Collection[Scope], lives: timedelta, bounds: Bounds | None = None
    ) -> tuple[str, datetime]:
        """A secret with which programs call as `token:name`, within `bounds`, and until when. Raises
        `InvalidName`, `InvalidScopes`, `InvalidRequest`, `InvalidExpiry`, `TokenExists`, `StoreError`.
        """
        if _TOKEN_NAME.fullmatch(name) is None:
            raise InvalidName(name)
        within = check_bounds(check_scopes(scopes), bounds)
        if not timedelta() < lives <= LONGEST_LIFE:
            raise InvalidExpiry
        until = self._store.clock.now() + lives
        made = await self._admit(CredentialKind.TOKEN, f"token:{name}", until, tuple(set(scopes)), within)
        return made, until

    async def sign_in(self, link: str) -> tuple[str, Caller] | None:
        """A session for a link, which is used up by it, and who it is; None where there is no such link."""
        session = secrets.token_urlsafe(32)
        until = self._store.clock.now() + SESSION_LIVES
        person = await self._store.redeem(_hash(link), _hash(session), until)
        if person is None:
            return None
        if person.startswith(f"{WEB}:"):
            await self._store.know(person, person.partition(":")[2])
        return session, await self._known(person, _hash(session))

    async def sign_out(self, session: str) -> None:
        """End a session."""
        await self._store.sign_out(_hash(session))

    async def revoke(self, person: str, by: str) -> int:
        """Remove everything that lets a person in; how much there was."""
        removed = await self._store.revoke(canonical(person), by)
        self._removals += 1
        self._tokens.clear()
        return removed

    async def by_session(self, session: str) -> Caller | None:
        """Who a session belongs to."""
        hashed = _hash(session)
        person = await self._store.reader.person_of(CredentialKind.SESSION, hashed, self._store.clock.now())
        return None if person is None else await self._known(person, hashed)

    async def by_name(self, name: str) -> Caller:
        """Whom a trusted proxy means by a name. Raises `InvalidName`."""
        return await self._known(web_person(name), operators=self._listed)

    async def by_token(self, token: str) -> Caller | None:
        """Which program a token belongs to. Raises `TokenExpired`.

        Those that were seen are kept in mind, for one process writes a file: whoever removes a token does it here.
        """
        hashed, removals = _hash(token), self._removals
        caller = self._tokens.get(hashed)
        if caller is None:
            found = await self._store.reader.token(hashed)
            caller = None if found is None else self._program(found, hashed)
        if caller is not None and caller.until is not None and caller.until <= self._store.clock.now():
            self._tokens.pop(hashed, None)
            raise TokenExpired(caller.name, caller.until)
        if caller is not None and removals == self._removals:
            self._tokens[hashed] = caller
        return caller

    def _program(self, found: Credential, hashed: str) -> Caller:
        """The program of a token. One that is an operator, by its name and by its scope, is asked as one too."""
        caller = self._caller(found.person, "api", hashed)
        is_operator = caller.is_operator and Scope.OPERATE in found.scopes
        facts = (Fact(OPERATOR, value=True, as_of=found.made_at),) if is_operator else ()
        return replace(
            caller,
            is_operator=is_operator,
            facts=facts,
            scopes=frozenset(found.scopes),
            bounds=found.bounds,
            until=found.expires_at,
        )

    async def _admit(
        self,
        kind: CredentialKind,
        person: str,
        until: datetime,
        scopes: Sequence[Scope] = (),
        bounds: Bounds | None = None,
    ) -> str:
        secret = secrets.token_urlsafe(32)
        await self._store.admit(kind, _hash(secret), person, until, scopes, bounds)
        return secret

    async def _known(
        self, person: str, credential: str | None = None, operators: frozenset[str] | None = None
    ) -> Caller:
        """A person at the inbox, with what is known of them."""
        via = WEB if person.startswith(f"{WEB}:") else INBOX
        caller = self._caller(person, via, credential, operators)
        if self._stand is None:
            return caller
        standing = await self._stand(person, caller.via)
        is_operator = not set(caller.operators or ()).isdisjoint((person, *standing.ids))
        name = (await self._store.reader.name_of(standing.ids)) or caller.name
        return replace(
            caller, is_operator=is_operator, ids=standing.ids, facts=standing.facts,
            unknown=standing.unknown, name=name,
        )  # fmt: skip

    def _caller(
        self, person: str, via: str, credential: str | None, operators: frozenset[str] | None = None
    ) -> Caller:
        known = self._operators if operators is None else operators
        return Caller(
            PersonId(person),
            via,
            is_operator=person in known,
            name=person.partition(":")[2],
            credential=credential,
            operators=tuple(sorted(known)),
        )


def web_person(name: str) -> str:
    """Somebody on the web by a name, however it is written: `Ana` and `ana` are one. Raises `InvalidName`."""
    person = canonical(f"{WEB}:{name}")
    if _NAME.fullmatch(person.partition(":")[2]) is None:
        raise InvalidName(name)
    return person


def csrf_token(session: str) -> str:
    """What a page of this session sends back with every write, which another site cannot know."""
    return hashlib.sha256(f"csrf {session}".encode()).hexdigest()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
