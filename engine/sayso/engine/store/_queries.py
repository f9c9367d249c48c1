"""The named statements of `sql/`, shared and of each database's own, and the numbered migrations of each."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("sql")


def load_statements(dialect: str) -> dict[str, str]:
    """The statements by name; one of the dialect's own stands in the place of a shared one."""
    return {**_read(_FOLDER / "queries.sql"), **_read(_FOLDER / dialect / "queries.sql")}


@cache
def load_migrations(dialect: str) -> dict[int, str]:
    """The scripts that lead from an empty database to the present schema, by the version that each leads to."""
    scripts = sorted((_FOLDER / dialect / "migrations").glob("*.sql"))
    return {int(script.name.partition("_")[0]): script.read_text(encoding="utf-8") for script in scripts}


def schema_of(dialect: str) -> int:
    """The version of the present schema."""
    return max(load_migrations(dialect))


def _read(path: Path) -> dict[str, str]:
    _, *parts = path.read_text(encoding="utf-8").split("\n-- name: ")
    named = (part.split("\n", 1) for part in parts)
    return {name: _without_comments(text) for name, text in named}


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line and not line.startswith("--"))
