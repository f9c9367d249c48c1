"""Formatted text, and what Telegram makes of it before it keeps it: characters replaced, entities sorted and split.

This is `fix_formatted_text` of tdlib (`MessageEntity.cpp`, with `clean_input_string` of `misc.cpp`): control characters
become spaces, carriage returns, overrides of direction and three combining marks vanish, white space at both ends goes,
entities that overlap are split or dropped, and what links itself (mentions, commands, addresses) is found.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

SPLITTABLE = ("bold", "italic", "underline", "strikethrough", "spoiler")
QUOTES = ("blockquote", "expandable_blockquote")
CODE = ("pre", "code")
HIDDEN_DATA = ("text_link", "text_mention", *CODE)
_PRIORITIES = {
    **dict.fromkeys(QUOTES, 0), "pre": 11, "code": 20, "text_link": 49, "text_mention": 49,
    "bold": 90, "italic": 91, "underline": 92, "strikethrough": 93, "spoiler": 94, "custom_emoji": 99,
}  # fmt: skip
_OTHERS_PRIORITY = 50
_TO_SPACE = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f]")
_REMOVED = re.compile("[\r\u2028-\u202e\u0333\u033f\u030a]")
_MARKS_IN_A_ROW = re.compile("[\u200e\u200f](?=[\u200e\u200f])")
_SPACES = " \n"
_NOTHING_TO_SEE = re.compile("[ \n\xa0\u1680\u180e\u2000-\u200f\u202e\u202f\u205f\u2800\u3000\ufeff\ufffc]*")
_DOMAIN = r"(?:[A-Za-z0-9-]+\.)+(?:com|org|net|io|dev|app|ai|co|me|info|eu|de|uk|fr|ru)\b"
_LINKS_ITSELF = re.compile(
    r"(?P<url>\bhttps?://[^\s<>\"]*[^\s<>\".:;,('?!`]"
    rf"|(?<![\w@./-]){_DOMAIN}(?!@)(?:[/?#][^\s<>\"]*[^\s<>\".:;,('?!`])?)"
    r"|(?P<email>(?<![\w.+-])[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}\b)"
    r"|(?P<bot_command>(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>]))"
    r"|(?P<mention>(?<!\w)@[A-Za-z0-9_]{4,32}(?!\w))"
    r"|(?P<hashtag>(?<!\w)#\w*[^\W\d]\w*(?!#))"
    r"|(?P<cashtag>(?<![\w$])\$(?:1INCH|[A-Z]{1,8})(?![\w$]))"
)


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of formatted text; `offset` and `length` count UTF-16 units, `extra` holds url, language or user id."""

    type: str
    offset: int
    length: int
    extra: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As the Bot API writes it."""
        return {"type": self.type, "offset": self.offset, "length": self.length, **self.extra}


@dataclass(frozen=True, slots=True)
class FormattedText:
    """Plain text with its entities."""

    text: str
    entities: tuple[Entity, ...] = ()

    def covered(self, entity: Entity) -> str:
        """The words that an entity covers."""
        return _joined(_units(self.text)[entity.offset : entity.offset + entity.length])


class NotInText(Exception):
    """An entity that does not fit its text."""


def utf16_length(text: str) -> int:
    """How long Telegram thinks the text is: an emoji outside the basic plane counts twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cleaned(text: str) -> str:
    """Text without entities, such as a button's, as it is kept: replaced and removed, but not trimmed."""
    return _MARKS_IN_A_ROW.sub("\u200c", _REMOVED.sub("", _TO_SPACE.sub(" ", text)))


def fixed(given: FormattedText) -> FormattedText:
    """The text as it is kept; empty, where nothing of it can be seen. Raises `NotInText`."""
    for one in given.entities:
        if one.offset < 0 or one.length < 0:
            name, value = ("offset", one.offset) if one.offset < 0 else ("length", one.length)
            raise NotInText(f"receive an entity with incorrect {name} {value}")
    spans = [_Span(one.type, one.offset, one.length, one.extra) for one in given.entities if one.length]
    spans = _fixed(spans)
    units, spans = _without_removed(_units(given.text), spans)
    spans, end = _with_something_in(units, spans)
    if end == 0:
        return FormattedText("")
    spans = _fixed(spans)
    units, spans = _trimmed(units, spans, end)
    text = _joined(units)
    if _NOTHING_TO_SEE.fullmatch(text):
        return FormattedText("")
    spans = _merged(spans, _found(text))
    spans, _ = _with_something_in(units, spans)
    return FormattedText(text, tuple(Entity(one.type, one.offset, one.length, one.extra) for one in spans))


