"""A database that somebody moves away under a running sayso, and back."""

from __future__ import annotations

from pathlib import Path


def move_away(path: Path) -> Path:
    """Move a file out of its place; where it is now."""
    return path.rename(path.with_name(f"{path.name}.away"))


def move_back(away: Path) -> None:
    """Move it back."""
    away.rename(away.with_suffix(""))
