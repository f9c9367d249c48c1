"""What somebody typed, as what it means; and what is left of a text once it is shown.

Phones and chats change what people type: quotes become curly, hyphens become minus signs, blanks multiply. None of that
may change an answer, and what could mean two things means neither: it is refused with what to type instead.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, cast

from sayso.engine._locales import ANYWHERE, Locale
from sayso.engine._values import Json
from sayso.engine.errors import InvalidRequest

_UNSEEN = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
"""What shows nothing though its category is not that of formatting (unicode.org, Default_Ignorable_Code_Point)."""

_DOUBLE = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'))
_QUOTES = {**_DOUBLE, **str.maketrans(dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'"))}
_PAIRS = frozenset({('"', '"'), ("'", "'")})

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_SEPARATED = re.compile(r"[+-]?\d+(?:[.,'_\s]\d+)+", re.ASCII)
_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_GROUPED = re.compile(
    r"(?P<whole>[+-]?[1-9]\d{0,2}(?P<between>[.,' \u00a0\u2009\u202f])\d{3}(?:(?P=between)\d{3})*)"
    r"(?:(?!(?P=between))[.,](?P<rest>\d+))?",
    re.ASCII,
)
"""Groups of three with one separator between them, then decimals behind another: as people write in any country."""

_DAY_FIRST = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})", re.ASCII)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONTHS = 12
_DAY_AND_TIME = re.compile(r"(.+?)[T,\s]\s*(\d{1,2}):(\d{2})(?::00)?", re.ASCII)
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})", re.ASCII)

_PLAIN = {
    "Expecting value": 'a value is missing here, or a text has no double quotes around it: "like this"',
    "Expecting property name enclosed in double quotes": "a name in double quotes is missing here",
    "Illegal trailing comma before end of object": "there is a comma after the last entry",
    "Illegal trailing comma before end of array": "there is a comma after the last entry",
    "Expecting ',' delimiter": "a comma is missing here, or a closing bracket",
    "Expecting ':' delimiter": "a colon is missing here",
    "Unterminated string starting at": "the text that begins here has no closing double quote",
    "Invalid control character at": r"there is a line break or a tab within a text; write it as \n or \t",
    "Invalid \\escape": r"a backslash stands alone; write it as \\",
    "Invalid \\uXXXX escape": r"four hexadecimal digits must follow \u",
    "Extra data": "there is more text after the end of the JSON",
}


class Unclear(ValueError):
    """What was typed cannot be read, or means two things; the text is the reason, for the person. `position` is how far
    it could be read.
    """

    def __init__(self, reason: str, position: int = 0) -> None:
        self.position = position
        super().__init__(reason)


def shown_text(text: str) -> str:
    """A text as people see it: without invisible characters, each run of blanks as one space, accents composed."""
    if text.isascii():
        return " ".join(text.split())
    seen = "".join(one for one in _UNSEEN.sub("", text) if unicodedata.category(one) != "Cf")
    return unicodedata.normalize("NFC", " ".join(seen.split()))


def check_told_apart(labels: Sequence[str], parameter: str) -> None:
    """Raise `InvalidRequest` unless people see each of these, and no two that look alike: whoever chose one of those
    would not know which.
    """
    seen: dict[str, str] = {}
    for label in labels:
        shown = shown_text(label)
        if not shown:
            raise InvalidRequest(parameter, f"{label!r} shows nothing; write a label that people can read")
        if shown in seen:
            raise InvalidRequest(
                parameter,
                f"{seen[shown]!r} and {label!r} look the same; write labels that people can tell apart",
            )
        seen[shown] = label


def fold_text(text: str) -> str:
    """A text for comparing with what somebody typed: as `shown_text`, in one case, with straight quotes."""
    return unicodedata.normalize("NFC", shown_text(text).translate(_QUOTES).casefold())


def unquoted(text: str) -> str:
    """The text without the pair of quotes around it, if there is one."""
    typed = text.strip()
    ends = typed[:1].translate(_QUOTES), typed[-1:].translate(_QUOTES)
    return typed[1:-1].strip() if len(typed) > 2 and ends in _PAIRS else typed  # noqa: PLR2004 - more than quotes


def read_number(text: str, locale: Locale = ANYWHERE) -> int | float:
    """The number that was typed, in the notation of any country. Raises `Unclear` if it is not a number, or means
    different numbers in different countries, such as `1.000` and `1,000`, unless the locale settles it.
    """
    typed = unquoted(text).replace("\N{MINUS SIGN}", "-")
    if _GROUP.fullmatch(typed) and locale.decimal:
        has_decimals = locale.decimal in typed
        return float(typed.replace(",", ".")) if has_decimals else _whole(re.sub("[.,]", "", typed))
    if _GROUP.fullmatch(typed):
        plain = repr(float(typed.replace(",", ".")))
        fraction = plain if not _GROUP.fullmatch(plain) else f"{plain}0"
        whole = typed.replace(".", "").replace(",", "")
        raise Unclear(f'"{typed}" could be {plain} or {whole}. Please send {fraction} or {whole}.')
    if _WHOLE.fullmatch(typed):
        return _whole(typed)
    if _COMMA.fullmatch(typed):
        typed = typed.replace(",", ".")
    elif grouped := _GROUPED.fullmatch(typed):
        whole = grouped["whole"].replace(grouped["between"], "")
        if grouped["rest"] is None:
            return _whole(whole)
        typed = f"{whole}.{grouped['rest']}"
    if _NUMBER.fullmatch(typed) and math.isfinite(float(typed)):
        return float(typed)
    if _SEPARATED.fullmatch(typed):
        raise Unclear(f'"{_cut(text)}" can be read in more than one way. Try 40, or 1.5 with a point.')
    raise Unclear(f'"{_cut(text)}" is not a number. Please send a number, for example 40.')


def read_date(text: str, locale: Locale = ANYWHERE) -> str:
    """The date that was typed, as ISO text: `2026-12-31`, `31.12.2026`, `31/12/2026`. Raises `Unclear` if it is not a
    date, or means different days in different countries, such as `03/04/2026`, unless the locale settles it.
    """
    typed = unquoted(text)
    if found := _DAY_FIRST.fullmatch(typed):
        return _date(text, found[3], found[2], found[1])
    if found := _SLASHED.fullmatch(typed):
        first, second, year = (int(part) for part in found.groups())
        if first <= _MONTHS and second <= _MONTHS and locale.date:
            is_day_first = not locale.date.startswith("%m")
            return _date(text, year, *((second, first) if is_day_first else (first, second)))
        if first <= _MONTHS and second <= _MONTHS and first != second:
            one, other = (_date(text, year, *given) for given in ((second, first), (first, second)))
            raise Unclear(f'"{typed}" could be {one} or {other}. Please send {one} or {other}.')
        return _date(text, year, *((second, first) if first > _MONTHS else (first, second)))
    return _date(text, *(typed.split("-") if _ISO.fullmatch(typed) else (0, 0, 0)))


def read_instant(text: str, locale: Locale = ANYWHERE) -> str:
    """The time that was typed, as ISO text in UTC: a date, then `17:30`, in the zone of the locale where it names no
    offset; ISO text with one counts as it is. Raises `Unclear`.
    """
    typed = unquoted(text)
    found = _DAY_AND_TIME.fullmatch(typed)
    try:
        if found is None:
            at = datetime.fromisoformat(typed)
        else:
            day = date.fromisoformat(read_date(found[1], locale))
            at = datetime(day.year, day.month, day.day, int(found[2]), int(found[3]), tzinfo=locale.zone)
    except Unclear:
        raise
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Unclear(f'"{_cut(text)}" is not a date with a time. Please send one as 2026-12-31 17:30.')
    return at.astimezone(UTC).isoformat()


def _date(text: str, year: str | int, month: str | int, day: str | int) -> str:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError as error:
        raise Unclear(f'"{_cut(text)}" is not a date. Please send one as 2026-12-31.') from error


def _whole(typed: str) -> int:
    try:
        return int(typed)
    except ValueError as error:  # beyond the digits that Python reads
        raise Unclear(f'"{_cut(typed)}" has too many digits. Please send a shorter number.') from error


def read_json(text: str) -> Json:
    """The value of JSON that somebody typed, also with the curly quotes that phones insert.

    Raises `Unclear` with the position and what is wrong there, in plain words; duplicate names are refused.
    """
    typed = text.removeprefix("\ufeff")
    try:
        return _decode(typed)
    except Unclear as error:
        straight = typed.translate(_DOUBLE)
        if straight == typed:
            raise
        try:
            return _decode(straight)
        except Unclear as second:
            raise (second if second.position > error.position else error) from None


def _decode(text: str) -> Json:
    import json  # noqa: PLC0415 - few people type JSON, and everybody would wait for it

    try:
        return cast("Json", json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant))
    except json.JSONDecodeError as error:
        plain = _PLAIN.get(error.msg, "it cannot be read from here on")
        raise Unclear(
            f"this isn't valid JSON: line {error.lineno}, column {error.colno}: {plain}", error.pos
        ) from error
    except RecursionError as error:
        raise Unclear("this isn't valid JSON: it is nested too deeply") from error
    except Unclear:
        raise
    except ValueError as error:
        raise Unclear("this isn't valid JSON: it has a number with too many digits") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unclear(f'this JSON has the name "{_cut(twice)}" twice')
    return found


def _no_constant(name: str) -> Json:
    raise Unclear(f"this isn't valid JSON: {name} is not a number")


def _cut(text: str) -> str:
    return f"{text[:60]}…" if len(text) > 60 else text  # noqa: PLR2004 - a line
