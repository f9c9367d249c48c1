"""Values as settings are written are those that are read."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from sayso.config import to_toml

_TEXT = st.text(st.characters(codec="utf-8"))


@given(st.one_of(_TEXT, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.lists(_TEXT)))
def test_a_value_is_read_as_it_was_written(value: object) -> None:
    assert tomllib.loads(f"given = {to_toml(value)}") == {"given": value}


def test_a_face_and_a_control_character_are_themselves() -> None:
    text = "😀\x7fa"
    assert tomllib.loads(f"given = {to_toml(text)}")["given"] == text
