"""What people type and see, by kinds of input: it means exactly one thing, or is refused with what to do."""

from __future__ import annotations

import json
import unicodedata
from enum import Enum
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from sayso.engine import InvalidAnswer, InvalidRequest, Json, Unclear, read_json, read_number, shown_text
from sayso.engine._questions import Question, build_question

UNSEEN = "\u200b\u2060\ufeff\u00ad\u200d\u034f\u3164\u2800\ufe0f\u200e"
"""Characters of several categories that show nothing."""

words = st.text(st.sampled_from("abcXYZé ß1,.-"), min_size=1, max_size=8).filter(shown_text)
labels = st.lists(words, min_size=2, max_size=5, unique_by=shown_text)


@st.composite
def looking_alike(draw: st.DrawFn) -> tuple[str, str]:
    """A label, and another text that shows the same."""
    label = draw(words)
    other = unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD"])), label)
    for hidden in draw(st.lists(st.sampled_from(UNSEEN), max_size=3)):
        at = draw(st.integers(0, len(other)))
        other = other[:at] + hidden + other[at:]
    other = draw(st.sampled_from(["{}", " {}", "{}\n", "\t{}\u00a0"])).format(other)
    return label, other.replace(" ", draw(st.sampled_from([" ", "  ", "\u00a0", " \n"])))


def select(*options: Any) -> Question:
    question = build_question("Which?", list(options), "select", None, None)
    question.check_told_apart()
    return question


@given(looking_alike())
def test_options_that_look_alike_are_refused_where_they_are_asked(pair: tuple[str, str]) -> None:
    """Whoever chose one of the two would not know which."""
    first, second = ({"value": str(at), "label": label} for at, label in enumerate(pair))
    with pytest.raises(InvalidRequest, match="look the same"):
        select(first, second)


@given(st.text(st.sampled_from(UNSEEN + " \n\t"), max_size=5))
def test_an_option_that_shows_nothing_is_refused_where_it_is_asked(label: str) -> None:
    with pytest.raises(InvalidRequest, match="shows nothing"):
        select("a", {"value": "b", "label": label})


@given(labels, st.data())
def test_what_is_typed_for_an_option_means_that_one_or_none(names: list[str], data: st.DataObject) -> None:
    """Also where values are the labels of others, and within the quotes and blanks that phones make of it."""
    values = data.draw(st.permutations(names) | st.just([f"v{at}" for at in range(len(names))]))
    question = select(*({"value": v, "label": n} for v, n in zip(values, names, strict=True)))
    chosen = data.draw(st.integers(0, len(names) - 1))
    around = st.sampled_from(["{}", " {} ", "“{}”", '"{}"', "\u2018{}\u2019", "\n{}"])
    typed = (
        data.draw(around).format(names[chosen]).replace(" ", data.draw(st.sampled_from([" ", "\n", "  "])))
    )
    try:
        read = question.read_text(typed)
    except InvalidAnswer as refused:
        read = None
        event(str(refused).partition(" ")[2][:20])
    assert read in (values[chosen], None)
    assert read is not None or len({shown_text(one).casefold() for one in [*names, *values]}) < len(names) * 2


@pytest.mark.parametrize(
    ("options", "typed", "value"),
    [
        (["Don't", "Do"], "Don\u2019t", "Don't"),
        (["approve", "reject"], "“Approve”", "approve"),
        ([{"value": "a", "label": "Ana"}, "b"], "ANA", "a"),
        (["Prod", "prod"], "prod", "prod"),
        ([{"value": "1", "label": "Tea  and cake"}, "2"], "tea and\ncake", "1"),
    ],
)
def test_an_option_is_found_as_phones_type_it(options: list[Any], typed: str, value: str) -> None:
    assert select(*options).read_text(typed) == value


@pytest.mark.parametrize(
    ("options", "typed"),
    [
        ([{"value": "a", "label": "b"}, {"value": "b", "label": "a"}], "a"),
        ([{"value": "yes", "label": "No"}, {"value": "no", "label": "Yes"}], "yes"),
        (["Prod", "prod"], "PROD"),
    ],
)
def test_a_text_that_could_mean_two_options_means_none(options: list[Any], typed: str) -> None:
    with pytest.raises(InvalidAnswer, match="several options"):
        select(*options).read_text(typed)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("Smith, John", ["Smith, John"]),
        ("Lee,Smith, John", ["Lee", "Smith, John"]),
        ('["Lee", "Smith, John"]', ["Lee", "Smith, John"]),
        ("[“Lee”]", ["Lee"]),
    ],
)
def test_options_with_commas_are_found_among_commas(typed: str, value: list[str]) -> None:
    question = build_question("Who?", ["Smith, John", "Lee"], "multiselect", None, None)
    assert question.read_text(typed) == value


def test_commas_that_can_be_read_in_two_ways_are_refused() -> None:
    question = build_question("Who?", ["Smith, John", "Smith", "John"], "multiselect", None, None)
    with pytest.raises(InvalidAnswer, match="several choices"):
        question.read_text("Smith, John")


# Numbers.

finite = st.floats(-1e9, 1e9, allow_nan=False).map(lambda number: round(number, 3))
SEPARATORS = [
    (",", "."),
    (".", ","),
    ("\u00a0", ","),
    ("'", "."),
    ("\u2009", "."),
    ("_", "."),
    ("", ","),
    ("", "."),
]


