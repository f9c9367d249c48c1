"""What an answer comes to: every type of input, and what people hear of every outcome."""

from __future__ import annotations

from typing import Any, Final

import pytest

from sayso.testing.conformance import _words as words
from sayso.testing.conformance._driver import Chosen, FilledIn, Given, Typed
from sayso.testing.conformance._stage import Stage

_MANY: Final = [f"town {number}" for number in range(30)]
_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["name", "seats"],
    "properties": {
        "name": {"type": "string", "title": "Name"},
        "seats": {"type": "integer", "title": "Seats", "minimum": 1},
    },
}
_INPUTS: Final[list[tuple[dict[str, Any], Given, Any]]] = [
    ({"input_type": "text"}, Typed("green tea"), "green tea"),
    ({"input_type": "number"}, Typed("40"), 40),
    ({"input_type": "date"}, Typed("2026-12-31"), "2026-12-31"),
    ({"input_type": "select", "options": _MANY}, Chosen(("town 17",), several=False), "town 17"),
    (
        {"input_type": "multiselect", "options": ["laptop", "phone", "desk"]},
        Chosen(("laptop", "desk")),
        ["laptop", "desk"],
    ),
    (
        {"input_type": "form", "schema": _FORM},
        FilledIn({"Name": "Cho", "Seats": "2"}),
        {"name": "Cho", "seats": 2},
    ),
]


class Answers:
    """Answers of every kind, and every outcome in its words."""

    async def test_a_choice_is_one_press(self, stage: Stage) -> None:
        asked = await stage.ask()
        assert words.RESOLVED in await stage.press(stage.cast.ana, await stage.card(asked), "approve")
        assert await stage.answer(asked) == "approve"
        await stage.decided(asked)

    @pytest.mark.parametrize(("option", "value"), [("yes", True), ("no", False)])
    async def test_yes_or_no_is_one_press(self, stage: Stage, option: str, value: bool) -> None:  # noqa: FBT001 - a parameter of pytest's
        asked = await stage.ask("Delete the staging database?", input_type="confirm")
        assert words.RECORDED in await stage.press(stage.cast.ana, await stage.card(asked), option)
        assert await stage.answer(asked) is value

    @pytest.mark.parametrize(
        ("question", "given", "value"),
        _INPUTS,
        ids=[f"{one['input_type']}-{len(one.get('options', ()))}" for one, _, _ in _INPUTS],
    )
    async def test_every_other_input_is_answered_as_the_platform_has_it(
        self, stage: Stage, question: dict[str, Any], given: Given, value: Any
    ) -> None:
        asked = await stage.ask("What is it?", **question)
        assert words.RECORDED in await stage.give(stage.cast.ana, await stage.card(asked), given)
        assert await stage.answer(asked) == value
        await stage.decided(asked)

    async def test_what_does_not_fit_is_refused_with_the_reason_and_stays_open(self, stage: Stage) -> None:
        asked = await stage.ask("Who is coming?", input_type="form", schema=_FORM)
        wrong = FilledIn({"Name": "Cho", "Seats": "0"})
        assert "1" in await stage.give(stage.cast.ana, await stage.card(asked), wrong)
        assert await stage.is_open(asked)

    async def test_a_vote_that_does_not_decide_says_how_it_counts(self, stage: Stage) -> None:
        asked = await stage.ask(policy="two")
        assert words.COUNTED in await stage.press(stage.cast.ana, await stage.card(asked), "approve")
        assert await stage.is_open(asked)
        seen = await stage.card(asked, lambda one: "Ana" in one.text and bool(one.labels))
        assert words.RESOLVED in await stage.press(stage.cast.bo, seen, "approve")
        assert await stage.answer(asked) == "approve"

    async def test_the_same_again_is_a_duplicate_and_something_else_comes_too_late(
        self, stage: Stage
    ) -> None:
        asked = await stage.ask()
        card = await stage.card(asked)
        await stage.press(stage.cast.ana, card, "approve")
        assert words.DUPLICATE in await stage.press(stage.cast.ana, card, "approve")
        assert words.ALREADY_ANSWERED in await stage.press(stage.cast.bo, card, "reject")
        assert await stage.answer(asked) == "approve"

    async def test_whoever_was_not_asked_hears_that_it_is_not_theirs(self, stage: Stage) -> None:
        asked = await stage.ask()
        card = await stage.card(asked, person=stage.cast.cy)
        assert words.NOT_ALLOWED in await stage.press(stage.cast.cy, card, "approve")
        assert await stage.is_open(asked)

    async def test_a_press_behind_the_deadline_changes_nothing(self, stage: Stage) -> None:
        asked = await stage.ask(seconds=2)
        card = await stage.card(asked)
        assert (await stage.closed(asked))["status"] == "EXPIRED"
        assert words.EXPIRED in await stage.press(stage.cast.ana, card, "approve")
        assert await stage.answer(asked) is None
        await stage.decided(asked)

    async def test_a_press_on_what_was_withdrawn_changes_nothing(self, stage: Stage) -> None:
        asked = await stage.ask()
        card = await stage.card(asked)
        await stage.service.post(f"/requests/{asked.request_id}/withdrawal")
        assert words.WITHDRAWN in await stage.press(stage.cast.ana, card, "approve")
        assert (await stage.closed(asked))["status"] == "WITHDRAWN"
        await stage.decided(asked)

    async def test_a_press_on_what_was_cancelled_changes_nothing(self, stage: Stage) -> None:
        asked = await stage.ask()
        card = await stage.card(asked)
        await stage.service.post(f"/runs/{asked.run_id}/cancel")
        assert words.CANCELLED in await stage.press(stage.cast.ana, card, "approve")
        assert (await stage.closed(asked))["status"] == "CANCELLED"
        await stage.decided(asked)

    async def test_a_press_on_other_words_than_it_asks_now_changes_nothing(self, stage: Stage) -> None:
        first, second = await stage.ask_at_once({"first": {"prompt": "One?"}, "second": {"prompt": "Two?"}})
        old = await stage.card(second)
        stage.reword(second, "It is three by now.")
        await stage.press(stage.cast.ana, await stage.card(first), "approve")
        new = await stage.card(second, lambda seen: "three" in seen.text and bool(seen.labels))
        assert words.SUPERSEDED in await stage.press(stage.cast.ana, old, "approve")
        assert await stage.is_open(second)
        assert words.RESOLVED in await stage.press(stage.cast.ana, new, "approve")
        assert await stage.answer(second) == "approve"

    async def test_an_answer_that_the_workflow_cannot_take_is_held(self, stage: Stage) -> None:
        first, second = await stage.ask_at_once({"first": {"prompt": "One?"}, "second": {"prompt": "Two?"}})
        await stage.card(second)
        stage.reword(first, "It was answered in other words.")
        await stage.press(stage.cast.ana, await stage.card(first), "approve")
        run = await stage.service.get(f"/runs/{first.run_id}", wait=20, until="ended")
        assert run["status"] == "NEEDS_ATTENTION"
        assert words.HELD in await stage.press_now(stage.cast.ana, second, "approve")
        assert await stage.answer(second) == "approve"
