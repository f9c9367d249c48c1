"""Whom a program may ask: entries that reach somebody, by the settings."""

from __future__ import annotations

from sayso.config._destinations import UnknownDestination, parse_place
from sayso.config._platforms import find_settings
from sayso.config._settings import Settings
from sayso.engine import OWN_KINDS


def why_nobody(settings: Settings, entry: str) -> str | None:
    """Why nobody is reached by an entry of those who are asked; None where somebody can be."""
    kind, colon, name = entry.partition(":")
    listed = {"person": list(settings.people), "group": list(settings.groups)}.get(kind)
    if listed is not None and name not in listed:
        known = ", ".join(f"{kind}:{one}" for one in listed) or "none"
        return f"{entry!r} is not in the settings; known: {known}"
    try:
        if parse_place(entry) is not None:
            settings.destination(entry)
    except UnknownDestination as error:
        return str(error)
    if colon and kind not in OWN_KINDS and find_settings(kind) is None:
        return f"{entry!r} belongs to no installed platform"
    return None
