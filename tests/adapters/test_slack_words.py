"""Instants in sentences, as Slack shows them."""

from __future__ import annotations

from datetime import UTC, datetime

from sayso.adapters.cards import AT
from sayso.adapters.slack import render_words

INSTANT = datetime(2026, 12, 31, 12, 1, tzinfo=UTC)


def formats(*words: str | datetime) -> list[str]:
    """What a line consists of: its texts, and how its instants are written."""
    (block,) = render_words((words,)).blocks
    return [one.get("text") or one["format"] for part in block["elements"] for one in part["elements"]]


def test_the_day_is_written_before_the_time_and_at_between_them() -> None:
    assert formats("This closed ", AT, INSTANT, ".") == ["This closed ", "{date_short_pretty} at {time}", "."]


def test_a_name_stands_whole_before_an_instant() -> None:
    assert formats("Pat at ", INSTANT) == ["Pat at ", "{date_short_pretty} {time}"]
