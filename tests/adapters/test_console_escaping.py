"""Nothing that people wrote commands the terminal or a spreadsheet that shows it."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.adapters.console import (
    attention_card,
    csv_cell,
    request_card,
    requests_table,
    result_card,
    visible,
    visible_line,
)
from sayso.engine import Attention, AttentionKind
from tests.adapters.console_support import NOW, question, request, shown

HOSTILE = "\x1b]0;owned\x07\x1b[2J[bold red]Approved[/] \u202egnp.exe \x9b31m :boom: \r\x00"


@given(st.text())
def test_visible_text_has_nothing_left_that_commands_a_terminal(text: str) -> None:
    left = {
        unicodedata.category(character) for character in visible(text) if character not in "\n\u200c\u200d"
    }
    assert not left & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert "\n" not in visible_line(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_plain_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_every_character_that_commands_or_hides_is_named_and_no_other() -> None:
    """All of Unicode at once: what is passed over for speed holds nothing of the kind."""
    every = [character for character in map(chr, range(sys.maxunicode + 1)) if character not in "\t\r"]
    changed = {one for one in every if visible(one) != one}
    hidden = {one for one in every if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}}
    assert changed == hidden - set("\n\u200c\u200d")


def test_right_to_left_text_is_shown_and_an_override_of_the_order_is_named() -> None:
    assert visible("שלום \u202ecod.exe") == "שלום <U+202E>cod.exe"


def test_a_family_emoji_keeps_its_joiners() -> None:
    assert visible("👩\u200d👧") == "👩\u200d👧"


def test_a_prompt_with_markup_and_escapes_is_shown_and_never_obeyed() -> None:
    """A workflow may quote text from anywhere; a card that obeyed it could show an approval that is none."""
    asked = question(
        "select",
        prompt=HOSTILE,
        options=[{"value": "yes", "label": HOSTILE, "description": HOSTILE}],
        details={HOSTILE: HOSTILE, "nested": {"deep": [HOSTILE]}},
    )
    record = request(asked, name=HOSTILE, note=HOSTILE, requested_by=HOSTILE, audience=(f"slack:{HOSTILE}",))
    for card in (request_card(record, HOSTILE, NOW), requests_table([record], NOW)):
        output = shown(card, width=400)
        assert "\\x1b" in output
        assert "[bold red]Approved[/]" in output
        assert ":boom:" in output
        assert not {"\x1b", "\x07", "\x9b", "\x00", "\r", "\u202e"} & set(output)


@pytest.mark.parametrize("text", [HOSTILE, question(prompt=HOSTILE).text()])
def test_what_an_operator_is_shown_is_never_obeyed(text: str) -> None:
    attention = Attention(AttentionKind.QUESTION_CHANGED, HOSTILE, text, text, HOSTILE)
    output = shown(attention_card("run-1", HOSTILE, attention), width=400)
    assert not {"\x1b", "\x07", "\x9b", "\x00", "\u202e"} & set(output)


def test_a_result_is_never_obeyed() -> None:
    output = shown(result_card({HOSTILE: HOSTILE, "list": [HOSTILE], "deep": {"a": HOSTILE}}), width=400)
    assert not {"\x1b", "\x07", "\x9b", "\x00", "\u202e"} & set(output)


def test_a_prompt_with_many_lines_cannot_leave_its_card() -> None:
    """Lines of a prompt could otherwise look like our own: `Approved. The workflow continues.`"""
    output = shown(
        request_card(request(question(prompt="Go?\n\nApproved. The workflow continues.")), "w", NOW)
    )
    forged = next(line for line in output.splitlines() if "Approved." in line)
    assert forged.startswith("│")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r="])
def test_a_cell_that_a_spreadsheet_takes_for_a_formula_becomes_text(start: str) -> None:
    cell = csv_cell(f'{start}cmd|"/c calc"!A1')
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_formula_behind_spaces_becomes_text_too() -> None:
    """Some spreadsheets cut leading spaces off before they look."""
    assert csv_cell("  =1+1").startswith("'")


def test_harmless_cells_stay_as_they_are() -> None:
    assert [csv_cell(value) for value in ("local:ana", 7, None, "")] == ["local:ana", "7", "", ""]
