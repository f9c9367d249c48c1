"""Which presses count: those from a card as sayso sent it, each once, brought by the platform."""

from __future__ import annotations

import asyncio

from sayso.testing.conformance import _words as words
from sayso.testing.conformance._stage import Stage, label_of


class Presses:
    """Forged, foreign, replayed and doubled presses."""

    async def test_a_card_that_was_edited_from_outside_counts_no_press(self, stage: Stage) -> None:
        asked = await stage.ask("Delete the production database?")
        card = await stage.card(asked)
        await stage.driver.rewrite(card, f"{asked.words} Only the staging one!")
        forged = await stage.card(asked, lambda seen: "staging" in seen.text)
        assert words.REDRAWN in await stage.press(stage.cast.ana, forged, "approve")
        assert await stage.is_open(asked)
        redrawn = await stage.card(asked, lambda seen: "staging" not in seen.text and bool(seen.labels))
        assert words.RESOLVED in await stage.press(stage.cast.ana, redrawn, "approve")
        assert await stage.answer(asked) == "approve"

    async def test_a_copy_of_a_card_counts_no_press_and_is_closed(self, stage: Stage) -> None:
        asked = await stage.ask()
        card = await stage.card(asked)
        await stage.driver.copy(card, stage.cast.other)
        copy = await stage.card(asked, place=stage.cast.other)
        assert words.FOREIGN in await stage.press(stage.cast.ana, copy, "approve")
        assert await stage.is_open(asked)
        await stage.decided(asked, place=stage.cast.other)
        assert words.RESOLVED in await stage.press(stage.cast.ana, card, "approve")

    async def test_a_press_that_comes_once_more_counts_once(self, stage: Stage) -> None:
        """What is brought again is a copy of the platform's own: it says the same, and does nothing."""
        asked = await stage.ask(policy="two")
        await stage.press(stage.cast.ana, await stage.card(asked), "approve")
        await stage.driver.replay()
        later = await stage.ask()
        assert words.RESOLVED in await stage.press(stage.cast.ana, await stage.card(later), "approve")
        assert await stage.is_open(asked), "a vote that comes again is one vote"
        seen = await stage.card(asked, lambda one: "Ana" in one.text and bool(one.labels))
        assert words.RESOLVED in await stage.press(stage.cast.bo, seen, "approve")

    async def test_what_is_heard_of_a_press_on_an_older_view_is_true(self, stage: Stage) -> None:
        """Ana's vote edits the card that Bo still looks at."""
        asked = await stage.ask(policy="two")
        old = await stage.card(asked)
        await stage.press(stage.cast.ana, old, "approve")
        new = await stage.card(asked, lambda one: "Ana" in one.text and bool(one.labels))
        heard = await stage.press(stage.cast.bo, old, "approve")
        if words.RESOLVED not in heard:
            assert words.REDRAWN in heard
            assert await stage.is_open(asked)
            again = await stage.card(asked, lambda one: one.handle != new.handle and bool(one.labels))
            assert words.RESOLVED in await stage.press(stage.cast.bo, again, "approve")
        assert await stage.answer(asked) == "approve"

    async def test_of_two_people_who_press_at_once_one_decides(self, stage: Stage) -> None:
        """A choice of three is one press, also for those who reject."""
        asked = await stage.ask(input_type="select", options=["approve", "reject", "later"])
        card = await stage.card(asked)
        approved, rejected = await asyncio.gather(
            stage.press(stage.cast.ana, card, "approve"), stage.press(stage.cast.bo, card, "reject")
        )
        answer = await stage.answer(asked)
        first, late = (approved, rejected) if answer == "approve" else (rejected, approved)
        assert first.startswith(("Approved", "Rejected"))
        assert "already" in late

    async def test_two_presses_of_one_person_at_once_are_one_answer(self, stage: Stage) -> None:
        asked = await stage.ask()
        card = await stage.card(asked)
        await asyncio.gather(*(stage.press(stage.cast.ana, card, "approve") for _ in range(2)))
        assert await stage.answer(asked) == "approve"

    async def test_a_press_that_the_platform_did_not_bring_is_not_let_in(self, stage: Stage) -> None:
        asked = await stage.ask()
        card = await stage.card(asked)
        was_let_in = await stage.driver.forge(stage.cast.ana, card, label_of(card, "approve"))
        assert not was_let_in
        assert words.RESOLVED in await stage.press(stage.cast.bo, card, "approve")
