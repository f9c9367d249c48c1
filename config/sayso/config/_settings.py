"""All settings, where they are read from, and the errors for invalid ones."""

from __future__ import annotations

import os
import tomllib
from datetime import tzinfo
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, SecretStr, ValidationError, create_model, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from sayso.config._destinations import (
    MEMBERS,
    Destination,
    UnknownDestination,
    lines_to_write,
    parse_place,
    place_forms,
)
from sayso.config._directory import build_directory, check_directory
from sayso.config._environment import (
    NESTED,
    PLACE,
    PREFIX,
    broken_json,
    check_variables,
    read_line,
    why_no_json,
)
from sayso.config._errors import InvalidSettings
from sayso.config._github import GitHubSettings
from sayso.config._hooks import HooksSettings
from sayso.config._lines import place_of
from sayso.config._machine_zone import MachineZone, check_zone
from sayso.config._named import check_environments, check_kinds
from sayso.config._platforms import all_settings, groups, sections, take
from sayso.config._policies import check_policies, policy_of
from sayso.config._sections import (
    AskSettings,
    DestinationSettings,
    GroupSettings,
    HttpSettings,
    LogSettings,
    PersonSettings,
    PolicySettings,
    WorkflowSettings,
)
from sayso.engine import Directory, Policy

FILE_NAME = "sayso.toml"

_S = TypeVar("_S", bound=BaseModel)


