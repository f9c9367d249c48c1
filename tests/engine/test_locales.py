"""Numbers, dates and times as people read and write them where they are."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.engine import (
    ANYWHERE,
    Locale,
    Unclear,
    instant_in_words,
    read_date,
    read_instant,
    read_number,
)

TAGS = ["de", "de-CH", "en", "en-GB", "en-US", "es", "es-MX", "fr", "ja", "pt-BR", ""]
ROME = ZoneInfo("Europe/Rome")


@pytest.mark.parametrize(
    ("tag", "typed", "value"),
    [
        ("de", "1.000", 1000),
        ("de", "1,000", 1),
        ("de-CH", "1.000", 1),
        ("en-US", "1,000", 1000),
        ("en-US", "-1.234", -1.234),
        ("pt_BR.UTF-8", "1.000", 1000),
        ("it-IT,it;q=0.9,en;q=0.8", "1.000", 1000),
        ("zh-Hans-CN", "1,000", 1000),
    ],
)
def test_a_locale_settles_a_number_that_could_be_two(tag: str, typed: str, value: float) -> None:
    assert read_number(typed, Locale.of(tag)) == value


@pytest.mark.parametrize("tag", ["en", "es", "C.UTF-8", "xx", "", None])
def test_where_a_locale_settles_nothing_it_is_asked_about(tag: str | None) -> None:
    """English and Spanish alone are read by people who write either way."""
    with pytest.raises(Unclear, match="could be"):
        read_number("1.000", Locale.of(tag))


@pytest.mark.parametrize(
    ("tag", "value"), [("en-US", "2026-03-04"), ("en-GB", "2026-04-03"), ("fr", "2026-04-03")]
)
def test_a_locale_settles_a_date_that_could_be_two(tag: str, value: str) -> None:
    assert read_date("03/04/2026", Locale.of(tag)) == value


def test_a_date_of_english_alone_is_asked_about() -> None:
    with pytest.raises(Unclear, match="2026-04-03 or 2026-03-04"):
        read_date("03/04/2026", Locale.of("en"))


@pytest.mark.parametrize("tag", TAGS)
@given(number=st.integers(-(10**12), 10**12) | st.floats(-1e9, 1e9))
def test_a_number_is_read_as_it_is_written_or_asked_about(tag: str, number: float) -> None:
    locale = Locale.of(tag)
    try:
        assert read_number(locale.number(number), locale) == number
    except Unclear:
        assert not locale.decimal


@pytest.mark.parametrize("tag", TAGS)
@given(day=st.dates())
def test_a_date_is_read_as_it_is_written(tag: str, day: date) -> None:
    locale = Locale.of(tag)
    assert read_date(locale.day(day.isoformat()), locale) == day.isoformat()


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("31.12.2026 17:30", "2026-12-31T16:30:00+00:00"),
        ("2026-07-01T17:30", "2026-07-01T15:30:00+00:00"),
        ("2026-12-31, 7:05", "2026-12-31T06:05:00+00:00"),
        ("2026-12-31T17:30:00-05:00", "2026-12-31T22:30:00+00:00"),
    ],
)
def test_a_time_is_read_in_the_zone_of_whoever_types_it(typed: str, value: str) -> None:
    assert read_instant(typed, Locale.of("it", ROME)) == value


@pytest.mark.parametrize("typed", ["17:30", "2026-12-31", "tomorrow 17:30", "31.12.2026 25:00", ""])
def test_what_is_no_time_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(Unclear, match="Please send one as 2026-12-31"):
        read_instant(typed)


def test_a_time_is_written_in_the_zone_of_its_reader() -> None:
    assert Locale.of("de", ROME).instant("2026-12-31T16:30:00+00:00") == "31.12.2026 17:30"
    assert ANYWHERE.instant("2026-12-31T16:30:00+00:00") == "2026-12-31 16:30"
    assert ANYWHERE.instant("soon") == "soon"


def test_for_readers_of_whom_nothing_is_known_a_month_is_a_word() -> None:
    """`2026-11-05` is how machines write, and `05.11.2026` could be May: what is typed stays ISO text."""
    assert ANYWHERE.for_reading.day("2026-11-05") == "5 Nov 2026"
    assert ANYWHERE.for_reading.instant("2026-11-28T17:30:00+00:00") == "28 Nov 2026, 17:30 UTC"
    assert ANYWHERE.for_reading.instant("2026-11-28T17:30:00") == "28 Nov 2026, 17:30"
    assert ANYWHERE.day("2026-11-05") == "2026-11-05"
    assert Locale.of("de").for_reading.day("2026-11-05") == "05.11.2026"
    assert ANYWHERE.for_reading.day("soon") == "soon"
    at = datetime(2026, 11, 28, 17, 30, tzinfo=UTC)
    assert instant_in_words(at) == "28 Nov 2026, 17:30 UTC"
    assert instant_in_words(at.astimezone(ROME)) == "28 Nov 2026, 18:30 CET"