# --- UTF-16 ------------------------------------------------------------------------------------------------


def _units(text: str) -> str:
    """The text as one character for each UTF-16 unit, so that offsets are places in it."""
    return "".join(map(chr, array("H", text.encode("utf-16-le", "surrogatepass"))))


def _joined(units: str) -> str:
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _is_second_half(unit: str) -> bool:
    return "\udc00" <= unit <= "\udfff"


# --- spans -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Span:
    """An entity that still moves."""

    type: str
    offset: int
    length: int
    extra: dict[str, Any]

    @property
    def end(self) -> int:
        return self.offset + self.length

    @property
    def order(self) -> tuple[int, int, int]:
        priority = 10 if "language" in self.extra else _PRIORITIES.get(self.type, _OTHERS_PRIORITY)
        return (self.offset, -self.length, priority)

    @property
    def is_continuous(self) -> bool:
        """Whether it is one piece that nothing of its own kind may overlap: a link, a mention, an emoji."""
        return self.type not in (*SPLITTABLE, *QUOTES, *CODE)


def _sorted(spans: Iterable[_Span]) -> list[_Span]:
    return sorted(spans, key=lambda one: one.order)


def _without_removed(units: str, spans: list[_Span]) -> tuple[str, list[_Span]]:
    for span in spans:
        if span.end > len(units):
            raise NotInText(
                f"entity beginning at UTF-16 offset {span.offset} ends after the end of the text at UTF-16 offset "
                f"{span.end}"
            )
        for place in (span.offset, span.end):
            if place < len(units) and _is_second_half(units[place]):
                raise NotInText(
                    f"entity begins or ends in a middle of a UTF-16 symbol at UTF-16 offset {place}"
                )
    removed = [match.start() for match in _REMOVED.finditer(units)]
    for span in spans:
        before = sum(place < span.offset for place in removed)
        inside = sum(span.offset <= place < span.end for place in removed)
        span.offset, span.length = span.offset - before, span.length - inside
    return cleaned(units), spans


def _with_something_in(units: str, spans: list[_Span]) -> tuple[list[_Span], int]:
    """The spans that cover more than white space, without what they begin with of it; where the last of the text is."""
    spans = [one for one in spans if one.length > 0]
    open_spans: list[_Span] = []
    waiting = iter([*spans, None])
    following = next(waiting)
    last = -1
    for place in range(len(units) + 1):
        while open_spans and place >= open_spans[-1].end:
            closed = open_spans.pop()
            if last < closed.offset and closed.type not in HIDDEN_DATA:
                closed.length = 0
        while following is not None and place >= following.offset:
            open_spans.append(following)
            following = next(waiting)
        if place == len(units):
            break
        if units[place] in _SPACES:
            _begin_later(open_spans, place)
        else:
            last = place
    return [one for one in spans if one.length > 0], last + 1


def _begin_later(open_spans: list[_Span], place: int) -> None:
    for span in reversed(list(open_spans)):
        if span.offset != place or span.type in HIDDEN_DATA:
            break
        span.offset, span.length = span.offset + 1, span.length - 1
        if span.length == 0:
            open_spans.remove(span)


def _trimmed(units: str, spans: list[_Span], end: int) -> tuple[str, list[_Span]]:
    spans = [one for one in spans if one.offset < end]
    for span in spans:
        span.length = min(span.length, end - span.offset)
    spans = _sorted(spans)
    first = spans[0].offset if spans else end
    begin = 0
    while begin < first and units[begin] in _SPACES:
        begin += 1
    for span in spans:
        span.offset -= begin
    return units[begin:end], spans


# --- which may stand in which ------------------------------------------------------------------------------


def _fixed(spans: list[_Span]) -> list[_Span]:
    """Sorted spans, none of which overlaps another in a way that Telegram does not keep."""
    spans = _sorted(spans)
    if _may_stay(spans):
        return spans
    pieces = _not_overlapping(one for one in spans if one.type not in (*SPLITTABLE, *QUOTES))
    quotes = _not_overlapping(one for one in spans if one.type in QUOTES)
    pieces = _sorted([*_around_quotes(pieces, quotes), *quotes])
    return _with_split([one for one in spans if one.type in SPLITTABLE], pieces)


