"""Grants as they are offered, and what each covers: what is refused, what may differ, and what never does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.engine import (
    Grants,
    InvalidRequest,
    Json,
    Policy,
    Question,
    Rule,
    Stage,
    bind,
    differences,
    duration_text,
    offered,
)
from sayso.engine._grants import coverage, coverages, fits

HOUR = timedelta(hours=1)
ONE = (Stage(["web:ana"]),)


def grants(**more: Any) -> Grants:
    """An hour, for a program that is known."""
    given: dict[str, Any] = {"longest": HOUR, "durations": [HOUR], "asked_by": "token:agent", **more}
    return Grants(**given)


def question(details: Json, prompt: str = "Run “npm test”?", *, read_all: bool = False) -> Question:
    return Question(prompt, ["approve", "reject"], "select", None, details, read_all=read_all)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"exclude_requester": True}, "does not go with exclude_requester"),
        ({"author": "person:bo"}, "does not go with author"),
        ({"break_glass": ["web:bo"]}, "does not go with break_glass"),
        ({"stages": (*ONE, *ONE)}, "does not go with other than one stage"),
        ({"stages": (Stage(["web:ana", "web:bo"], need=2),)}, "does not go with need other than 1"),
        ({"stages": (Stage(["web:ana"], need="all"),)}, "does not go with need other than 1"),
        ({"stages": (Stage(["web:ana"], veto=["web:bo"]),)}, "does not go with veto"),
        ({"comment": ["approve"]}, "does not go with a comment required to approve"),
        ({"stages": ()}, "does not go with other than one stage"),
    ],
)
def test_a_policy_that_asks_for_more_than_one_yes_offers_no_grants(more: dict[str, Any], why: str) -> None:
    given: dict[str, Any] = {"stages": ONE, "grants": grants(), **more}
    with pytest.raises(InvalidRequest, match=why):
        Policy(**given)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"longest": timedelta(seconds=59)}, "longest=59s must be between 1m and 7d"),
        ({"longest": timedelta(days=7, seconds=1)}, "longest=7d1s must be between 1m and 7d"),
        ({"durations": ()}, "nothing is offered"),
        ({"durations": [HOUR * 2]}, "the duration 2h must be between 1m and longest"),
        ({"durations": [timedelta(minutes=one) for one in (1, 2, 3, 4, 5)]}, "5 durations are too many"),
        ({"times": 0}, "times=0 must be between 1 and 1000"),
        ({"times": 1001}, "times=1001 must be between 1 and 1000"),
        ({"patterns": {"Directory": "/srv"}}, r"'/srv' of 'Directory' has no \*"),
        ({"session": "Session", "patterns": {"Session": "*"}}, "'Session' names the session"),
    ],
)
def test_grants_that_could_not_be_are_refused(more: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        grants(**more)


def keys(details: Json, *, read_all: bool = False, **more: Any) -> list[str]:
    """What is offered about a question, by its keys."""
    policy = Policy(stages=ONE, grants=grants(times=5, session="Session"), **more)
    asked = question(details, read_all=read_all)
    return [one.key for one in offered(bind(policy, asked, (), None), asked)]


def test_what_is_offered_ends_and_fits_the_question() -> None:
    assert keys({"Session": "s1"}) == ["session", "1h", "5x"]
    assert keys({"Session": " "}) == keys({"Session": 7}) == keys(None) == ["1h", "5x"]


def test_nothing_is_offered_where_people_would_be_asked_again_anyway() -> None:
    """Which is so where all of it has to be read, and where a rule could not be checked."""
    assert keys({"Session": "s1"}, read_all=True) == []
    rule = Rule("details.other == 1", "reject", "bo")
    asked = question({"Session": "s1"})
    policy = bind(Policy(stages=ONE, grants=grants(), rules=[rule]), asked, (), None)
    assert offered(policy, asked)
    from msgspec.structs import replace

    from sayso.engine import Unchecked

    assert offered(replace(policy, unchecked=Unchecked(1, "there is no 'other'")), asked) == ()
    assert offered(replace(policy, released=("web:ana",)), asked) == ()
    assert offered(Policy(stages=ONE, grants=grants(asked_by="")), asked) == ()


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("*", "anything; at all\n", True),
        ("v*", "v1.2.3", True),
        ("v*", "v", False),
        ("deploy *", "deploy api", True),
        ("deploy *", "deploy --force", False),
        ("deploy *", "deploy api; rm -rf /", False),
        ("deploy *", "deploy api db", False),
        ("/srv/*", "/srv/../etc", False),
        ("/srv/*", "/srv/a/b", False),
        ("/srv/*", "/srv/.ssh", False),
        ("/srv/*/log", "/srv/a/log", True),
        ("a.*", "a..", False),
        ("a*", "ax..y", False),
        ("n*", "n٣", False),
        ("n*", "n1\n", False),
    ],
)
def test_what_a_pattern_means(pattern: str, value: str, *, expected: bool) -> None:
    assert fits(pattern, value) is expected


DETAILS: dict[str, Any] = {"Command": "npm test", "Directory": "/srv/app", "Session": "s1", "n": 1}
OFFERED = grants(session="Session", patterns={"Directory": "/srv/*"})


def covered(details: Any, prompt: str = "Run “npm test”?", *, of_session: bool = False, **more: Any) -> str:
    text = question(details, prompt).text()
    given: dict[str, Any] = {"note": None, "requested_by": "token:agent", "policy": ("tools", "v1"), **more}
    offer = given.pop("offer", OFFERED)
    return coverage(offer, text, given["note"], given["requested_by"], given["policy"], of_session=of_session)


@pytest.mark.parametrize(
    "other",
    [
        {**DETAILS, "Command": "npm test "},
        {**DETAILS, "n": 1.0},
        {**DETAILS, "n": True},
        {**DETAILS, "n": "1"},
        {**DETAILS, "more": None},
        {**DETAILS, "Directory": "/etc"},
        {**DETAILS, "Directory": "/srv/*"},
        {**DETAILS, "Directory": [0, "/srv/*"]},
        {**DETAILS, "Session": None},
        {name: value for name, value in DETAILS.items() if name != "Session"},
        ["npm test"],
        None,
    ],
)
def test_whatever_differs_otherwise_is_not_covered(other: Any) -> None:
    assert covered(other) != covered(DETAILS)


@pytest.mark.parametrize(
    "more",
    [
        {"note": "really"},
        {"requested_by": "person:bo"},
        {"policy": ("tools", "v2")},
        {"policy": ("other", "v1")},
        {"offer": grants(session="Session", patterns={"Directory": "/srv/*"}, asked_by="token:other")},
        {"of_session": True},
        {"prompt": "Run “npm  test”?"},
    ],
)
def test_nor_is_another_asker_policy_note_or_title(more: dict[str, Any]) -> None:
    assert covered(DETAILS, **more) != covered(DETAILS)


def test_what_may_differ_is_named_and_covered() -> None:
    assert differences(OFFERED, DETAILS, of_session=False) == (("Directory", "/srv/*"), ("Session", "*"))
    assert differences(OFFERED, DETAILS, of_session=True) == (("Directory", "/srv/*"),)
    assert differences(OFFERED, {**DETAILS, "Directory": "/etc"}, of_session=True) == ()
    other = {"n": 1, "Session": "s2", "Directory": "/srv/api", "Command": "npm test"}
    assert covered(other) == covered(DETAILS)
    assert covered(other, of_session=True) != covered(DETAILS, of_session=True)
    assert covered({**DETAILS, "Directory": "/srv/b"}, of_session=True) == covered(DETAILS, of_session=True)


def test_a_question_is_looked_for_by_its_session_and_without_it() -> None:
    text = question(DETAILS).text()
    found = coverages(OFFERED, text, None, "token:agent", ("tools", "v1"))
    assert found == (covered(DETAILS, of_session=True), covered(DETAILS))
    text = question({"Command": "npm test"}).text()
    assert len(coverages(OFFERED, text, None, "token:agent", ("tools", "v1"))) == 1


@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.booleans(), max_size=4),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.booleans(), max_size=4),
)
def test_without_patterns_only_the_same_details_are_covered(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    def exactly(details: dict[str, Any]) -> dict[str, tuple[type, Any]]:
        return {name: (type(value), value) for name, value in details.items()}

    is_same = exactly(one) == exactly(other)
    assert (covered(one, offer=grants()) == covered(other, offer=grants())) is is_same


def test_durations_are_written_as_settings_have_them() -> None:
    assert [duration_text(one) for one in (HOUR, timedelta(minutes=90), timedelta(days=2))] == [
        "1h",
        "1h30m",
        "2d",
    ]
