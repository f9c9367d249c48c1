"""Who people are in Slack, asked at the press.

A person is `slack:<enterprise or workspace>:<user>`, which Slack alone decides (`users.info`): no payload does, for
each kind names another workspace, or none. What an older sayso took from payloads is made known to the store as other
forms of the same account, before anything of theirs is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sayso.bots.chats import DeliveryProblem
from sayso.bots.people import LookUpFailed, at_once
from sayso.bots.slack._api import Api
from sayso.engine import ANYWHERE, Locale, PersonId, Store

_NOBODY = ("user_not_found", "user_not_visible")


@dataclass(frozen=True, slots=True)
class Profile:
    """What Slack says of an account. A guest belongs to some channels alone, a stranger to another organisation."""

    name: str
    is_bot: bool
    is_gone: bool
    is_guest: bool
    is_stranger: bool

    @property
    def why_not(self) -> str | None:
        """Why `audience = "members"` does not mean them, or None: guests and strangers have to be named."""
        if self.is_bot or self.is_gone:
            return "Bots and accounts that were closed cannot answer."
        if self.is_stranger:
            return (
                "You belong to another organisation: an operator has to name you before you can answer here."
            )
        return "Guests answer only where an operator names them." if self.is_guest else None


@dataclass(frozen=True, slots=True)
class Installation:
    """What the app belongs to, as its token says: a workspace (the enterprise itself in an org-wide install), and the
    enterprise of that where there is one.
    """

    team: str
    enterprise: str | None

    @property
    def organisation(self) -> str:
        """The enterprise, or else the workspace."""
        return self.enterprise or self.team

    @classmethod
    def read(cls, answer: dict[str, Any]) -> Installation:
        """The installation that `auth.test` answers with."""
        enterprise = str(answer.get("enterprise_id") or "") or None
        return cls(str(answer.get("team_id") or enterprise or ""), enterprise)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is: their organisation, and all the workspaces that an id of theirs may name instead of it."""

    user_id: str
    organisation: str
    teams: tuple[str, ...]

    @property
    def person(self) -> PersonId:
        """How they are written."""
        return person_id(self.organisation, self.user_id)

    @property
    def forms(self) -> tuple[str, ...]:
        """How else they may have been written; user ids are unique in an enterprise."""
        return tuple(person_id(team, self.user_id) for team in self.teams if team != self.organisation)

    def belongs_to(self, installation: Installation) -> bool:
        """Whether the app is theirs, and not another organisation's."""
        return self.organisation == installation.organisation or installation.team in self.teams

    @classmethod
    def read(cls, user_id: str, user: dict[str, Any], installation: Installation) -> Identity:
        """Whose an account is by `users.info`. Raises `LookUpFailed` where that does not say it."""
        enterprise_user: dict[str, Any] = user.get("enterprise_user") or {}
        team = str(user.get("team_id") or "")
        enterprise = str(enterprise_user.get("enterprise_id") or "")
        if not team and not enterprise:
            raise LookUpFailed(f"Slack does not say to which workspace {user_id} belongs")
        organisation = enterprise or (installation.organisation if team == installation.team else team)
        teams = [team, *(enterprise_user.get("teams") or ())]
        if organisation == installation.organisation:
            teams.append(installation.team)
        return cls(user_id, organisation, tuple(dict.fromkeys(str(one) for one in teams if one)))


def person_id(organisation: str, user_id: str) -> PersonId:
    """How a person is written."""
    return PersonId(f"slack:{organisation}:{user_id}")


def _zone(name: object) -> tzinfo:
    """The time zone of an account; UTC where this machine does not know it."""
    try:
        return ZoneInfo(str(name or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


class People:
    """Looks people of one workspace up; what it remembers are who and what they are called, never who may do what."""

    def __init__(self, api: Api, store: Store, installation: Installation) -> None:
        self._api = api
        self._store = store
        self._installation = installation
        self._names: dict[str, str] = {}
        self._identities: dict[str, Identity] = {}
        self._locales: dict[str, Locale] = {}

    def known(self, user_id: str) -> PersonId | None:
        """Who has this id, where Slack was asked before; the store knows all their forms."""
        identity = self._identities.get(user_id)
        return None if identity is None else identity.person

    async def identify(self, user_id: str) -> PersonId:
        """Who has this id, the same for every payload of theirs; the store knows all their forms when it returns.
        Raises `LookUpFailed`, `StoreError`; it may take as long as Slack does.
        """
        try:
            return (await self._identify(user_id)).person
        except DeliveryProblem as problem:
            raise LookUpFailed(str(problem)) from problem

    async def settle(self, people: Sequence[str]) -> None:
        """Have those who are written in another form than today's be known for who they are. Whoever Slack does not
        know any more stands for themselves. Raises `LookUpFailed`, `StoreError`.
        """
        others: dict[str, set[str]] = {}
        for person in people:
            platform, _, rest = person.partition(":")
            organisation, _, user_id = rest.rpartition(":")
            if platform == "slack" and organisation and user_id not in self._identities:
                others.setdefault(user_id, set()).add(organisation)
        for settled in await at_once(None, [self._settle(*one) for one in others.items()]):
            if settled is not None:
                raise settled

    async def _settle(self, user_id: str, organisations: set[str]) -> None:
        try:
            if organisations - {self._installation.organisation}:
                await self._identify(user_id)
        except DeliveryProblem as problem:
            if not str(problem).startswith(_NOBODY):
                raise LookUpFailed(str(problem)) from problem

    def name(self, user_id: str, handle: str) -> str:
        """What somebody is called, or else their handle."""
        return self._names.get(user_id, handle)

    def locale(self, user_id: str) -> Locale:
        """How somebody writes numbers and dates, as far as Slack has said."""
        return self._locales.get(user_id, ANYWHERE)

    async def profile(self, user_id: str) -> Profile:
        """An account as Slack has it now. Raises `DeliveryProblem`, `LookUpFailed`, `StoreError`."""
        return (await self._look_up(user_id))[0]

    async def _identify(self, user_id: str) -> Identity:
        return self._identities.get(user_id) or (await self._look_up(user_id))[1]

    async def _look_up(self, user_id: str) -> tuple[Profile, Identity]:
        installation = self._installation
        user: dict[str, Any] = (await self._api.call("users_info", user=user_id, include_locale=True))["user"]
        given: dict[str, Any] = user.get("profile") or {}
        name = given.get("display_name") or given.get("real_name") or user.get("real_name") or user["name"]
        identity = Identity.read(user_id, user, installation)
        if self._identities.get(user_id) != identity:
            if identity.forms:
                await self._store.recognise(identity.person, identity.forms)
            self._identities[user_id] = identity
        self._names[user_id] = str(name)
        self._locales[user_id] = Locale.of(str(user.get("locale") or ""), _zone(user.get("tz")))
        profile = Profile(
            name=str(name),
            is_bot=bool(user.get("is_bot")),
            is_gone=bool(user.get("deleted")),
            is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            is_stranger=not identity.belongs_to(installation),
        )
        return profile, identity