def _may_stay(spans: Sequence[_Span]) -> bool:
    ends: dict[str, int] = {}
    around: list[_Span] = []
    for span in spans:
        while around and span.offset >= around[-1].end:
            around.pop()
        if around and not _may_stand_in(span, around):
            return False
        if span.type in SPLITTABLE:
            if ends.get(span.type, -1) >= span.offset:
                return False
            ends[span.type] = span.end
        around.append(span)
    return True


def _may_stand_in(span: _Span, around: Sequence[_Span]) -> bool:
    parent = around[-1]
    types = {one.type for one in around}
    if span.end > parent.end or span.type in types or parent.type in CODE:
        return False
    if span.type in CODE and types - set(QUOTES):
        return False
    if (span.is_continuous or span.type in QUOTES) and any(one.is_continuous for one in around):
        return False
    return not types & set(SPLITTABLE)


def _not_overlapping(spans: Iterable[_Span]) -> list[_Span]:
    kept: list[_Span] = []
    for span in spans:
        if not kept or span.offset >= kept[-1].end:
            kept.append(span)
    return kept


def _around_quotes(pieces: Iterable[_Span], quotes: Sequence[_Span]) -> list[_Span]:
    """The pieces that lie in a quotation or beside it, not across its edge."""

    def crosses(piece: _Span) -> bool:
        quote = next((one for one in quotes if one.end > piece.offset), None)
        return quote is not None and (quote.end < piece.end or (piece.offset < quote.offset < piece.end))

    return [one for one in pieces if not crosses(one)]


def _with_split(splittable: list[_Span], pieces: list[_Span]) -> list[_Span]:
    return _sorted([*pieces, *_Splitter(splittable).split(pieces)]) if splittable else pieces


class _Splitter:
    """Cuts bold, italic and the like at the edges of what they overlap, and joins what touches its own kind."""

    def __init__(self, splittable: Iterable[_Span]) -> None:
        self._waiting = _sorted(splittable)
        self._open: dict[str, tuple[int, int]] = {}
        self._found: list[_Span] = []

    def split(self, pieces: Iterable[_Span]) -> list[_Span]:
        around: list[_Span] = []
        for piece in [*pieces, None]:
            begin = None if piece is None else piece.offset
            while around and (begin is None or begin >= around[-1].end):
                before = len(self._found)
                self._add_until(around[-1].end)
                if around.pop().type in CODE:
                    del self._found[before:]
            self._add_until(begin)
            if piece is not None:
                around.append(piece)
        return self._found

    def _add_until(self, end: int | None) -> None:
        while self._waiting and (end is None or self._waiting[0].offset < end):
            span = self._waiting.pop(0)
            known = self._open.get(span.type)
            if known is not None and span.offset <= known[1]:
                self._open[span.type] = (known[0], max(known[1], span.end))
            else:
                self._flush(span.offset)
                self._open[span.type] = (span.offset, span.end)
        self._flush(end)

    def _flush(self, offset: int | None) -> None:
        for kind in SPLITTABLE:
            if kind not in self._open:
                continue
            begin, end = self._open[kind]
            if offset is not None and begin >= offset:
                continue
            stop = end if offset is None else min(end, offset)
            self._found.append(_Span(kind, begin, stop - begin, {}))
            if stop == end:
                del self._open[kind]
            else:
                self._open[kind] = (stop, end)


# --- what links itself -------------------------------------------------------------------------------------


def _found(text: str) -> list[_Span]:
    return [
        _Span(str(match.lastgroup), utf16_length(text[: match.start()]), utf16_length(match[0]), {})
        for match in _LINKS_ITSELF.finditer(text)
    ]


def _merged(spans: list[_Span], found: list[_Span]) -> list[_Span]:
    """With what was found where nothing of the bot's own stands."""
    if not found:
        return spans
    quotes = [one for one in spans if one.type in QUOTES]
    pieces = [one for one in spans if one.type not in (*SPLITTABLE, *QUOTES)]
    fitting = [
        one
        for one in _around_quotes(found, quotes)
        if not any(piece.offset < one.end and one.offset < piece.end for piece in pieces)
    ]
    splittable = [one for one in spans if one.type in SPLITTABLE]
    return _with_split(splittable, _sorted([*pieces, *fitting, *quotes]))
