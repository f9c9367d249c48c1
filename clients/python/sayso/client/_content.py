"""What a question can show beside plain values: a detail that is one of these is shown as what it is, not as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

Cell: TypeAlias = str | int | float | bool | None


class Link(msgspec.Struct, frozen=True, tag="link"):
    """An https address under a label; its host is shown beside the label."""

    label: str
    url: str


class Code(msgspec.Struct, frozen=True, tag="code"):
    """Text that keeps its lines and spaces. `language` is a name that Pygments knows, such as `python`."""

    text: str
    language: str | None = None


class Diff(msgspec.Struct, frozen=True, tag="diff"):
    """A unified diff, as `git diff` and `diff -u` write it."""

    text: str


class Table(msgspec.Struct, frozen=True, tag="table"):
    """Rows of plain values under the names of their columns; at most 20 columns and 1,000 rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


class Markdown(msgspec.Struct, frozen=True, tag="markdown"):
    """Text with emphasis, lists, code and links to https addresses. Anything else in it is text."""

    text: str


Content: TypeAlias = Link | Code | Diff | Table | Markdown
