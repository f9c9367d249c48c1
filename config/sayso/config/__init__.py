"""Settings: `sayso.toml` in the working directory, and `SAYSO_*` in the environment, which takes precedence.

Reading them opens no database and no connection, and creates nothing.
"""

from sayso.config._addresses import Address, host_and_port, split_address
from sayso.config._destinations import MEMBERS, Destination, Members, UnknownDestination
from sayso.config._errors import InvalidSettings, MissingExtra, needs_extra
from sayso.config._github import GitHubEnvironmentSettings, GitHubSettings
from sayso.config._hooks import HookRuleSettings, HooksSettings
from sayso.config._named import NamedEntry, named_entries
from sayso.config._platforms import Place, PlatformSettings, all_settings, find_settings
from sayso.config._reach import why_nobody
from sayso.config._sections import (
    AskSettings,
    DestinationSettings,
    GrantsSettings,
    GroupSettings,
    HttpSettings,
    LogSettings,
    PersonSettings,
    PolicySettings,
    Ring,
    RuleSettings,
    Section,
    StageSettings,
    Text,
    WorkflowSettings,
)
from sayso.config._settings import FILE_NAME, Settings, forget_secrets, load_settings, read_secret, secrets_of
from sayso.config._toml import to_toml

__all__ = [
    "FILE_NAME",
    "MEMBERS",
    "Address",
    "AskSettings",
    "Destination",
    "DestinationSettings",
    "GitHubEnvironmentSettings",
    "GitHubSettings",
    "GrantsSettings",
    "GroupSettings",
    "HookRuleSettings",
    "HooksSettings",
    "HttpSettings",
    "InvalidSettings",
    "LogSettings",
    "Members",
    "MissingExtra",
    "NamedEntry",
    "PersonSettings",
    "Place",
    "PlatformSettings",
    "PolicySettings",
    "Ring",
    "RuleSettings",
    "Section",
    "Settings",
    "StageSettings",
    "Text",
    "UnknownDestination",
    "WorkflowSettings",
    "all_settings",
    "find_settings",
    "forget_secrets",
    "host_and_port",
    "load_settings",
    "named_entries",
    "needs_extra",
    "read_secret",
    "secrets_of",
    "split_address",
    "to_toml",
    "why_nobody",
]