class Settings(BaseSettings):
    """All settings. The environment takes precedence over the file, and the file over the defaults. Each installed
    platform has its own table, by its name: `Settings(slack=...)`, `settings.section(...)`.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=NESTED,
        env_ignore_empty=True,
        extra="allow",  # the tables of platforms, which `_take_platforms` alone lets in
        frozen=True,
    )

    if TYPE_CHECKING:

        def __init__(self, **values: Any) -> None: ...

    database: str = Field(
        default="sayso.db",
        min_length=1,
        description="Database: a file, which is created, as a path or sqlite:///path; or "
        "postgresql://user@host:port/database.",
    )
    resident: int | None = Field(
        default=None,
        ge=0,
        description="Number of parked runs to keep in memory. Default: 1000; 0 keeps none.",
    )
    threads: int = Field(
        default=32,
        ge=1,
        description="Number of threads for synchronous workflow code; further calls wait for a free one.",
    )
    time_zone: str | None = Field(
        default=None,
        description="Time zone for times shown in Telegram, such as Europe/Berlin. Default: the machine's.",
    )
    listed_people_may_link: bool = Field(
        default=False,
        description="Whether the people below may link more accounts themselves, with a code; otherwise an "
        "operator adds them here.",
    )
    operator: str | None = Field(
        default=None,
        description="Destination for failure alerts. Default: log only.",
    )
    workflows: tuple[WorkflowSettings, ...] = Field(
        default=(), description="Workflows that `sayso serve` hosts."
    )
    destinations: dict[str, DestinationSettings] = Field(
        default_factory=dict[str, DestinationSettings], description="Chats that cards are sent to, by name."
    )
    policies: dict[str, PolicySettings] = Field(
        default_factory=dict[str, PolicySettings], description="Policies, which requests refer to by name."
    )
    people: dict[str, PersonSettings] = Field(
        default_factory=dict[str, PersonSettings], description="People and their accounts, by name."
    )
    groups: dict[str, GroupSettings] = Field(
        default_factory=dict[str, GroupSettings], description="Groups of people, by name."
    )
    http: HttpSettings = Field(
        default_factory=HttpSettings,
        description="HTTP server: inbox, API, health checks, metrics and webhooks.",
    )
    ask: AskSettings = Field(
        default_factory=AskSettings, description="Requests from programs, over the API and `sayso ask`."
    )
    hooks: HooksSettings = Field(
        default_factory=HooksSettings, description="Hooks of coding agents: which tool calls ask, and whom."
    )
    github: GitHubSettings = Field(
        default_factory=GitHubSettings,
        description="Deployments on GitHub that people approve, and the GitHub App for that.",
    )
    log: LogSettings = Field(default_factory=LogSettings, description="Logging.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment, then the given values, which come from the file. `.env` files are not read."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, EnvSettingsSource(_platform_variables()), init_settings

    @model_validator(mode="before")
    @classmethod
    def _take_platforms(cls, given: object) -> object:
        return take(sections(), given, cls.model_fields)

    def section(self, kind: type[_S]) -> _S | None:
        """The table of a platform, by its `Settings`; None if the platform is not configured."""
        return next((one for one in self.platforms.values() if isinstance(one, kind)), None)

    def needed_section(self, kind: type[_S]) -> _S:
        """The table of a platform that will be connected. Raises `InvalidSettings` if it is not configured."""
        found = self.section(kind)
        if found is None:
            raise InvalidSettings(
                "settings",
                "",
                f"{kind.__name__} is missing",
                "Add the platform's section to sayso.toml, or pass it to Settings.",
            )
        return found

    @property
    def platforms(self) -> dict[str, BaseModel]:
        """The tables of the configured platforms, by name."""
        tables = cast("dict[str, BaseModel | None]", self.model_extra or {})
        return {name: table for name, table in tables.items() if table is not None}

    @property
    def zone(self) -> tzinfo:
        """The time zone for readers whose own time zone the platform does not know."""
        if self.time_zone is None:
            return MachineZone()
        return ZoneInfo(self.time_zone)

    def zone_of(self, account: str) -> tzinfo:
        """The time zone of a person, if the settings list it; otherwise the general one."""
        zones = (one.time_zone for one in self.people.values() if account in one.accounts)
        zone = next((one for one in zones if one is not None), None)
        return self.zone if zone is None else ZoneInfo(zone)

    def named_policies(self) -> dict[str, Policy]:
        """The policies as the engine's `Policy`. Raises `InvalidRequest` for one that could never be decided;
        `load_settings` refuses those.
        """
        return {name: policy_of(given) for name, given in self.policies.items()}

    def directory(self) -> Directory:
        """The people and groups as the engine's `Directory`."""
        return build_directory(self.people, self.groups)

    @property
    def person_names(self) -> dict[str, str]:
        """The names of listed people on cards."""
        return {f"person:{name}": given.name or name for name, given in self.people.items()}

    @property
    def place_names(self) -> dict[str, str]:
        """The names of groups, and of destinations that have one, on cards."""
        named = {name: given.name for name, given in self.destinations.items() if given.name is not None}
        return {**named, **{f"group:{name}": given.name or f"@{name}" for name, given in self.groups.items()}}

    def destination(self, name: str) -> Destination:
        """The chat with a name. A name that contains a person's own id needs no configuration.

        Raises `UnknownDestination` with the lines to write.
        """
        place = parse_place(name)
        given = self.destinations.get(name)
        if place is None or (given is None and not (place.is_direct and place.chat_id is not None)):
            raise UnknownDestination(name, lines_to_write(name))
        section = given or DestinationSettings()
        chat_id = section.id or place.chat_id
        if chat_id is None or (section.audience is None and not place.is_direct):
            raise UnknownDestination(name, lines_to_write(name))
        return Destination(
            name=name,
            platform=name.partition(":")[0],
            chat_id=chat_id,
            is_direct=place.is_direct,
            audience=MEMBERS if section.audience == "members" else section.audience,
            title=section.name,
            topic=section.topic,
            ring=section.ring,
        )

    def chats(self) -> list[Destination]:
        """All configured chats, and those that questions of workflows and alerts for operators go to."""
        named = [*self.destinations, *(place for one in self.workflows for place in one.to), *self.ask.to]
        named += [place for one in self.github.environments for place in one.to]
        named += [self.operator] if self.operator is not None else []
        return [self.destination(name) for name in dict.fromkeys(named) if parse_place(name) is not None]


