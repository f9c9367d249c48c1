"""The chat platforms that are installed, by their entry points: how each writes its people. What else a platform
does is for those who run it. A platform is loaded when somebody of its kind is first met.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol, cast

from sayso.engine.errors import PlatformUnusable

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS: Final = "sayso.platforms"
"""The group of entry points in which packages name their platforms."""

OWN_KINDS: Final = frozenset(
    {"local", "web", "token", "person", "group", "console", "api", "operator", "code"}
)
"""What entries begin with that are of no platform."""

_TAKEN: Final = OWN_KINDS | {"rule", "grant"}
"""What no platform may be called: votes of rules and grants begin so."""

_NAME = re.compile(r"[a-z][a-z0-9]{0,31}")


class PlatformPeople(Protocol):
    """How people on a platform are named: `NAME:REST`. The last part of REST, after its last colon, is the platform's
    own id, which never changes; earlier parts may say where the id is from.
    """

    @property
    def name(self) -> str:
        """The prefix of its people and places, and its table in sayso.toml: lower-case letters and digits, a letter
        first.
        """
        ...

    @property
    def title(self) -> str:
        """Its name for readers."""
        ...

    @property
    def example_person(self) -> str:
        """An example of a person, for texts that explain how people are named."""
        ...

    @property
    def example_place(self) -> str:
        """An example of a chat with several people, for the same texts."""
        ...

    def is_person(self, rest: str) -> bool:
        """Whether the text after `NAME:` is a person, not a chat. It must never change its mind, because the answer is
        stored.
        """
        ...


def platform_names() -> frozenset[str]:
    """The names of all installed platforms; none of them is loaded."""
    return frozenset(_entry_points())


def find_platform(name: str) -> PlatformPeople | None:
    """The installed platform of that name. Raises `PlatformUnusable`."""
    return _load(name) if name in _entry_points() else None


def installed_platforms() -> tuple[PlatformPeople, ...]:
    """All installed platforms, by their names. Raises `PlatformUnusable`."""
    return tuple(_load(name) for name in sorted(_entry_points()))


def example_people() -> str:
    """Examples of people on the installed platforms, each followed by a comma and a space."""
    return "".join(f"{one.example_person}, " for one in installed_platforms())


@cache
def _entry_points() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - who meets nobody of a platform needs none

    found: dict[str, EntryPoint] = {}
    for one in entry_points(group=ENTRY_POINTS):
        if one.name in _TAKEN or _NAME.fullmatch(one.name) is None:
            raise PlatformUnusable(one.name, one.value, "no platform can have this name")
        if one.name in found and found[one.name].value != one.value:
            raise PlatformUnusable(one.name, one.value, f"{found[one.name].value} has this name too")
        found[one.name] = one
    return found


@cache
def _load(name: str) -> PlatformPeople:
    entry = _entry_points()[name]
    try:
        platform = cast("PlatformPeople", entry.load())
    except (ImportError, AttributeError) as error:
        raise PlatformUnusable(name, entry.value, str(error)) from error
    if platform.name != name:
        raise PlatformUnusable(name, entry.value, f"it calls itself {platform.name!r}")
    return platform
