"""Where a hook that runs beside an agent finds its rules and its service. It reads the one file that it was told: an
agent could write its own rules if they were looked for in its folder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sayso.bots.hooks._rules import InvalidRules, Rules, rules_from

_SQLITE = "sqlite:///"


def read_settings(path: Path | None) -> dict[str, Any]:
    """All that a file of settings says; nothing where there is none. Raises `InvalidRules`."""
    if path is None:
        return {}
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError) as error:
        raise InvalidRules(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def rules_in(settings: dict[str, Any]) -> Rules:
    """The rules in settings. Raises `InvalidRules`."""
    return rules_from(settings.get("hooks", {}))


def service_url(
    given: str | None, path: Path | None, settings: dict[str, Any], environment: Mapping[str, str]
) -> str | None:
    """Where the service is: as given, else as `SAYSO_URL` says, else beside the database of these settings; None where
    nothing says it, as with a database that is no file.
    """
    known = given or environment.get("SAYSO_URL")
    if known or path is None:
        return known
    database = str(settings.get("database", "sayso.db")).removeprefix(_SQLITE)
    if "://" in database:
        return None
    return f"unix:{(path.absolute().parent / database).resolve()}.sock"
