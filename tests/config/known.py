"""Every setting there is, as it stands in the file and in the environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sayso.bots.slack import SLACK
from sayso.bots.telegram import TELEGRAM
from sayso.config import (
    AskSettings,
    DestinationSettings,
    GitHubSettings,
    GroupSettings,
    HooksSettings,
    HttpSettings,
    LogSettings,
    PersonSettings,
    PolicySettings,
    Settings,
    WorkflowSettings,
)

SECTIONS: dict[str, type[BaseModel]] = {
    SLACK.name: SLACK.Settings,
    TELEGRAM.name: TELEGRAM.Settings,
    "http": HttpSettings,
    "ask": AskSettings,
    "hooks": HooksSettings,
    "github": GitHubSettings,
    "log": LogSettings,
}
"""Tables whose keys have variables of their own."""

MANY: dict[str, type[BaseModel]] = {
    "workflows": WorkflowSettings,
    "destinations": DestinationSettings,
    "policies": PolicySettings,
    "people": PersonSettings,
    "groups": GroupSettings,
}
"""Tables that stand several times; in the environment they are one variable that holds JSON."""


GROUPS = {
    platform.name: field.description or ""
    for platform in (SLACK, TELEGRAM)
    for field in get_args(platform.group_id)
    if isinstance(field, FieldInfo)
}
"""What a group's table can say of platforms."""


def settings_with_variables() -> Iterator[tuple[str, str]]:
    """Each setting, with its section before a dot, and its variable."""
    for name, model in SECTIONS.items():
        for key in model.model_fields:
            yield f"{name}.{key}", f"SAYSO_{name.upper()}__{key.upper()}"
    for platform in GROUPS:
        yield f"groups.{platform}", "SAYSO_GROUPS"
    for name in Settings.model_fields.keys() - SECTIONS.keys():
        if name in MANY:
            for key in MANY[name].model_fields:
                yield f"{name}.{key}", f"SAYSO_{name.upper()}"
        else:
            yield name, f"SAYSO_{name.upper()}"


def descriptions() -> Iterator[tuple[str, str]]:
    """Each setting's key with what it says, sections left out."""
    models: list[type[BaseModel]] = [Settings, *SECTIONS.values(), *MANY.values()]
    yield from GROUPS.items()
    for model in models:
        for name, field in model.model_fields.items():
            if name not in SECTIONS and name not in MANY:
                yield name, field.description or ""
