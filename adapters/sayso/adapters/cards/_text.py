"""Text that must fit: cut and split between graphemes, under a platform's own way of counting."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import regex

_GRAPHEME = regex.compile(r"\X")
_ELLIPSIS = "…"
_BREAKS = ("\n\n", "\n", ". ", " ")
_SHORTEST_HEAD = 0.6
"""A piece ends at a paragraph, line, sentence or word if that leaves at least this part of it filled."""


def utf16_length(text: str) -> int:
    """The length in UTF-16 code units, by which Telegram counts (core.telegram.org/api/entities)."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int, measure: Callable[[str], int] = len) -> str:
    """The text, or as many whole graphemes of it as fit within the limit, with an ellipsis."""
    if measure(text) <= limit:
        return text
    return _head(text, limit - measure(_ELLIPSIS), measure) + _ELLIPSIS


def pieces(text: str, limit: int, measure: Callable[[str], int] = len) -> Iterator[str]:
    """The text in pieces within the limit. None is empty, and together they are the whole text.

    A grapheme that is longer than the limit is split between its characters, so nothing is dropped.
    """
    while measure(text) > limit:
        head = _head(text, limit, measure)
        if not head:
            head = _fitting_characters(text, limit, measure)
        head = _to_a_break(head)
        yield head
        text = text[len(head) :]
    if text:
        yield text


def _to_a_break(head: str) -> str:
    for mark in _BREAKS:
        found = head.rfind(mark)
        if found >= len(head) * _SHORTEST_HEAD:
            return head[: found + len(mark)]
    return head


def _head(text: str, limit: int, measure: Callable[[str], int]) -> str:
    used = end = 0
    for match in _GRAPHEME.finditer(text):
        grapheme = match.group()
        used += measure(grapheme)
        if used > limit:
            break
        end = match.end()
    return text[:end]


def _fitting_characters(text: str, limit: int, measure: Callable[[str], int]) -> str:
    end = 1
    while end < len(text) and measure(text[: end + 1]) <= limit:
        end += 1
    return text[:end]
