"""What survives the end of the service's process: everything that anybody was told."""

from __future__ import annotations

import asyncio

from sayso.testing.conformance import _words as words
from sayso.testing.conformance._driver import Failure, Sending
from sayso.testing.conformance._stage import Stage


class Restarts:
    """Stops, kills, and another database."""

    async def test_a_card_from_before_a_restart_counts_after_it(self, stage: Stage) -> None:
        asked = await stage.ask()
        card = await stage.card(asked)
        await stage.stop()
        await stage.start()
        assert words.RESOLVED in await stage.press(stage.cast.ana, card, "approve")
        assert await stage.answer(asked) == "approve"
        await stage.decided(asked)

    async def test_what_was_acknowledged_outlives_a_kill(self, stage: Stage) -> None:
        asked = await stage.ask()
        card = await stage.card(asked)
        assert words.RESOLVED in await stage.press(stage.cast.ana, card, "approve")
        await stage.kill()
        await stage.start()
        assert await stage.answer(asked) == "approve"
        assert words.DUPLICATE in await stage.press(stage.cast.ana, card, "approve")
        await stage.decided(asked)
        assert (await stage.service.get(f"/runs/{asked.run_id}", wait=20, until="ended"))[
            "status"
        ] == "COMPLETED"

    async def test_a_kill_while_a_card_is_sent_leaves_one_that_counts(self, stage: Stage) -> None:
        await stage.settled()
        stage.driver.fail(Sending.SEND, Failure.SILENCE)
        asked = await stage.ask()
        unheard = await stage.card(asked)
        await stage.kill()
        await stage.start()

        async def another() -> bool | None:
            return len(await stage.cards(asked)) > 1 or None

        await stage.until("the card is sent again", another)
        card = await stage.card(asked)
        assert words.FOREIGN in await stage.press(stage.cast.bo, unheard, "reject")
        assert words.RESOLVED in await stage.press(stage.cast.ana, card, "approve")
        assert await stage.answer(asked) == "approve"

    async def test_a_press_while_nobody_is_there_counts_as_it_is_acknowledged(self, stage: Stage) -> None:
        """Whether the platform keeps it is the platform's; never is it counted in silence, or refused as if counted."""
        asked = await stage.ask()
        card = await stage.card(asked)
        await stage.happened("card_shown", asked)
        await stage.kill()
        async with asyncio.TaskGroup() as group:
            press = group.create_task(stage.try_press(stage.cast.ana, card, "approve"))
            await stage.start()
        heard = press.result()
        if heard is None:
            heard = await stage.press(stage.cast.ana, card, "approve")
        assert words.RESOLVED in heard or words.DUPLICATE in heard
        assert await stage.answer(asked) == "approve"

    async def test_a_card_of_another_database_is_a_question_that_nobody_knows(self, stage: Stage) -> None:
        """Stopped in order: a platform brings again what a killed service had not confirmed, to the next database."""
        asked = await stage.ask()
        card = await stage.card(asked)
        await stage.stop()
        await stage.start("another.db")
        try:
            assert words.UNKNOWN in await stage.press(stage.cast.ana, card, "approve")
        finally:
            await stage.stop()
            await stage.start()
        assert await stage.is_open(asked)
