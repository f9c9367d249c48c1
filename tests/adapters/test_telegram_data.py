"""What Telegram's buttons carry: sayso's own, known by a prefix, within 64 bytes; earlier cards stay readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.adapters.telegram import PREFIX, Action, CardButton, StepAction, StepButton, decode

HEX = st.text("0123456789abcdef", min_size=32, max_size=32)
NUMBERS = st.integers(0, 10**6 - 1)
RENDERINGS = st.none() | st.integers(0, 10**10 - 1)
CARDS = st.builds(CardButton, st.sampled_from(Action), HEX, st.integers(0, 10**9 - 1), NUMBERS, RENDERINGS)
STEPS = st.builds(StepButton, st.sampled_from(StepAction), NUMBERS, RENDERINGS)
LARGEST = CardButton(Action.CHOOSE, "f" * 32, 10**9 - 1, 10**6 - 1, 10**10 - 1)


@given(CARDS | STEPS)
def test_a_button_is_read_back_from_what_it_carries(button: CardButton | StepButton) -> None:
    data = button.encode()
    assert decode(data) == button
    assert data.startswith(PREFIX)


def test_the_largest_numbers_are_within_what_telegram_takes() -> None:
    """Telegram refuses a whole message for one button of more than 64 bytes."""
    assert len(LARGEST.encode()) <= 64


@pytest.mark.parametrize(
    ("data", "button"),
    [
        (
            "a:0123456789abcdef0123456789abcdef:1:2:7",
            CardButton(Action.CHOOSE, "0123456789abcdef" * 2, 1, 2, 7),
        ),
        ("y:0123456789abcdef0123456789abcdef:3", CardButton(Action.CONFIRM, "0123456789abcdef" * 2, 3)),
        ("cv:4:9", StepButton(StepAction.CHOOSE, 4, 9)),
        ("cx", StepButton(StepAction.CANCEL)),
    ],
)
def test_what_earlier_versions_sent_is_still_read(data: str, button: CardButton | StepButton) -> None:
    assert decode(data) == button


@pytest.mark.parametrize(
    "data",
    ["", "sayso:", "weather:oslo", "sayso:q:AAAAAAAAAAAAAAAAAAAAAA:1", "sayso:a:short:1:0", "sayso:cq:1"],
)
def test_what_sayso_never_made_is_nothing(data: str) -> None:
    assert decode(data) is None
