"""What rich details are made of as pages draw them: lines of spans with a class each, for templates to put together."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sayso.adapters.console import table_rows, visible
from sayso.engine import Diff, Table

Line: TypeAlias = tuple[tuple[str, str], ...]
"""Spans: a class, which may be empty, and the text."""

_MOST_LINES = 20
"""Lines of code and rows of tables that a page shows before somebody asks for all of them."""

_LONGEST_COLOURED = 30_000
"""Characters of code that are coloured: more would hold up everybody else."""


_LONGEST_COMPARED = 20_000
"""Characters of two texts that are compared line by line."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Code or a diff: what is shown at once, and the rest."""

    shown: tuple[Line, ...]
    rest: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as visible text: its rows like lines, and which columns hold numbers alone."""

    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    shown: tuple[tuple[str, ...], ...]
    rest: tuple[tuple[str, ...], ...]


def code_lines(text: str, language: str | None) -> Lines:
    """Code in colours, where Pygments knows the language."""
    shown = visible(text)
    spans = (
        [("", shown)] if language is None or len(shown) > _LONGEST_COLOURED else _coloured(shown, language)
    )
    lines = tuple(_split(spans))
    return Lines(lines[:_MOST_LINES], lines[_MOST_LINES:])


def diff_lines(diff: Diff) -> Lines:
    """A diff's lines by what they are; each keeps its first character, so that colour says nothing alone."""
    lines = tuple(_diff_lines(visible(diff.text).rstrip("\n").split("\n")))
    return Lines(lines[:_MOST_LINES], lines[_MOST_LINES:])


def changes(was: str, now: str) -> Lines:
    """What differs between two texts, as a diff; JSON is written out a member a line."""
    texts = [_written_out(visible(text)) for text in (was, now)]
    if sum(map(len, texts)) > _LONGEST_COMPARED:
        texts = [f"{text[: _LONGEST_COMPARED // 2]}…" for text in texts]
    before, after = (text.split("\n") for text in texts)
    found = difflib.unified_diff(before, after, "recorded", "now", lineterm="")
    return diff_lines(Diff("\n".join(found) or texts[0]))


def _written_out(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except ValueError:
        return text


def grid(table: Table) -> Grid:
    """A table as a page shows it."""
    columns, *rows = (tuple(row) for row in table_rows(table))
    numeric = tuple(_is_numeric(row[at] for row in table.rows) for at in range(len(columns)))
    return Grid(columns, numeric, tuple(rows[:_MOST_LINES]), tuple(rows[_MOST_LINES:]))


def _is_numeric(cells: Iterable[object]) -> bool:
    given = [cell for cell in cells if cell is not None]
    return bool(given) and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in given)


def _diff_lines(lines: list[str]) -> Iterator[Line]:
    in_hunk = False
    for line in lines:
        if line.startswith("@@"):
            in_hunk = True
            yield (("hunk", line),)
        elif not in_hunk or line.startswith(("diff ", "index ")):
            in_hunk = False
            yield (("head", line),)
        elif line.startswith("+"):
            yield (("added", line),)
        elif line.startswith("-"):
            yield (("removed", line),)
        else:
            yield (("", line),)


def _coloured(text: str, language: str) -> list[tuple[str, str]]:
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
    from pygments.token import Comment, Keyword, Name, Number, String  # type: ignore[import-untyped]
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]

    classes = (
        (Comment, "comment"),
        (Keyword, "keyword"),
        (String, "string"),
        (Number, "number"),
        (Name.Function, "name"),
        (Name.Class, "name"),
        (Name.Tag, "name"),
        (Name.Decorator, "name"),
        (Name.Builtin, "name"),
    )
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return [("", text)]
    return [
        (next((name for kind, name in classes if token in kind), ""), part)
        for token, part in lexer.get_tokens(text)
    ]


def _split(spans: list[tuple[str, str]]) -> Iterator[Line]:
    line: list[tuple[str, str]] = []
    for name, text in spans:
        first, *others = text.split("\n")
        if first:
            line.append((name, first))
        for part in others:
            yield tuple(line)
            line = [(name, part)] if part else []
    if line:
        yield tuple(line)