def load_settings(directory: Path | None = None) -> Settings:
    """The settings in a directory, by default the working directory, and in the environment.

    Raises `InvalidSettings` with the file, the key and what to write instead, and `PlatformUnusable`.
    """
    path = (directory or Path.cwd()) / FILE_NAME
    given = _read(path)
    _refuse_secrets(given, path)
    check_variables(Settings, sections())
    try:
        settings = Settings(**given)
    except SettingsError as error:
        variable, reason = broken_json()
        remedy = f"Fix it, or unset it and use {FILE_NAME} instead."
        raise InvalidSettings(PLACE, variable, reason, remedy) from error
    except ValidationError as error:
        raise _explain(error, path) from error
    check_zone(settings, path)
    _check_destinations(settings, path)
    check_policies(settings.policies, path)
    check_directory(settings.people, settings.groups, path)
    _check_groups(settings, path)
    check_kinds(settings, path)
    check_environments(settings, path)
    return settings


def forget_secrets() -> None:
    """Remove the secrets from this process's environment, after the settings are loaded, so that programs it starts
    inherit none.
    """
    secrets = {
        name
        for section, model in _tables().items()
        if (names := _secret_fields(model))
        for name in (section, *(f"{section}{NESTED}{one}" for one in names))
    }
    for variable in list(os.environ):
        if variable.lower().removeprefix(PREFIX.lower()) in secrets and variable.upper().startswith(PREFIX):
            del os.environ[variable]


def read_secret(value: SecretStr | None, file: Path | None, key: str) -> str | None:
    """A secret from the environment or from its file, or None. Raises `InvalidSettings` if the file cannot be read or
    has more than one line.
    """
    if value is not None:
        variable = f"{PREFIX}{key.replace('.', NESTED).upper()}"
        return read_line(value.get_secret_value(), PLACE, variable)
    if file is None:
        return None
    try:
        return read_line(file.read_text(encoding="utf-8"), str(file), f"{key}_file")
    except (OSError, UnicodeDecodeError) as error:
        reason = f"cannot read {file}: {getattr(error, 'strerror', None) or error}"
        raise InvalidSettings(
            FILE_NAME, f"{key}_file", reason, "Check the path and its permissions."
        ) from error


def secrets_of(settings: Settings) -> list[str]:
    """All secrets in the settings, to be removed from logs. Raises `InvalidSettings`."""
    found: list[str | None] = [password_of(settings.database)]
    for section, table in {**settings.platforms, "http": settings.http, "github": settings.github}.items():
        for name in _secret_fields(type(table)):
            file = getattr(table, f"{name}_file", None)
            found.append(read_secret(getattr(table, name), file, f"{section}.{name}"))
    return [one for one in found if one]


def password_of(database: str) -> str | None:
    """The password in the URL of a database, if there is one."""
    given = urlsplit(database).password if database.startswith(("postgresql://", "postgres://")) else None
    return None if given is None else unquote(given)


@cache
def _platform_variables() -> type[BaseSettings]:
    """The tables of platforms, as they are read from the environment."""
    fields: dict[str, Any] = {name: (one.annotation, None) for name, one in sections().model_fields.items()}
    return create_model("PlatformVariables", __base__=_Variables, **fields)


class _Variables(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter=NESTED, env_ignore_empty=True)


def _tables() -> dict[str, type[BaseModel]]:
    """The tables that stand once, by their names."""
    platforms = {one.name: one.Settings for one in all_settings()}
    return {
        **platforms,
        "http": HttpSettings,
        "ask": AskSettings,
        "hooks": HooksSettings,
        "github": GitHubSettings,
        "log": LogSettings,
    }


def _secret_fields(model: type[BaseModel]) -> list[str]:
    kinds = {name: field.annotation for name, field in model.model_fields.items()}
    return [name for name, kind in kinds.items() if SecretStr in (kind, *get_args(kind))]


def _refuse_secrets(given: dict[str, Any], path: Path) -> None:
    for section, model in _tables().items():
        table = given.get(section)
        for name in _secret_fields(model) if isinstance(table, dict) else ():
            if name in cast("dict[str, Any]", table):
                variable = f"{PREFIX}{section.upper()}{NESTED}{name.upper()}"
                raise InvalidSettings(
                    str(path),
                    f"{section}.{name}",
                    "secrets must not be in this file",
                    f"Set {variable} in the environment, or put the secret in a file and set {section}.{name}_file.",
                )


