"""When a place that refuses is tried again, and when operators hear of it."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from sayso.bots.chats import Patience, Refusals

PATIENCE = Patience()


def test_a_refusal_that_may_pass_is_borne_some_times() -> None:
    refusals = Refusals(PATIENCE)
    pauses = [refusals.bear("slack:#a") for _ in range(5)]
    assert pauses == [*(timedelta(seconds=one) for one in (1, 2, 4, 8)), None]
    assert refusals.give_up("slack:#a", now=0.0)
    assert refusals.bear("slack:#a") is None, "while it is given up, one refusal is enough"
    assert refusals.took("slack:#a")
    assert refusals.bear("slack:#a") == timedelta(seconds=1)
    assert not refusals.took("slack:#a"), "it was not given up"


@given(st.lists(st.sampled_from(["refuses", "takes"]), max_size=40))
def test_a_place_is_told_once_and_tried_again_within_the_hour(whats: list[str]) -> None:
    """Between two refusals in a row lies at least a minute and at most an hour; news is the first of a row alone."""
    refusals, now, in_a_row = Refusals(PATIENCE), 0.0, 0
    for what in whats:
        if what == "takes":
            assert refusals.took("slack:#a") is (in_a_row > 0)
            assert refusals.wait(now) is None
            in_a_row = 0
            continue
        assert refusals.give_up("slack:#a", now) is (in_a_row == 0)
        in_a_row += 1
        wait = refusals.wait(now)
        assert wait is not None
        assert 60 <= wait <= 3600
        assert refusals.due(now) == []
        now += wait
        assert refusals.due(now) == ["slack:#a"]
        assert refusals.due(now) == [], "until it has refused again"
