"""What a visit of a run shows: which keys of the state it changed, and how long things took, in words."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.adapters.web import show_visit
from sayso.adapters.web._visits import duration_words
from sayso.engine import NodeStatus, VisitDetail, VisitSummary
from tests.engine.support import START

VISIT = VisitSummary(1, "ask", NodeStatus.COMPLETED, 1, None, None, START, START)


def changed(before: object, after: object) -> list[tuple[str, str, str | None, str | None]]:
    """Each change: what became of which key, what it was and what it is."""
    shown = show_visit(VISIT, "COMPLETED", (), VisitDetail(json.dumps(before), json.dumps(after), ()))
    assert not shown.changes.has_more
    return [(one.kind, one.key, one.was, one.now) for one in shown.changes.shown]


def test_keys_are_added_changed_and_removed_with_what_they_were_and_are() -> None:
    before = {"gone": [1], "same": {"a": 1}, "tries": 1, "order": {"items": 2, "note": "old"}}
    after = {"same": {"a": 1}, "tries": 2, "order": {"items": 2, "to": "Bo"}, "name": "Ä\u202e"}
    assert changed(before, after) == [
        ("changed", "tries", "1", "2"),
        ("added", "order.to", None, '"Bo"'),
        ("removed", "order.note", '"old"', None),
        ("added", "name", None, '"Ä<U+202E>"'),
        ("removed", "gone", "[1]", None),
    ]


def test_numbers_and_truth_are_not_one() -> None:
    assert changed({"a": 1}, {"a": True}) == [("changed", "a", "1", "true")]
    assert changed({"a": 1}, {"a": 1.0}) == [("changed", "a", "1", "1.0")]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)
states = st.dictionaries(st.text("abc", min_size=1, max_size=2), values, max_size=5)


@given(states, states)
def test_a_change_is_shown_exactly_where_two_states_differ(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert bool(changed(before, after)) == (
        json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True)
    )
    assert changed(before, before) == []


def test_what_is_long_or_much_is_cut() -> None:
    detail = VisitDetail("{}", json.dumps({f"key {number}": "x" * 1000 for number in range(60)}), ())
    shown = show_visit(VISIT, "COMPLETED", (), detail)
    assert (len(shown.changes.shown), shown.changes.has_more) == (50, True)
    assert shown.changes.shown[0].now == f'"{"x" * 299}… (702 more characters)'
    assert len(shown.after) < 5100


def test_who_is_no_operator_sees_nothing_of_the_state() -> None:
    shown = show_visit(VISIT, "COMPLETED", (), None)
    assert (shown.changes.shown, shown.before, shown.after, shown.steps) == ((), "", "", ())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.0042, "4 ms"),
        (0.42, "0.4 s"),
        (9.96, "10.0 s"),
        (12.4, "12 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (7800, "2 h 10 min"),
        (86_400, "1 day 0 h"),
        (273_600, "3 days 4 h"),
    ],
)
def test_how_long_something_took_is_said_in_words(seconds: float, words: str) -> None:
    assert duration_words(timedelta(seconds=seconds)) == words
