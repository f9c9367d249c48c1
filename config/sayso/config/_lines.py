"""On which line of the file a setting stands, for those tables that people write a good deal into."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_TABLES = ("policies", "people", "groups")


def place_of(path: Path, location: Sequence[str | int]) -> str:
    """The file, with the line of a setting: that of its key, or else of its table. `location` are names, and numbers
    from 0 on for tables that stand several times.
    """
    line = _line_of(path, location) if location and location[0] in _TABLES else None
    return str(path) if line is None else f"{path}, line {line}"


def _line_of(path: Path, location: Sequence[str | int]) -> int | None:
    lines = path.read_text(encoding="utf-8-sig").splitlines() if path.exists() else []
    for end in range(len(location), 1, -1):
        header = _header(lines, location[:end])
        if header is not None:
            key = location[end] if end < len(location) else None
            return _key(lines, header, key) or header
    return None


def _header(lines: Sequence[str], location: Sequence[str | int]) -> int | None:
    """The line of `[a.b]`, or of the n-th `[[a.b]]`; from 1 on."""
    *names, last = location
    several = isinstance(last, int)
    path = names if several else location
    dotted = r"\s*\.\s*".join(rf"""["']?{re.escape(str(name))}["']?""" for name in path)
    pattern = re.compile(rf"^\s*\[\[\s*{dotted}\s*\]\]" if several else rf"^\s*\[\s*{dotted}\s*\]")
    found = [number for number, line in enumerate(lines, 1) if pattern.match(line)]
    wanted = last if isinstance(last, int) else 0
    return found[wanted] if wanted < len(found) else None


def _key(lines: Sequence[str], header: int, key: str | int | None) -> int | None:
    """The line of a key in the table that begins there."""
    pattern = re.compile(rf"""^\s*["']?{re.escape(str(key))}["']?\s*=""")
    for number, line in enumerate(lines[header:], header + 1):
        if re.match(r"^\s*\[", line):
            return None
        if pattern.match(line):
            return number
    return None
