"""People and groups of the settings, as the engine takes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sayso.config._errors import InvalidSettings
from sayso.config._lines import place_of
from sayso.config._sections import GroupSettings, PersonSettings
from sayso.engine import Directory, Group, Person, example_people, is_person

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def build_directory(people: Mapping[str, PersonSettings], groups: Mapping[str, GroupSettings]) -> Directory:
    """The directory that the settings describe."""
    return Directory(
        people={name: Person(one.accounts, one.name, one.time_zone) for name, one in people.items()},
        groups={
            name: Group(tuple(_entry(member) for member in one.members), one.to)
            for name, one in groups.items()
        },
    )


def _entry(member: str) -> str:
    """A member as an entry: a name without a kind is that of a person."""
    return member if ":" in member else f"person:{member}"


def check_directory(
    people: Mapping[str, PersonSettings], groups: Mapping[str, GroupSettings], path: Path
) -> None:
    """Raises `InvalidSettings`, with the line, for names, accounts, zones and members that cannot be meant."""

    def refuse(key: tuple[str, ...], reason: str, remedy: str) -> None:
        raise InvalidSettings(place_of(path, key), ".".join(key), reason, remedy)

    owners: dict[str, str] = {}
    for name, person in people.items():
        _check_name(("people", name), refuse)
        key = ("people", name, "accounts")
        for account in person.accounts:
            if not is_person(account) or account.startswith("person:"):
                refuse(
                    key,
                    f"{account!r} is not an account",
                    f"Use accounts such as {example_people()}or web:ana.",
                )
            if account in owners:
                refuse(key, f"{account} also belongs to {owners[account]}", _ONE_OWNER)
            owners[account] = name
        if person.time_zone is not None and not _is_zone(person.time_zone):
            zone = ("people", name, "time_zone")
            refuse(zone, f"unknown time zone: {person.time_zone!r}", "Use one such as Europe/Berlin or UTC.")
    for name, group in groups.items():
        _check_name(("groups", name), refuse)
        for member in group.members:
            if not is_person(_entry(member)) or (":" not in member and member not in people):
                remedy = f"Use an account, or add [people.{member}]"
                refuse(("groups", name, "members"), f"unknown member {member!r}", remedy)


_ONE_OWNER = "Each account can belong to one person only."


def _check_name(key: tuple[str, str], refuse: Callable[[tuple[str, ...], str, str], None]) -> None:
    if _NAME.fullmatch(key[1]) is None:
        reason = "a name may have up to 64 lower-case letters, digits, dots, _ and -"
        refuse(key, reason, "To set a display name, use `name` in the section.")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True
