"""The named statements of `sql/queries.sql`, and the numbered migrations beside them."""

from __future__ import annotations

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def _load_queries() -> dict[str, str]:
    parts = _NAME.split((files("sayso.engine.store") / "sql" / "queries.sql").read_text(encoding="utf-8"))
    return {name: _without_comments(text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line and not line.startswith("--"))


def load_migrations() -> list[str]:
    """The scripts that lead from an empty file to the present schema, in order; their count is its version."""
    folder = files("sayso.engine.store") / "sql" / "migrations"
    scripts = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name
    )
    return [script.read_text(encoding="utf-8") for script in scripts]


SQL = _load_queries()
