"""Every setting there is, as it stands in the file and in the environment."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from sayso.config import (
    DestinationSettings,
    GroupSettings,
    HttpSettings,
    LogSettings,
    PersonSettings,
    PolicySettings,
    Settings,
    SlackSettings,
    TelegramSettings,
    WorkflowSettings,
)

SECTIONS: dict[str, type[BaseModel]] = {
    "slack": SlackSettings,
    "telegram": TelegramSettings,
    "http": HttpSettings,
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


def settings_with_variables() -> Iterator[tuple[str, str]]:
    """Each setting, with its section before a dot, and its variable."""
    for name in Settings.model_fields:
        if name in SECTIONS:
            for key in SECTIONS[name].model_fields:
                yield f"{name}.{key}", f"SAYSO_{name.upper()}__{key.upper()}"
        elif name in MANY:
            for key in MANY[name].model_fields:
                yield f"{name}.{key}", f"SAYSO_{name.upper()}"
        else:
            yield name, f"SAYSO_{name.upper()}"


def descriptions() -> Iterator[tuple[str, str]]:
    """Each setting's key with what it says, sections left out."""
    models: list[type[BaseModel]] = [Settings, *SECTIONS.values(), *MANY.values()]
    for model in models:
        for name, field in model.model_fields.items():
            if name not in SECTIONS and name not in MANY:
                yield name, field.description or ""
