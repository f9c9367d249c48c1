"""Settings: `sayso.toml` in the working directory, and over it `SAYSO_*` in the environment.

Nothing here opens or creates anything.
"""

from sayso.config._addresses import host_and_port
from sayso.config._destinations import MEMBERS, PLATFORMS, Destination, Members, UnknownDestination
from sayso.config._errors import InvalidSettings
from sayso.config._named import NamedEntry, named_entries
from sayso.config._sections import (
    DestinationSettings,
    GroupSettings,
    HttpSettings,
    LogSettings,
    PersonSettings,
    PolicySettings,
    SlackSettings,
    StageSettings,
    TelegramSettings,
    WorkflowSettings,
)
from sayso.config._settings import FILE_NAME, Settings, forget_secrets, load_settings, read_secret

__all__ = [
    "FILE_NAME",
    "MEMBERS",
    "PLATFORMS",
    "Destination",
    "DestinationSettings",
    "GroupSettings",
    "HttpSettings",
    "InvalidSettings",
    "LogSettings",
    "Members",
    "NamedEntry",
    "PersonSettings",
    "PolicySettings",
    "Settings",
    "SlackSettings",
    "StageSettings",
    "TelegramSettings",
    "UnknownDestination",
    "WorkflowSettings",
    "forget_secrets",
    "host_and_port",
    "load_settings",
    "named_entries",
    "read_secret",
]
