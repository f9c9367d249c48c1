"""Emoji characters and what Slack calls them (`emoji/emoji.json`, names of iamcal/emoji-data)."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_TONES = "\U0001f3fb-\U0001f3ff"
_FIRST_TONE = 0x1F3FB
_PICTURE = "\ufe0f"


@dataclass(frozen=True, slots=True)
class Emoji:
    """An emoji as Slack knows it. `unicode` are the code points, `skin_tone` is 2 to 6."""

    name: str
    unicode: str
    skin_tone: int | None = None

    @property
    def code(self) -> str:
        """As it stands in text, such as `:+1::skin-tone-3:`."""
        return f":{self.name}:" + (f":skin-tone-{self.skin_tone}:" if self.skin_tone else "")

    def as_element(self) -> dict[str, Any]:
        """As an element of rich text."""
        tone = {"skin_tone": self.skin_tone} if self.skin_tone else {}
        return {"type": "emoji", "name": self.name, "unicode": self.unicode, **tone}


def split_emoji(text: str) -> Iterator[str | Emoji]:
    """The text in pieces: what is no emoji, and each emoji. What the table does not know stays text."""
    position = 0
    for match in _pattern().finditer(text):
        if match.start() > position:
            yield text[position : match.start()]
        yield _emoji(match[0])
        position = match.end()
    if position < len(text):
        yield text[position:]


def with_codes(text: str) -> str:
    """The text with codes such as `:tada:` in the place of emoji."""
    return "".join(one if isinstance(one, str) else one.code for one in split_emoji(text))


def _emoji(characters: str) -> Emoji:
    plain = re.sub(f"(?<!^)[{_TONES}]|{_PICTURE}", "", characters)  # a tone alone is an emoji, too
    unicode, name = _names()[plain]
    tone = re.search(f"(?<!^)[{_TONES}]", characters)
    if tone is None:
        return Emoji(name, unicode)
    points = "-".join(f"{ord(one):04x}" for one in characters)
    return Emoji(name, points, ord(tone[0]) - _FIRST_TONE + 2)


@cache
def _table() -> dict[str, Any]:
    text = files("sayso.testing.slack").joinpath("emoji/emoji.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def _names() -> dict[str, tuple[str, str]]:
    """Code points and name by the characters, without the sign that only says "show me as a picture"."""
    return {_characters(code).replace(_PICTURE, ""): (code, name) for code, name in _table()["names"].items()}


@cache
def _pattern() -> re.Pattern[str]:
    """All emoji, the longest first, by their first character. Each has a character that is not ASCII among its first
    three, which most text has not: that is passed by quickly.
    """
    toned = {_characters(code).replace(_PICTURE, "") for code in _table()["with_skin_tones"]}
    by_first: defaultdict[str, list[str]] = defaultdict(list)
    for characters in sorted(_names(), key=len, reverse=True):
        first, *others = (re.escape(one) for one in characters)
        tone = f"(?:[{_TONES}]|{_PICTURE})?" if characters in toned else f"{_PICTURE}?"
        by_first[first].append(tone + "".join(f"{one}{_PICTURE}?" for one in others))
    groups = "|".join(f"{first}(?:{'|'.join(by_first[first])})" for first in sorted(by_first))
    return re.compile(f"(?=.{{0,2}}[^\\x00-\\x7f])(?:{groups})", re.DOTALL)


def _characters(code: str) -> str:
    return "".join(chr(int(point, 16)) for point in code.split("-"))
