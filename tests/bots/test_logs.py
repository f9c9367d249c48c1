"""The log of the service: lines that repeat are counted, whoever has them written."""

from __future__ import annotations

import logging

from hypothesis import given
from hypothesis import strategies as st

from sayso.bots.service import MOST_ALIKE, REPEATS_WITHIN, Repeats


def line(
    at: float, message: str, *given: object, level: int = logging.WARNING, **more: object
) -> logging.LogRecord:
    record = logging.LogRecord("sayso.http", level, "x.py", 1, message, given, None)
    record.created = at
    record.__dict__.update(more)
    return record


def written(repeats: Repeats, *records: logging.LogRecord) -> list[str]:
    """What is written of these lines."""
    found: list[str] = []
    for record in records:
        found += [one.getMessage() for one in repeats.due(record.created)]
        found += [record.getMessage()] if repeats.takes(record) else []
    return found


def test_a_line_that_repeats_is_written_once_and_counted() -> None:
    repeats = Repeats()
    assert written(repeats, *(line(at / 1000, "full") for at in range(5000))) == ["full"]
    assert written(repeats, line(REPEATS_WITHIN, "full")) == [
        "full (repeated 4999 times within 60 s)",
        "full",
    ]


def test_what_was_counted_is_said_at_the_end() -> None:
    repeats = Repeats()
    written(repeats, line(0, "full"), line(1, "full"))
    assert [one.getMessage() for one in repeats.due(float("inf"))] == ["full (repeated once within 60 s)"]


def test_warnings_that_differ_in_what_is_filled_in_have_an_end_too() -> None:
    """Whoever is answered with an address of their choice in the line writes no log without end."""
    repeats = Repeats()
    lines = [line(0, "refused: %d", number) for number in range(1000)]
    assert len(written(repeats, *lines)) == MOST_ALIKE
    counted = f"refused: %d (repeated {1000 - MOST_ALIKE} times within 60 s)"
    assert [one.getMessage() for one in repeats.due(float("inf"))] == [counted]


def test_what_says_something_new_is_written() -> None:
    """Another run, another error and everything that is no warning are lines of their own."""
    repeats = Repeats()
    lines = [line(0, "started %d", number, level=logging.INFO) for number in range(1000)]
    assert len(written(repeats, *lines)) == 1000
    assert len(written(repeats, *(line(0, "refused", request_id=str(number)) for number in range(5)))) == 5


def test_an_error_is_told_by_what_it_is() -> None:
    repeats, found = Repeats(), 0
    for error in (ValueError(1), ValueError(1), ValueError(2)):
        record = line(0, "failed")
        record.exc_info = (ValueError, error, None)
        found += repeats.takes(record)
    assert found == 2


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abc")), max_size=80))
def test_no_line_is_lost(steps: list[tuple[int, str]]) -> None:
    """Written and counted lines together are all that there were."""
    repeats, now, counts = Repeats(), 0.0, dict.fromkeys("abc", 0)
    said: list[str] = []
    for pause, message in steps:
        now += pause
        said += written(repeats, line(now, message, level=logging.INFO))
    said += [one.getMessage() for one in repeats.due(float("inf"))]
    for one in said:
        times = one.partition("(repeated ")[2].split(" ")[0]
        counts[one[0]] += {"": 1, "once": 1}.get(times) or int(times)
    assert counts == {message: sum(one == message for _, one in steps) for message in "abc"}