def _check_groups(settings: Settings, path: Path) -> None:
    for name, given in settings.groups.items():
        for platform in given.platforms:
            if platform not in settings.platforms:
                raise InvalidSettings(
                    str(path),
                    f"groups.{name}.{platform}",
                    f"[{platform}] is not set up",
                    "Set it up, or remove this line.",
                )
        for place in given.to:
            try:
                if parse_place(place) is not None:
                    settings.destination(place)
            except UnknownDestination as error:
                raise InvalidSettings(
                    str(path), f'destinations."{place}"', "not configured", f"Add:\n{error.lines}"
                ) from error


def _check_destinations(settings: Settings, path: Path) -> None:
    for name, given in settings.destinations.items():
        key = f'destinations."{name}"'
        kind, place = name.partition(":")[0], parse_place(name)
        if place is None:
            raise InvalidSettings(str(path), key, "not a chat", f"Use {place_forms()}.")
        if given.id is None and place.chat_id is None:
            raise InvalidSettings(
                str(path),
                key,
                "no id; names of chats can change, IDs cannot",
                f"Add:\n{lines_to_write(name)}",
            )
        if given.audience is None and not place.is_direct:
            raise InvalidSettings(
                str(path),
                key,
                "a shared chat needs an audience, the people in it who may answer",
                f'Add:\n{lines_to_write(name)}\nor a list of people: audience = ["{kind}:..."].',
            )
    asked = (*(place for one in settings.workflows for place in one.to), *settings.ask.to)
    asked += tuple(place for one in settings.github.environments for place in one.to)
    for name in (*asked, settings.operator or ""):
        if parse_place(name) is not None:
            try:
                settings.destination(name)
            except UnknownDestination as error:
                raise InvalidSettings(
                    str(path), f'destinations."{name}"', "not configured", f"Add:\n{error.lines}"
                ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise InvalidSettings(str(path), "", "not UTF-8 text", "Save the file as UTF-8.") from error
    except OSError as error:
        raise InvalidSettings(
            str(path), "", f"cannot read the file: {error.strerror or error}", "Check its permissions."
        ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings(
            str(path), "", f"invalid TOML: {error}", "Write one `key = value` per line, with text in quotes."
        ) from error


def _explain(error: ValidationError, path: Path) -> InvalidSettings:
    first = error.errors(include_url=False, include_input=False)[0]
    location = first["loc"]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    if first["type"] == "extra_forbidden":
        known = ", ".join(_known(location[:-1]))
        return InvalidSettings(place_of(path, location), key, "no such setting", f"Known settings: {known}.")
    reason = str(first["msg"]).removeprefix("Value error, ")
    variable = f"{PREFIX}{NESTED.join(str(part) for part in location).upper()}"
    if os.environ.get(variable):
        reason = why_no_json(os.environ[variable]) or reason
        reason = f"{os.environ[variable]!r}: {reason}" if not _is_secret(location) else reason
        remedy = f"Fix it, or unset {variable} to use {FILE_NAME} or the default."
        return InvalidSettings(PLACE, variable, reason, remedy)
    if first["type"] == "missing":
        return InvalidSettings(
            place_of(path, location), key, "required", "Add it; sayso.example.toml shows every setting."
        )
    return InvalidSettings(
        place_of(path, location), key, reason, "Fix it, or remove the line to use the default."
    )


def _is_secret(location: tuple[int | str, ...]) -> bool:
    table = _tables().get(str(location[0]))
    return table is not None and str(location[-1]) in _secret_fields(table)


def _known(location: tuple[int | str, ...]) -> list[str]:
    """The settings of a table: the whole file's, or one section's."""
    known: dict[str, type[BaseModel]] = {
        "workflows": WorkflowSettings,
        "destinations": DestinationSettings,
        "people": PersonSettings,
        "groups": GroupSettings,
        "policies": PolicySettings,
        **_tables(),
    }
    table = known.get(str(location[0])) if location else None
    if table is GroupSettings:
        return [*GroupSettings.model_fields, *groups().model_fields]
    return [*Settings.model_fields, *sections().model_fields] if table is None else list(table.model_fields)
