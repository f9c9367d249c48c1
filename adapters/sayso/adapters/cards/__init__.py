"""What every surface says about a request, before it takes a platform's form: the parts of a card, and private replies.

Texts are safe to show: control characters and bidi overrides are visible codes. Escaping a platform's markup is for
that platform's adapter.
"""

from sayso.adapters.cards._awaited import needed
from sayso.adapters.cards._batch import Batch, BatchEntry, batch_text, batch_title, build_batch
from sayso.adapters.cards._card import Card, CardState, Choice, Field, build_card
from sayso.adapters.cards._grants import Longer, grant_scope, granted_words, long_duration, longer_command
from sayso.adapters.cards._kept import keep
from sayso.adapters.cards._notices import Audible, Message, notice_message, rest_text
from sayso.adapters.cards._text import cut, pieces, utf16_length
from sayso.adapters.cards._words import (
    AT,
    At,
    Mentioned,
    Mentions,
    Since,
    ToType,
    Words,
    nobody,
    not_recorded_words,
    past_tense,
    place_name,
    reply_words,
    unreadable_words,
    vote_words,
    why_words,
)
from sayso.adapters.console import answer_words, person_name

__all__ = [
    "AT",
    "At",
    "Audible",
    "Batch",
    "BatchEntry",
    "Card",
    "CardState",
    "Choice",
    "Field",
    "Longer",
    "Mentioned",
    "Mentions",
    "Message",
    "Since",
    "ToType",
    "Words",
    "answer_words",
    "batch_text",
    "batch_title",
    "build_batch",
    "build_card",
    "cut",
    "grant_scope",
    "granted_words",
    "keep",
    "long_duration",
    "longer_command",
    "needed",
    "nobody",
    "not_recorded_words",
    "notice_message",
    "past_tense",
    "person_name",
    "pieces",
    "place_name",
    "reply_words",
    "rest_text",
    "unreadable_words",
    "utf16_length",
    "vote_words",
    "why_words",
]
