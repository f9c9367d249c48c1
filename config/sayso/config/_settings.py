"""What can be set, where it is read from, and what is said when it cannot be used."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, cast

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from sayso.engine import OperatorError

FILE_NAME = "sayso.toml"
_PREFIX = "SAYSO_"


class InvalidSettings(OperatorError):
    """A setting cannot be used. `place` is the file or `the environment`, `key` the setting as it stands there."""

    def __init__(self, place: str, key: str, reason: str, remedy: str) -> None:
        self.place = place
        self.key = key
        self.reason = reason
        self.remedy = remedy
        subject = f"{key} in {place}" if key else place
        super().__init__(f"{subject} cannot be used: {reason}. {remedy}")


class Settings(BaseSettings):
    """Everything that can be set. The environment wins over the file, the file over what stands here."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
    )

    database: str = Field(
        default="sayso.db",
        min_length=1,
        description="The database file, as a path or sqlite:///path; `sayso run` creates it.",
    )
    resident: int | None = Field(
        default=None,
        ge=0,
        description="How many parked runs stay in memory. Unset, 1000; 0 sets every run aside when it parks.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the values handed in, which are the file's; no `.env` file."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def load_settings(directory: Path | None = None) -> Settings:
    """The settings of a directory, by default the working directory, and of the environment.

    Raises `InvalidSettings` with the file, the key and what to write instead.
    """
    path = (directory or Path.cwd()) / FILE_NAME
    given = _read(path)
    try:
        return Settings(**given)
    except ValidationError as error:
        raise _explain(error, path) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(
            str(path), "", f"it cannot be read: {error}", "Check its rights and encoding (UTF-8)."
        ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings(
            str(path), "", f"it is no TOML: {error}", "Write one `key = value` a line, with text in quotes."
        ) from error


def _explain(error: ValidationError, path: Path) -> InvalidSettings:
    first = error.errors(include_url=False)[0]
    key = str(first["loc"][0])
    known = cast("dict[str, Any]", Settings.model_fields)
    if key not in known:
        return InvalidSettings(
            str(path), key, "there is no such setting", f"Known settings: {', '.join(known)}."
        )
    variable = f"{_PREFIX}{key.upper()}"
    reason = f"{first['input']!r}: {first['msg']}"
    if os.environ.get(variable):
        remedy = f"Correct it, or unset {variable} to use {FILE_NAME} or the default."
        return InvalidSettings("the environment", variable, reason, remedy)
    return InvalidSettings(
        str(path), key, reason, f"Correct it, or remove the line to use the default ({known[key].default!r})."
    )
