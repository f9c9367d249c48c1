"""The named statements of `sql/queries.sql`, and the numbered migrations beside them."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).with_name("sql")


def _load_queries() -> dict[str, str]:
    _, *parts = (_FOLDER / "queries.sql").read_text(encoding="utf-8").split("\n-- name: ")
    named = (part.split("\n", 1) for part in parts)
    return {name: _without_comments(text) for name, text in named}


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line and not line.startswith("--"))


def load_migrations() -> list[str]:
    """The scripts that lead from an empty file to the present schema, in order; their count is its version."""
    return [script.read_text(encoding="utf-8") for script in sorted((_FOLDER / "migrations").glob("*.sql"))]


SQL = _load_queries()
