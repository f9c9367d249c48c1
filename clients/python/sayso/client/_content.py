"""What a question can show besides plain values: a detail that is one of these is shown as what it is, not as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec

Cell: TypeAlias = str | int | float | bool | None


class Link(msgspec.Struct, frozen=True, tag="link"):
    """An https address under a label; its host is shown next to the label."""

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


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: PNG, JPEG, GIF or WebP of at most 8 MB, as bytes or a path. `alt` says what it shows."""

    source: bytes | str | Path
    alt: str

    def read(self) -> tuple[bytes, dict[str, str]]:
        """Its bytes, and what a question says about them besides their SHA-256. Raises `OSError`."""
        return _bytes(self.source), {"type": "image", "alt": self.alt}


@dataclass(frozen=True, slots=True)
class File:
    """A file of at most 8 MB, as bytes or a path. `name` is what people save it as; by default the path's own."""

    source: bytes | str | Path
    name: str | None = None

    def read(self) -> tuple[bytes, dict[str, str]]:
        """Its bytes, and what a question says about them besides their SHA-256. Raises `OSError`."""
        own = "file" if isinstance(self.source, bytes) else Path(self.source).name
        return _bytes(self.source), {"type": "file", "name": self.name or own}


def _bytes(source: bytes | str | Path) -> bytes:
    return source if isinstance(source, bytes) else Path(source).read_bytes()


Content: TypeAlias = Link | Code | Diff | Table | Markdown
Attached: TypeAlias = Image | File
