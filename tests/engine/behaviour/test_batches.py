"""A batch is asked in one transaction, and each of its questions ends by itself, whatever is killed or upgraded."""

from __future__ import annotations

from pathlib import Path

from sayso.engine import (
    ASK,
    AskedBatch,
    Asking,
    CardRecord,
    RequestStatus,
    Runtime,
    SQLiteStore,
    Store,
    WorkflowStatus,
    ask_workflow,
    batch_number,
    read_asked,
)
from tests.engine.older_file import rewrite_as_before

AGENT = "token:agent"
BATCH = AskedBatch(
    tuple(read_asked({"prompt": one, "to": ["slack:#sre"]}) for one in ("One?", "Two?", "Three?"))
)


async def cards(runtime: Runtime, store: Store, asking: Asking) -> list[CardRecord]:
    await runtime.wait(asking.run_id)
    return [card async for _, card in store.reader.run_cards(asking.run_id)]


async def answer(runtime: Runtime, card: CardRecord, value: str) -> None:
    request = card.request
    await runtime.answer(request.id, request.revision, value, person="slack:U1", via="slack:#sre")


async def test_each_question_of_a_batch_ends_by_itself_over_restarts(database: Path) -> None:
    async with SQLiteStore(database) as store, Runtime(store, [ask_workflow]) as runtime:
        asking = await runtime.ask(BATCH, requested_by=AGENT, event_key="k")
        first, second, third = await cards(runtime, store, asking)
        assert [batch_number(one) for one in (first, second, third)] == [1, 2, 3]
        assert first.request.asked_at == third.request.asked_at
        await answer(runtime, second, "approve")
        assert await runtime.ask(BATCH, requested_by=AGENT, event_key="k") == (asking.run_id, None, False)
    async with SQLiteStore(database) as store, Runtime(store, [ask_workflow]) as runtime:
        await runtime.withdraw(third.request.id, person=AGENT, via="api")
        await answer(runtime, first, "reject")
        ended = await cards(runtime, store, asking)
        assert [one.request.status for one in ended] == [
            RequestStatus.ANSWERED, RequestStatus.ANSWERED, RequestStatus.WITHDRAWN,
        ]  # fmt: skip
        assert [one.request.answer for one in ended] == ['"reject"', '"approve"', None]
        state = await runtime.wait(asking.run_id)
        assert state.workflow_status is WorkflowStatus.COMPLETED


async def test_what_stands_on_one_card_is_found_from_each_of_it(database: Path) -> None:
    async with SQLiteStore(database) as store, Runtime(store, [ask_workflow]) as runtime:
        asking = await runtime.ask(BATCH, requested_by=AGENT)
        asked = await cards(runtime, store, asking)
        alone = await runtime.ask(BATCH.questions[0], requested_by=AGENT)
        (single,) = await cards(runtime, store, alone)
        for one in (*asked, single):
            (delivery,) = await store.reader.deliveries(one.request.id)
            found = [record.request.id for record, _ in await store.reader.on_card(delivery)]
            assert found == ([single.request.id] if one is single else [each.request.id for each in asked])


async def test_a_file_from_before_batches_keeps_its_questions_and_keys(database: Path) -> None:
    async with SQLiteStore(database) as store, Runtime(store, [ask_workflow]) as runtime:
        before = await runtime.ask(BATCH.questions[0], requested_by=AGENT, event_key="k")
        (card,) = await cards(runtime, store, before)
    rewrite_as_before(database, "first_on_card")
    async with SQLiteStore(database) as store, Runtime(store, [ask_workflow]) as runtime:
        again = await runtime.ask(BATCH.questions[0], requested_by=AGENT, event_key="k")
        assert again == (before.run_id, None, False)
        each = await runtime.ask_each(BATCH.questions[:2], ["k", "l"], requested_by=AGENT)
        assert (each[0], each[1].name, each[1].is_new) == ((before.run_id, None, False), ASK, True)
        (delivery,) = await store.reader.deliveries(card.request.id)
        assert len(await store.reader.on_card(delivery)) == 1
        await answer(runtime, card, "approve")
        assert (await cards(runtime, store, before))[0].request.status is RequestStatus.ANSWERED
