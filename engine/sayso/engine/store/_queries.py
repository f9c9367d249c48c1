"""The named statements of `sql/`, shared and of each database's own, and the numbered migrations beside them."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).with_name("sql")


def load_statements(dialect: str) -> dict[str, str]:
    """The statements by name; one of the dialect's own stands in the place of a shared one."""
    return {**_read(_FOLDER / "queries.sql"), **_read(_FOLDER / dialect / "queries.sql")}


def load_migrations() -> list[str]:
    """The scripts that lead from an empty file to the present schema, in order; their count is its version."""
    return [script.read_text(encoding="utf-8") for script in sorted((_FOLDER / "migrations").glob("*.sql"))]


def _read(path: Path) -> dict[str, str]:
    _, *parts = path.read_text(encoding="utf-8").split("\n-- name: ")
    named = (part.split("\n", 1) for part in parts)
    return {name: _without_comments(text) for name, text in named}


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line and not line.startswith("--"))
