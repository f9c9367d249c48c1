"""The repository's documents, taken apart: code blocks, headings, tables, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "clients" / "python" / "README.md",
    ROOT / "clients" / "typescript" / "README.md",
)

_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A fenced block. `language` and `title` are its info string: ```` ```python release.py ````."""

    page: Path
    line: int
    language: str
    title: str
    text: str

    @property
    def name(self) -> str:
        page = self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page
        return f"{page}:{self.line}"


@cache
def tokens(page: Path) -> tuple[Token, ...]:
    """A page's tokens, those of its lines of text included."""
    return tuple(_flatten(_PARSER.parse(page.read_text(encoding="utf-8"))))


def _flatten(found: list[Token]) -> Iterator[Token]:
    for token in found:
        yield token
        yield from _flatten(token.children or [])


def blocks(page: Path, language: str | None = None) -> list[Block]:
    """A page's fenced blocks in their order, of one language where it is named."""
    found: list[Block] = []
    for token in tokens(page):
        if token.type == "fence":
            given, _, title = token.info.partition(" ")
            line = 0 if token.map is None else token.map[0] + 1
            found.append(Block(page, line, given, title, token.content))
    return [block for block in found if language in (None, block.language)]


def all_blocks(language: str) -> list[Block]:
    """The blocks of one language in all documents."""
    return [block for page in PAGES for block in blocks(page, language)]


def code_spans(text: str) -> set[str]:
    """What stands between backticks in a text."""
    return {token.content for token in _flatten(_PARSER.parse(text)) if token.type == "code_inline"}


def section(page: Path, heading: str) -> str:
    """The text below a heading, up to the next of its level or above. Raises `KeyError`."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start = next((i for i, line in enumerate(lines) if line.lstrip("#").strip() == heading), None)
    if start is None or not lines[start].startswith("#"):
        raise KeyError(f"{page.relative_to(ROOT)} has no heading {heading!r}")
    level = len(lines[start]) - len(lines[start].lstrip("#"))
    end = next(
        (i for i in range(start + 1, len(lines)) if re.match(rf"#{{1,{level}}} ", lines[i])), len(lines)
    )
    return "\n".join(lines[start + 1 : end])


def rows(text: str) -> list[list[str]]:
    """The cells of all tables in a text, without heads; code spans without their backticks."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("|"):
            cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            found.append(cells)
    rules = [i for i, cells in enumerate(found) if all(set(cell) <= set(":-") for cell in cells)]
    heads = {i - 1 for i in rules}
    return [cells for i, cells in enumerate(found) if i not in heads and i not in rules]


def first_column(text: str) -> list[str]:
    """The code spans in the first column of all tables in a text."""
    return [span for cells in rows(text) for span in re.findall(r"`([^`]+)`", cells[0])]


def anchors(page: Path) -> set[str]:
    """The names that a page's headings can be linked by."""
    found = tokens(page)
    return {_slug(following.content) for token, following in pairwise(found) if token.type == "heading_open"}


def _slug(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.replace(" ", "-")


def links(page: Path) -> list[str]:
    """The targets of a page's links and pictures."""
    targets = [
        str(token.attrs.get("href") or token.attrs.get("src"))
        for token in tokens(page)
        if token.type in ("link_open", "image")
    ]
    raw = re.findall(r'<(?:img|a)[^>]*?(?:src|href)="([^"]+)"', page.read_text(encoding="utf-8"))
    return targets + raw
