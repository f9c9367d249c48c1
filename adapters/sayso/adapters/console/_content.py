"""A rich detail as plain text: what a surface shows that has no better means for it."""

from __future__ import annotations

from sayso.adapters.console._escaping import visible, visible_line
from sayso.engine import Code, Content, Diff, Link, Markdown, StoredFile, StoredImage, Table

_UNITS = ("bytes", "KB", "MB")
_THOUSAND = 1000
_RISK = "risk"


def stands_out(name: str) -> bool:
    """Whether a detail of this name is what people should see first."""
    return name.casefold() == _RISK


def content_text(content: Content) -> str:
    """The detail in words and lines; control characters and directions of writing come out visible."""
    match content:
        case Link():
            return (
                f"{visible_line(content.label)} ({visible_line(content.host)}): {visible_line(content.url)}"
            )
        case Code() | Diff() | Markdown():
            return visible(content.text)
        case Table():
            return _table_text(content)
        case StoredImage():
            return f"{visible_line(content.alt)} ({visible_line(content.name)}, {size_words(content.size)})"
        case StoredFile():
            return f"{visible_line(content.name)} ({size_words(content.size)})"


def size_words(size: int) -> str:
    """A number of bytes as people say it: `12 KB`, in thousands."""
    amount = float(size)
    for unit in _UNITS[:-1]:
        if amount < _THOUSAND:
            return f"{amount:.0f} {unit}"
        amount /= _THOUSAND
    return f"{amount:.1f} {_UNITS[-1]}"


def table_rows(table: Table) -> list[list[str]]:
    """The table's cells as visible text, its header first."""
    rows = [
        list(table.columns),
        *(["" if cell is None else _cell(cell) for cell in row] for row in table.rows),
    ]
    return [[visible_line(cell) for cell in row] for row in rows]


def _table_text(table: Table) -> str:
    """The table with its columns aligned, for a font of one width."""
    rows = table_rows(table)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _cell(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return str(cell)
