"""What somebody typed means what the card showed, or is refused with the reason."""

from __future__ import annotations

import pytest

from sayso.adapters.console import EmptyReply, is_numbered, read_reply, reply_hint
from sayso.engine import InvalidAnswer, Json
from tests.adapters.console_support import question

DEPLOY = question(
    "select",
    options=[{"value": "approve", "label": "Yes, go"}, {"value": "reject", "label": "No"}, "later, maybe"],
)
TAGS = question("multiselect", options=["red", "green", "blue, dark"])


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1", "approve"),
        (" 2 ", "reject"),
        ("approve", "approve"),
        ("yes, GO", "approve"),
        ("NO", "reject"),
        ("3", "later, maybe"),
    ],
)
def test_an_option_is_chosen_by_number_value_or_label(typed: str, value: str) -> None:
    assert read_reply(DEPLOY, typed) == value


@pytest.mark.parametrize("typed", ["0", "4", "99999999999999999999", "-1", "1.0", "perhaps", "1 2"])
def test_what_is_no_option_is_refused(typed: str) -> None:
    with pytest.raises(InvalidAnswer):
        read_reply(DEPLOY, typed)


def test_a_number_that_is_no_option_is_refused_with_the_range() -> None:
    with pytest.raises(InvalidAnswer, match=r"no option 4.*from 1 to 3"):
        read_reply(DEPLOY, "4")


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1", ["red"]),
        ("2,1", ["green", "red"]),
        ("red, 3", ["red", "blue, dark"]),
        ('["blue, dark", "green"]', ["blue, dark", "green"]),
        ("[]", []),
    ],
)
def test_several_options_are_chosen_with_commas_or_as_a_list(typed: str, value: Json) -> None:
    assert read_reply(TAGS, typed) == value


@pytest.mark.parametrize("typed", ["1,1", "red,7", '["pink"]', "[red", "pink"])
def test_several_options_are_refused_when_one_does_not_fit(typed: str) -> None:
    with pytest.raises(InvalidAnswer):
        read_reply(TAGS, typed)


def test_options_that_are_numbers_have_no_numbers_of_their_own() -> None:
    """`2` must not mean the second option where another option is called 2."""
    servers = question("select", options=["3", "1", "2"])
    assert not is_numbered(servers)
    assert read_reply(servers, "1") == "1"
    assert "[" not in reply_hint(servers)


@pytest.mark.parametrize(
    ("input_type", "typed", "value"),
    [
        ("confirm", "Yes", True),
        ("confirm", "n", False),
        ("number", "40", 40),
        ("number", " -2.5 ", -2.5),
        ("text", "  as typed ", "  as typed "),
    ],
)
def test_plain_inputs_are_read(input_type: str, typed: str, value: Json) -> None:
    read = read_reply(question(input_type), typed)
    assert read == value
    assert type(read) is type(value)


def test_a_reply_that_does_not_fit_is_refused_with_an_example() -> None:
    with pytest.raises(InvalidAnswer, match=r'"forty" is not a number. Please send a number, for example 40'):
        read_reply(question("number"), "forty")


@pytest.mark.parametrize("input_type", ["text", "confirm", "number"])
def test_an_empty_line_is_no_answer(input_type: str) -> None:
    """Silence never stands for an answer."""
    with pytest.raises(EmptyReply):
        read_reply(question(input_type), "  ")


def test_on_the_command_line_a_number_is_no_option() -> None:
    """There is no card beside it whose numbers it could mean."""
    assert DEPLOY.read_text("Yes, go") == "approve"
    with pytest.raises(InvalidAnswer):
        DEPLOY.read_text("1")


def test_on_the_command_line_several_options_may_be_a_json_list() -> None:
    assert TAGS.read_text('["blue, dark"]') == ["blue, dark"]
    assert TAGS.read_text("red,green") == ["red", "green"]


@pytest.mark.parametrize("input_type", ["select", "multiselect"])
def test_the_hint_says_how_many_options_there_are(input_type: str) -> None:
    assert "1-3" in reply_hint(question(input_type, options=["a", "b", "c"]))
