"""An answer in words, as its reader writes numbers and dates, and a form field by field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, cast

import msgspec
import pytest

from sayso.adapters.console import answer_words
from sayso.engine import Json, Locale, Question
from tests.adapters.console_support import question


@dataclass
class Order:
    item: str
    count: int
    price: float = 1.0
    gift: bool = False
    size: Literal["S", "M"] = "M"
    tags: list[str] = field(default_factory=list[str])
    note: str | None = None


TRIP: dict[str, Json] = {
    "type": "object",
    "properties": {
        "percent": {"type": "integer"},
        "starts": {"type": "string", "format": "date", "title": "Starts on"},
        "place": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "rooms": {"type": "array", "items": {"type": "number"}},
            },
        },
    },
}


@pytest.mark.parametrize(
    ("asked", "value", "words"),
    [
        (question("number"), 1000.5, "1000,5"),
        (question("date"), "2026-12-31", "31.12.2026"),
        (question("text"), "2026-12-31", "2026-12-31"),
        (
            question(
                "form", schema={"type": "object", "properties": {"due": {"type": "string", "format": "date"}}}
            ),
            {"due": "2026-12-31", "rate": 1.5, "sure": True},
            "Due: 31.12.2026, rate: 1,5, sure: yes",
        ),
        (
            question("form", schema=cast("dict[str, Json]", msgspec.json.schema(Order))),
            {"item": "tea", "count": 1000, "price": 1.5, "gift": False, "tags": ["hot", "new"], "note": None},
            "Item: tea, Count: 1000, Price: 1,5, Gift: no, Tags: hot, new, Note: none",
        ),
        (
            question("form", schema=TRIP),
            {
                "percent": 10,
                "starts": "2026-12-31",
                "place": {"city": "Rome", "rooms": [1, 2.5]},
                "extra": {},
            },
            "Percent: 10, Starts on: 31.12.2026, Place: City: Rome, Place: Rooms: 1, 2,5, extra: none",
        ),
        (
            question("form", schema={"type": "object"}),
            {"place": {"city": "Rome"}, "stops": [{"at": "Bari", "late": True}], "why": None},
            "place: city: Rome, stops: at: Bari, late: yes, why: none",
        ),
    ],
)
def test_an_answer_is_said_in_its_reader_s_locale(asked: Question, value: Json, words: str) -> None:
    assert answer_words(asked, value, Locale.of("de-DE")) == words
