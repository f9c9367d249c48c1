"""Which file a location means: a path, `sqlite:///path`, or nothing."""

from __future__ import annotations

import os
from pathlib import Path

from sayso.engine.errors import StoreUnreadable

DEFAULT_DATABASE = "sayso.db"
_PREFIX = "sqlite:///"


def path_of(location: str | Path | None) -> Path:
    """The real path of a location; nothing is what the environment says. Raises `StoreUnreadable` for another URL."""
    if location is None:
        location = os.environ.get("SAYSO_DATABASE") or DEFAULT_DATABASE
    if isinstance(location, str) and "://" in location:
        if not location.startswith(_PREFIX) or len(location) == len(_PREFIX):
            scheme = location.partition("://")[0]
            raise StoreUnreadable(f"{scheme}://…", f"only {_PREFIX}path and postgresql:// are supported")
        location = location.removeprefix(_PREFIX)
    return Path(os.path.realpath(location))
