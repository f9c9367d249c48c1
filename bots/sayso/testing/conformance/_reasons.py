"""Reasons: for platforms whose presses can ask why, as every rejection of an approval does."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import pytest

from sayso.testing.conformance import _words as words
from sayso.testing.conformance._driver import Driver, Seen
from sayso.testing.conformance._stage import REASONS, Asked, Stage, label_of


@runtime_checkable
class ReasonsDriver(Driver, Protocol):
    """A driver whose people can say why."""

    async def asked_why(self, person: str, card: Seen, label: str) -> Any:
        """Press a button that asks why; whatever asks, for `explain`."""
        ...

    async def explain(self, person: str, asks: Any, reason: str) -> str | None:
        """Give a reason: pick it where it is suggested, else write it, or give none if it is empty; the last thing that
        they are told.
        """
        ...


class Reasons:
    """A rejection with its reason. A platform that asks why adds this class to its suite."""

    @pytest.mark.parametrize("reason", ["not on a Friday", ""])
    async def test_a_rejection_is_one_step_behind_its_press_with_a_reason_or_without(
        self, stage: Stage, reason: str
    ) -> None:
        asked = await stage.ask()
        asks = await _asked_why(stage, asked, stage.cast.ana)
        assert await stage.is_open(asked), "nothing is decided before the reason"
        assert words.REJECTED in await _explain(stage, stage.cast.ana, asks, reason)
        assert await stage.answer(asked) == "reject"
        await stage.card(asked, lambda seen: reason in seen.text and not seen.labels)

    async def test_whoever_is_asked_why_has_not_rejected_and_may_approve(self, stage: Stage) -> None:
        asked = await stage.ask()
        card = await stage.card(asked)
        await _asked_why(stage, asked, stage.cast.ana)
        assert words.RESOLVED in await stage.press(stage.cast.ana, card, "approve")
        assert await stage.answer(asked) == "approve"

    async def test_a_suggested_reason_is_picked_and_stands_on_the_card(self, stage: Stage) -> None:
        asked = await stage.ask(policy="suggests")
        asks = await _asked_why(stage, asked, stage.cast.ana)
        assert await stage.is_open(asked), "nothing is decided before the reason"
        assert words.REJECTED in await _explain(stage, stage.cast.ana, asks, REASONS[0])
        assert await stage.answer(asked) == "reject"
        await stage.card(asked, lambda seen: REASONS[0] in seen.text and not seen.labels)

    async def test_a_reason_may_be_ones_own_words(self, stage: Stage) -> None:
        asked = await stage.ask(policy="requires")
        asks = await _asked_why(stage, asked, stage.cast.ana)
        assert words.REJECTED in await _explain(stage, stage.cast.ana, asks, "not on a Friday")
        await stage.card(asked, lambda seen: "not on a Friday" in seen.text and not seen.labels)

    async def test_an_approval_stays_one_press_where_rejections_are_asked_why(self, stage: Stage) -> None:
        asked = await stage.ask(policy="requires")
        assert words.RESOLVED in await stage.press(stage.cast.ana, await stage.card(asked), "approve")
        assert await stage.answer(asked) == "approve"

    async def test_whoever_was_not_asked_is_not_asked_why_either(self, stage: Stage) -> None:
        asked = await stage.ask(policy="suggests")
        card = await stage.card(asked, person=stage.cast.cy)
        assert words.NOT_ALLOWED in await stage.press(stage.cast.cy, card, "reject")
        assert await stage.is_open(asked)

    async def test_what_asks_why_outlives_a_restart(self, stage: Stage) -> None:
        asked = await stage.ask(policy="suggests")
        asks = await _asked_why(stage, asked, stage.cast.ana)
        await stage.stop()
        await stage.start()
        assert words.REJECTED in await _explain(stage, stage.cast.ana, asks, REASONS[1])
        assert await stage.answer(asked) == "reject"

    async def test_a_reason_for_a_question_that_changed_changes_nothing(self, stage: Stage) -> None:
        first, second = await stage.ask_at_once({"first": {"prompt": "One?"}, "second": {"prompt": "Two?"}})
        asks = await _asked_why(stage, second, stage.cast.ana)
        stage.reword(second, "It is three by now.")
        await stage.press(stage.cast.bo, await stage.card(first), "approve")
        await stage.card(second, lambda seen: "three" in seen.text and bool(seen.labels))
        assert words.SUPERSEDED in await _explain(stage, stage.cast.ana, asks, "")
        assert await stage.is_open(second)

    async def test_a_reason_behind_somebody_elses_answer_changes_nothing(self, stage: Stage) -> None:
        asked = await stage.ask()
        card = await stage.card(asked)
        asks = await _asked_why(stage, asked, stage.cast.ana)
        assert words.RESOLVED in await stage.press(stage.cast.bo, card, "approve")
        assert words.ALREADY_ANSWERED in await _explain(stage, stage.cast.ana, asks, "too late")
        assert await stage.answer(asked) == "approve"


def _driver(stage: Stage) -> ReasonsDriver:
    driver = stage.driver
    assert isinstance(driver, ReasonsDriver), "the driver of a platform that asks why is a ReasonsDriver"
    return driver


async def _asked_why(stage: Stage, asked: Asked, person: str) -> Any:
    card = await stage.card(asked)
    return await _driver(stage).asked_why(person, card, label_of(card, "reject"))


async def _explain(stage: Stage, person: str, asks: Any, reason: str) -> str:
    heard = await _driver(stage).explain(person, asks, reason)
    assert heard is not None, f"nobody acknowledged the reason {reason!r}"
    return heard
