"""Who people are: accounts, as text that surfaces hand in (`local:ana`, `web:ana`, `token:ci`, and those of
platforms), and the directory that says which accounts are one person (`person:ana`) and who belongs to a group.
"""

from __future__ import annotations

import os
import pwd
import re
import unicodedata
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import NewType

import msgspec

from sayso.engine._audience import GROUP, REQUESTER, canonical, chats, is_person
from sayso.engine._platforms import platform_names

PersonId = NewType("PersonId", str)
"""One account of a person on one surface; ids are the platform's immutable ones, never display names."""

PERSON = "person"
"""The kind of an entry that names a person of the directory: `person:ana`."""


class Person(msgspec.Struct, frozen=True, gc=False):
    """Somebody with all their accounts. `name` is what cards call them, `time_zone` such as `Europe/Berlin`."""

    accounts: tuple[str, ...] = ()
    name: str | None = None
    time_zone: str | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "accounts", tuple(canonical(one) for one in self.accounts))


class Group(msgspec.Struct, frozen=True, gc=False):
    """A group of people. `members` are those who are listed by name; `places` are the destinations of its cards, by
    default each member's own chat.
    """

    members: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "members", tuple(canonical(one) for one in self.members))


class Directory(msgspec.Struct, frozen=True):
    """People and groups by their names, which entries write as `person:NAME` and `group:NAME`."""

    people: Mapping[str, Person] = {}
    groups: Mapping[str, Group] = {}

    def rows(self) -> list[tuple[str, str, str]]:
        """Every account with its person and what they are called."""
        return [
            (account, f"{PERSON}:{name}", person.name or name)
            for name, person in self.people.items()
            for account in person.accounts
        ]

    def person_of(self, entry: str) -> str:
        """The person to whom an account belongs, or the entry itself."""
        for name, person in self.people.items():
            if canonical(entry) in person.accounts:
                return f"{PERSON}:{name}"
        return entry

    def accounts_of(self, entry: str) -> tuple[str, ...]:
        """The accounts of a person of the directory; of any other entry, itself."""
        kind, _, name = entry.partition(":")
        if kind != PERSON:
            return (entry,)
        return self.people[name].accounts if name in self.people else ()

    def ids_of(self, entry: str) -> tuple[str, ...]:
        """All ids of the person whom an entry names, itself first."""
        person = self.person_of(entry)
        return tuple(dict.fromkeys([entry, person, *self.accounts_of(person)]))

    def may_be_somebody(self, entry: str) -> bool:
        """Whether an entry can be a person: `person:NAME` has to be listed, and `requester` is a placeholder."""
        kind, _, name = entry.partition(":")
        return entry != REQUESTER and (kind != PERSON or name in self.people)

    def members_of(self, entry: str) -> tuple[str, ...]:
        """The members of a group that are listed by name."""
        kind, _, name = entry.partition(":")
        group = self.groups.get(name) if kind == GROUP else None
        return () if group is None else group.members

    def places_of(self, entries: Sequence[str]) -> tuple[str, ...]:
        """The destinations for the cards of these approvers: chats, people's own chats, and those of groups."""
        found: list[str] = []
        for entry in entries:
            kind, _, name = entry.partition(":")
            group = self.groups.get(name) if kind == GROUP else None
            if group is not None:
                found += group.places or self.places_of([one for one in group.members if is_person(one)])
            else:
                found += chats(self.accounts_of(entry))
        return tuple(dict.fromkeys(found))


@cache
def _like_an_id() -> re.Pattern[str]:
    kinds = sorted({"web", "local", "token", PERSON} | platform_names())
    return re.compile(rf"\b({'|'.join(kinds)}):")


def fold_name(name: str) -> str:
    """A name as readers see it: those that differ only in case, blanks, or what is invisible are the same to them."""
    letters = unicodedata.normalize("NFKC", name)
    seen = "".join(one for one in letters if unicodedata.category(one) not in _UNSEEN and one not in _BLANK)
    return unicodedata.normalize("NFKC", " ".join(seen.split()).casefold())


_UNSEEN = ("Cf", "Cn", "Co", "Cs")
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0" + "".join(map(chr, range(0xFE00, 0xFE10)))
)
"""Letters and marks that show nothing."""


def last_part(person: str) -> str:
    """The last part of an id that says something."""
    kind, _, rest = person.partition(":")
    return rest if kind in ("local", "web", "token", PERSON) else ""


class NamedPerson(msgspec.Struct, frozen=True, gc=False):
    """Somebody as a card names them: by an account or as a person, `whose` it is, and an account to tell them by."""

    person: str
    name: str | None
    whose: str
    account: str

    @property
    def last_part(self) -> str:
        """The last part of the id that says something."""
        return last_part(self.person)


def tell_apart(people: Sequence[NamedPerson], called: Mapping[str, AbstractSet[str]]) -> dict[str, str]:
    """What each of some people is called, with their account beside it where the name alone could be somebody else's.

    `called` are, by folded name, those of the store who are called so. Whoever has no name goes by the last part of
    their id where that says something; the others are left out.
    """
    shown = [(one, one.name or one.last_part) for one in people if one.name or one.last_part]
    alike: dict[str, set[str]] = {}
    for one, name in shown:
        folded = fold_name(name)
        alike.setdefault(folded, set(called.get(folded, ()))).add(one.whose)
    found: dict[str, str] = {}
    for one, name in shown:
        folded = fold_name(name)
        if len(alike[folded]) > 1 or (one.name and _like_an_id().search(folded)):
            found[one.person] = f"{name} ({one.account})"
        elif one.name:
            found[one.person] = name
    return found


def local_person() -> PersonId:
    """The OS user that runs this process, as `local:<name>` (or the numeric id if the user has no name)."""
    user_id = os.getuid()
    try:
        return PersonId(f"local:{pwd.getpwuid(user_id).pw_name}")
    except KeyError:
        return PersonId(f"local:{user_id}")
