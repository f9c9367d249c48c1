"""Whether a message shows the question that its button belongs to.

Whoever has a bot's token can edit the bot's messages, or make ones that look like ours around our buttons. A press
counts only where what was seen is what is asked. Compared are letters and digits, for platforms give text back in forms
of their own: entities, emoji, invisible marks.
"""

from __future__ import annotations

import html
import unicodedata

import regex

from sayso.adapters.cards._card import Card

_COMPARED = 300
"""Characters of the question that are compared; every place shows more of it."""


_PICTURE = regex.compile(r"\p{Extended_Pictographic}|[0-9#*]\uFE0F?\u20E3")
"""Emoji, which Slack gives back as names."""


def shows(card: Card, text: str, *, label: str | None = None, choice: int | None = None) -> bool:
    """Whether a message with this text shows the card's question, and `label` is what the choice is called."""
    wanted = card.prompt + "".join(f" {field.name} {field.text}" for field in card.details)
    if _letters(wanted[:_COMPARED]) not in _letters(text):
        return False
    if label is None or choice is None or not 0 <= choice < len(card.choices):
        return True
    said, meant = _letters(label), _letters(card.choices[choice].label)
    return not meant or (bool(said) and meant.startswith((said, said.removeprefix(str(choice + 1)))))


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFC", _PICTURE.sub("", html.unescape(text))).casefold()
    return "".join(character for character in plain if character.isalnum())
