"""How cards reach people: in order, within budgets, and where sending fails."""

from __future__ import annotations

from typing import Final

import pytest

from sayso.testing.conformance import _words as words
from sayso.testing.conformance._driver import Failure, Sending
from sayso.testing.conformance._stage import Stage, plain

_CLOCKS_DIFFER: Final = 0.8
"""What a busy machine leaves of the time between two messages: the first may be long on its way."""


class Cards:
    """Cards that are sent and edited, and places that take none."""

    @pytest.mark.parametrize("failure", list(Failure))
    async def test_a_card_is_there_and_counts_whatever_became_of_its_sending(
        self, stage: Stage, failure: Failure
    ) -> None:
        """What cannot be told is sent again: of two that look alike one counts, and the other says so."""
        await stage.settled()
        stage.driver.fail(Sending.SEND, failure)
        asked = await stage.ask()
        wanted = 1 if failure is Failure.SERVER_ERROR else 2

        async def all_of_them() -> list[object] | None:
            found = await stage.cards(asked)
            return list(found) if len(found) == wanted else None

        await stage.until(f"{wanted} cards", all_of_them)
        if wanted > 1:
            first = (await stage.cards(asked))[0]
            assert words.FOREIGN in await stage.press(stage.cast.bo, first, "reject")
            assert await stage.is_open(asked)
            # A card whose sending is not confirmed yet may be drawn once more before what looks like it is closed.
            await stage.card(asked, lambda seen: not seen.labels)
        assert words.RESOLVED in await stage.press_now(stage.cast.ana, asked, "approve")
        assert await stage.answer(asked) == "approve"
        await stage.decided(asked)

    @pytest.mark.parametrize("failure", [Failure.SERVER_ERROR, Failure.RESET])
    async def test_a_decided_card_says_so_whatever_became_of_its_edit(
        self, stage: Stage, failure: Failure
    ) -> None:
        asked = await stage.ask()
        card = await stage.card(asked)
        stage.driver.fail(Sending.EDIT, failure)
        assert words.RESOLVED in await stage.press(stage.cast.ana, card, "approve")
        assert "approved" in (await stage.decided(asked)).text.lower()

    async def test_the_cards_of_one_question_are_decided_together(self, stage: Stage) -> None:
        asked = await stage.ask(to=[stage.cast.place.entry, stage.cast.other.entry])
        await stage.card(asked, place=stage.cast.other)
        await stage.press(stage.cast.ana, await stage.card(asked), "approve")
        shown = await stage.decided(asked, place=stage.cast.other)
        assert "approved" in shown.text.lower()

    async def test_questions_come_in_the_order_in_which_they_were_asked(self, stage: Stage) -> None:
        names = [f"question-{number}" for number in range(4)]
        asked = await stage.ask_at_once({name: {"prompt": f"{name}?"} for name in names})
        await stage.card(asked[-1])
        texts = [plain(one.text) for one in await stage.driver.sees(stage.cast.ana, stage.cast.place)]
        shown = [one.words for text in texts for one in asked if one.words in text]
        assert shown == [one.words for one in asked]

    async def test_a_place_is_written_to_as_fast_as_its_budget_allows(self, stage: Stage) -> None:
        budget = stage.driver.budget
        names = [f"question-{number}" for number in range(2 * budget.count + 4)]
        asked = await stage.ask_at_once({name: {"prompt": f"{name}?"} for name in names})
        for one in asked:
            await stage.card(one)
        sent = stage.driver.sent(stage.cast.place)[-len(names) :]
        due = (len(names) - 1) // budget.count * budget.per
        assert sent[-1] - sent[0] >= _CLOCKS_DIFFER * due

    async def test_a_dead_place_holds_up_no_other_and_is_taken_up_again(self, stage: Stage) -> None:
        other = stage.cast.other
        await stage.driver.shut(other)
        asked = await stage.ask(to=[other.entry, stage.cast.place.entry])
        assert words.RESOLVED in await stage.press(stage.cast.ana, await stage.card(asked), "approve")
        waiting = await stage.ask(to=[other.entry])
        await stage.happened("destination_dead")
        assert await self._dead(stage) == [other.entry]
        await stage.driver.reopen(other)
        await stage.service.post("/destinations/revive", destinations=[other.entry])
        card = await stage.card(waiting, place=other)
        assert words.RESOLVED in await stage.press(stage.cast.ana, card, "approve")
        assert await self._dead(stage) == []

    @staticmethod
    async def _dead(stage: Stage) -> list[str]:
        found = (await stage.service.get("/destinations/dead"))["destinations"]
        return sorted({str(one["destination"]) for one in found})