@given(finite, st.sampled_from(SEPARATORS), st.integers(0, 3))
@example(1000.0, (".", ","), 0)
@example(1234.0, (".", ","), 0)
@example(1.5, ("", ","), 1)
def test_no_way_of_writing_a_number_is_taken_for_another(
    number: float, separators: tuple[str, str], digits: int
) -> None:
    """By whichever customs it was written: it is read as what was meant, or refused."""
    thousands, point = separators
    typed = f"{number:,.{digits}f}".translate({ord(","): thousands, ord("."): point})
    meant = float(f"{number:.{digits}f}")
    try:
        read = read_number(typed)
    except Unclear as refused:
        read, reason = meant, str(refused)
        event(reason.partition(" ")[2])
    assert read == meant


@given(st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_as_programs_write_it_is_read_or_both_readings_are_said(number: float) -> None:
    typed = repr(number)
    try:
        assert read_number(typed) == number
    except Unclear as refused:
        plain, other = str(refused).partition("Please send ")[2].rstrip(".").split(" or ")
        assert read_number(plain) == number
        assert read_number(other) == number * 1000


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("1,000", "could be 1.0 or 1000"),
        ("1,5,7", "more than one way"),
        ("1.000", "could be 1.0 or 1000"),
        ("-1.234", "Please send -1.2340 or -1234"),
        ("nan", "is not a number"),
        ("1e999", "is not a number"),
        ("9" * 5000, "too many digits"),
    ],
)
def test_a_number_that_is_not_taken_comes_back_with_what_to_type(typed: str, reason: str) -> None:
    question = build_question("How many?", None, "number", None, None)
    with pytest.raises(InvalidAnswer, match=reason):
        question.read_text(typed)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("\u22125", -5),
        ("“7”", 7),
        ("0.125", 0.125),
        (" 40\n", 40),
        ("1,5", 1.5),
        ("1 000", 1000),
        ("1.234,56", 1234.56),
        ("1,234.56", 1234.56),
        ("1'234'567", 1234567),
    ],
)
def test_a_number_is_read_as_phones_type_it(typed: str, value: float) -> None:
    assert build_question("How many?", None, "number", None, None).read_text(typed) == value


# JSON.

json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from("ab\u2019“\n é\\")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.booleans())
def test_json_is_read_with_straight_and_with_curly_quotes(value: Json, curly: bool) -> None:
    text = json.dumps(value, ensure_ascii=False)
    has_own = "“" in text or '\\"' in text
    if curly and not has_own:
        pieces = text.split('"')
        text = "".join(
            f"{piece}{'“' if at % 2 == 0 else '”'}" if at < len(pieces) - 1 else piece
            for at, piece in enumerate(pieces)
        )
    assert read_json(text) == value


@given(json_values, st.data())
def test_broken_json_is_refused_with_its_place_in_plain_words(value: Json, data: st.DataObject) -> None:
    text = json.dumps({"key": value})
    at = data.draw(st.integers(0, len(text) - 1))
    broken = text[:at] + data.draw(st.sampled_from(["", "“", ",", "}", "x", "\\"])) + text[at + 1 :]
    try:
        read_json(broken)
    except Unclear as refused:
        words = str(refused)
        assert "line 1, column " in words or "twice" in words
        assert not any(parser in words for parser in ("Expecting", "delimiter", "Invalid \\", "char "))
        event("refused")


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '[{"a": 1, "b": 2, "a": 3}]', "[NaN]", "-Infinity"])
def test_json_that_means_two_things_or_none_is_refused(text: str) -> None:
    with pytest.raises(Unclear):
        read_json(text)


# Forms.


class Colour(Enum):
    RED = "red"
    AMBER = "amber"


class Deployment(msgspec.Struct, rename="camel"):
    stage: Literal["staging", "production", "development"]
    colour: Colour
    replicas: Literal[3, 1, 2] | None = None
    first_of_all: Literal["low", "high"] = "low"
    last_of_all: list[Literal["high", "low"]] = []


def test_a_type_s_options_are_in_the_order_in_which_it_names_them() -> None:
    schema: Any = build_question("Where?", None, "form", Deployment, None).schema
    fields = schema["$defs"]["Deployment"]["properties"]
    assert fields["stage"]["enum"] == ["staging", "production", "development"]
    assert fields["replicas"]["anyOf"][0]["enum"] == [3, 1, 2]
    assert schema["$defs"]["Colour"]["enum"] == ["red", "amber"]
    assert fields["firstOfAll"]["enum"] == ["low", "high"], (
        "the same options in another order, field by field"
    )
    assert fields["lastOfAll"]["items"]["enum"] == ["high", "low"]


@pytest.mark.parametrize(
    "properties",
    [
        {"size": {"enum": ["S", "S "]}},
        {"size": {"enum": ["1", 1]}},
        {"size": {"enum": ["S", "\u200b"]}},
        {"size": {"type": "string"}, "size\u200b": {"type": "string"}},
        {"list": {"type": "array", "items": {"enum": ["a", "a\u00a0"]}}},
    ],
)
def test_a_form_whose_options_or_fields_look_alike_is_refused(properties: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"look the same|shows nothing"):
        build_question(
            "Which?", None, "form", {"type": "object", "properties": properties}, None
        ).check_told_apart()
