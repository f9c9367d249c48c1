"""People and groups of the settings, as the engine takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sayso.config._errors import InvalidSettings
from sayso.config._sections import GroupSettings, PersonSettings
from sayso.engine import Directory, Group, Person, is_person

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
    """Raises `InvalidSettings` for names, accounts, zones and members that cannot be meant."""
    owners: dict[str, str] = {}
    for name, person in people.items():
        key = f"people.{name}"
        _check_name(key, name, path)
        for account in person.accounts:
            if not is_person(account) or account.startswith("person:"):
                reason = f"{account!r} is no account"
                raise InvalidSettings(
                    str(path),
                    f"{key}.accounts",
                    reason,
                    "Write accounts such as slack:T1:U2, telegram:7 or web:ana.",
                )
            if account in owners:
                reason = f"{account} is an account of {owners[account]} too"
                raise InvalidSettings(
                    str(path), f"{key}.accounts", reason, "An account belongs to one person."
                )
            owners[account] = name
        _check_zone(f"{key}.time_zone", person.time_zone, path)
    for name, group in groups.items():
        key = f"groups.{name}"
        _check_name(key, name, path)
        for member in group.members:
            if not is_person(_entry(member)) or (":" not in member and member not in people):
                reason = f"{member!r} is nobody"
                raise InvalidSettings(
                    str(path),
                    f"{key}.members",
                    reason,
                    f"Write an account, or a name that has a table: [people.{member}]",
                )


def _check_name(key: str, name: str, path: Path) -> None:
    if _NAME.fullmatch(name) is None:
        reason = "a name is up to 64 small letters, digits, dots, _ and -"
        raise InvalidSettings(str(path), key, reason, "What cards say is `name` in the table.")


def _check_zone(key: str, zone: str | None, path: Path) -> None:
    try:
        _ = None if zone is None else ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidSettings(
            str(path), key, f"there is no time zone {zone!r}", "Write one such as Europe/Berlin or UTC."
        ) from error
