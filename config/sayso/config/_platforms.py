"""What installed platforms bring to the settings: a table of their own, groups, and the names of places."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, cast

from pydantic import BaseModel, ConfigDict, create_model

from sayso.engine import PlatformPeople, PlatformUnusable, find_platform, installed_platforms


@dataclass(frozen=True, slots=True)
class Place:
    """What the name of a destination says by itself. `chat_id` is the platform's own id, None if the name is an alias
    that needs an `id` in the settings.
    """

    chat_id: str | None
    is_direct: bool


class PlatformSettings(PlatformPeople, Protocol):
    """How a platform is configured, and how its places are named."""

    @property
    def Settings(self) -> type[BaseModel]:  # noqa: N802 - it is a class
        """Its table in sayso.toml, and its variables `SAYSO_NAME__KEY`. `SecretStr` fields come only from the
        environment, or from the file that the field NAME_file names.
        """
        ...

    @property
    def group_id(self) -> object | None:
        """The type of the ids of its groups, for pydantic; in a group's table they are `NAME = "..."`. None if the
        platform has no groups.
        """
        ...

    def group_words(self, group: str) -> str:
        """The members of one of its groups in words, for `sayso people`."""
        ...

    @property
    def place_forms(self) -> Sequence[str]:
        """The forms of its places, for texts that explain them: `slack:#channel`."""
        ...

    @property
    def example_ids(self) -> tuple[str, str]:
        """Examples of ids: of a chat with one person, and of a chat with several."""
        ...

    @property
    def command_prefix(self) -> str:
        """The prefix of commands that people type there: `/`."""
        ...

    @property
    def loggers(self) -> Sequence[str]:
        """The loggers of its libraries, of which only warnings and errors are logged."""
        ...

    def place(self, rest: str) -> Place | None:
        """The place that the text after `NAME:` names; None if it cannot name one. The id of a person's private chat is
        the last part of the person's id.
        """
        ...

    def own_chats(self, rest: str) -> Sequence[str]:
        """Other names of a person's own chat that need no settings, besides their account."""
        ...


def find_settings(name: str) -> PlatformSettings | None:
    """The installed platform of that name. Raises `PlatformUnusable`."""
    return cast("PlatformSettings | None", find_platform(name))


def all_settings() -> tuple[PlatformSettings, ...]:
    """All installed platforms. Raises `PlatformUnusable`."""
    return cast("tuple[PlatformSettings, ...]", installed_platforms())


@cache
def sections() -> type[BaseModel]:
    """The tables of all installed platforms."""
    return _model("Platforms", {one.name: one.Settings for one in all_settings()})


@cache
def groups() -> type[BaseModel]:
    """What a group's table can say of the installed platforms."""
    return _model("Groups", {one.name: one.group_id for one in all_settings() if one.group_id is not None})


def _model(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    optional: dict[str, Any] = {one: (kind | None, None) for one, kind in fields.items()}
    return create_model(name, __config__=ConfigDict(extra="forbid", frozen=True), **optional)


def take(model: type[BaseModel], given: object, own: Collection[str]) -> object:
    """What was given for some settings of our `own` and for platforms, the latter as the platforms read it. Raises
    `ValidationError`, also for what is neither.
    """
    if not isinstance(given, dict):
        return given
    values = cast("dict[str, Any]", given)
    for name in model.model_fields.keys() & set(own):
        raise PlatformUnusable(name, name, "a setting of sayso has this name")
    theirs = model.model_validate({key: value for key, value in values.items() if key not in own})
    return {**{key: value for key, value in values.items() if key in own}, **dict(theirs)}
