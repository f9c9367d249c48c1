"""What the inputs of a modal hold: what they begin with, until somebody changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sayso.testing.slack._state import ViewState

PICKS_SEVERAL = ("checkboxes", "multi_static_select", "multi_external_select")
PICKS_ONE = ("static_select", "radio_buttons", "external_select")

State = dict[str, Any]


def inputs_of(view: ViewState) -> Iterator[dict[str, Any]]:
    """The blocks that are inputs."""
    return (block for block in view.body.get("blocks", ()) if block["type"] == "input")


def input_states(
    view: ViewState, kept: Callable[[Any], Any], typed: Callable[[str], str]
) -> dict[str, dict[str, State]]:
    """What all inputs hold, by block and action, as Slack sends it; `kept` and `typed` give an option and a text as it
    keeps them.
    """
    return {
        block["block_id"]: view.typed.get(block["block_id"])
        or {block["element"]["action_id"]: _begun(block["element"], kept, typed)}
        for block in inputs_of(view)
    }


def still_there(view: ViewState, states: dict[str, dict[str, State]]) -> dict[str, dict[str, State]]:
    """What is still held once a view shows something else: that of inputs with the same `block_id` and `action_id`,
    whatever they begin with (docs.slack.dev/reference/methods/views.update).
    """
    there = {(block["block_id"], block["element"]["action_id"]) for block in inputs_of(view)}
    return {
        block_id: state
        for block_id, state in states.items()
        if all((block_id, action_id) in there for action_id in state)
    }


def is_empty(state: State) -> bool:
    """Whether an input holds nothing."""
    return not any(value for name, value in state.items() if name != "type")


def _begun(element: dict[str, Any], kept: Callable[[Any], Any], typed: Callable[[str], str]) -> State:
    kind = element["type"]
    state: State = {"type": kind}
    if kind in PICKS_SEVERAL:
        return {**state, "selected_options": [kept(one) for one in element.get("initial_options", ())]}
    if kind in PICKS_ONE:
        initial = element.get("initial_option")
        return {**state, "selected_option": None if initial is None else kept(initial)}
    if kind == "datepicker":
        return {**state, "selected_date": element.get("initial_date")}
    if kind == "datetimepicker":
        return {**state, "selected_date_time": element.get("initial_date_time")}
    text = element.get("initial_value")
    return {**state, "value": None if text is None else typed(text)}
