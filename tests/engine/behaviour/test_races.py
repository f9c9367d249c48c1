"""What happens at once: answers while a run is loaded, a cancel beside an answer, branches, loops, and other loops."""

from __future__ import annotations

import asyncio
import itertools
import threading
from pathlib import Path
from typing import Any

import pytest

from sayso.engine import (
    NotApplicable,
    OutcomeKind,
    Runtime,
    Store,
    Workflow,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
)
from sayso.engine.store import Change, Listener
from tests.engine.support import ANA, BO, asking, names, say, waiting

pytestmark = pytest.mark.usefixtures("resident")


@node
async def gathered(shared: dict[str, Any]) -> None:
    shared["answers"] = await asyncio.gather(*(request_input(request_id=name) for name in "abc"))


async def test_a_gather_answered_in_reverse_order_after_a_restart_gives_each_branch_its_own_answer(
    store: Store,
) -> None:
    async with Runtime(store, [Workflow("gathered", gathered)]) as runtime:
        state = await runtime.wait(run_id := await runtime.start("gathered"))
    assert names(state) == ["a", "b", "c"]
    async with Runtime(store, [Workflow("gathered", gathered)]) as runtime:
        for name in "cba":
            outcome = await say(runtime, waiting(state, name), f"for {name}")
            assert outcome.kind is OutcomeKind.RESOLVED
        state = await runtime.wait(run_id)
    assert state.shared == {"answers": ["for a", "for b", "for c"]}


@pytest.mark.parametrize("order", list(itertools.permutations("abc")), ids="".join)
async def test_a_gather_answered_all_at_once_in_any_order_gives_each_branch_its_own_answer(
    store: Store, order: tuple[str, ...]
) -> None:
    """The first answer has the run loaded or woken, and the others come while that goes on."""
    async with Runtime(store, [Workflow("gathered", gathered)]) as runtime:
        state = await runtime.wait(run_id := await runtime.start("gathered"))
        outcomes = await asyncio.gather(*(say(runtime, waiting(state, name), name) for name in order))
        assert {outcome.kind for outcome in outcomes} == {OutcomeKind.RESOLVED}
        state = await runtime.wait(run_id)
    assert (state.workflow_status, state.shared) == (WorkflowStatus.COMPLETED, {"answers": ["a", "b", "c"]})


@pytest.mark.parametrize("depth", [0, 2, 10])
async def test_a_race_that_is_won_far_inside_parks_no_run_at_the_question_that_lost(
    store: Store, depth: int
) -> None:
    """Parked there, the run would wait for that question after a crash."""

    @node
    async def race(shared: dict[str, Any]) -> None:
        async with asyncio.TaskGroup() as group:
            lost = group.create_task(request_input(request_id="b"))
            won: asyncio.Future[Any] = group.create_task(request_input(request_id="a"))
            for _ in range(depth):
                won = asyncio.gather(won)
            await asyncio.wait([won, lost], return_when=asyncio.FIRST_COMPLETED)
            lost.cancel()
        shared["won"] = True

    async with Runtime(store, [Workflow("race", race)]) as runtime:
        state = await runtime.wait(run_id := await runtime.start("race"))
        heard: list[Change] = []
        store.hub.listen(Listener(asyncio.get_running_loop(), heard.append), run_id=run_id)
        await say(runtime, waiting(state, "a"), "first")
        while (state := await runtime.wait(run_id)).workflow_status is not WorkflowStatus.COMPLETED:
            pass
    assert state.shared == {"won": True}
    assert WorkflowStatus.COMPLETED in [change.status for change in heard]
    assert WorkflowStatus.WAITING_FOR_INPUT not in [change.status for change in heard]


async def test_a_loop_that_visits_the_asking_node_five_times_asks_five_questions(store: Store) -> None:
    @node
    async def ask(shared: dict[str, Any]) -> None:
        shared.setdefault("answers", []).append(await request_input(request_id="again"))

    ask - "len(shared['answers']) < 5" > ask
    ids: list[str] = []
    async with Runtime(store, [Workflow("loop", ask)]) as runtime:
        run_id = await runtime.start("loop")
        for number in range(5):
            request = waiting(await runtime.wait(run_id))
            ids.append(request["id"])
            assert (await say(runtime, request, f"{number}")).kind is OutcomeKind.RESOLVED
            if number:
                earlier = {**request, "id": ids[0]}
                assert (await say(runtime, earlier, "again", BO)).kind is OutcomeKind.ALREADY_ANSWERED
        state = await runtime.wait(run_id)
    assert state.shared == {"answers": ["0", "1", "2", "3", "4"]}
    assert len(set(ids)) == 5


async def test_an_answer_that_comes_while_the_visit_runs_again_reaches_its_question(
    store: Store,
) -> None:
    """The answer is committed before the loaded code has come to its question."""
    entered, go_on = asyncio.Event(), asyncio.Event()
    go_on.set()

    @node
    async def ask(shared: dict[str, Any]) -> None:
        entered.set()
        await go_on.wait()
        shared["answers"] = await asyncio.gather(request_input(request_id="a"), request_input(request_id="b"))

    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        state = await runtime.wait(run_id := await runtime.start("ask"))
    go_on.clear()
    entered.clear()
    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        await say(runtime, waiting(state, "a"), "for a")
        await entered.wait()
        assert (await say(runtime, waiting(state, "b"), "for b")).kind is OutcomeKind.RESOLVED
        go_on.set()
        state = await runtime.wait(run_id)
    assert (state.workflow_status, state.shared) == (
        WorkflowStatus.COMPLETED,
        {"answers": ["for a", "for b"]},
    )


async def test_an_answer_given_at_the_moment_a_handle_loads_the_run_is_not_lost(store: Store) -> None:
    async with WorkflowEngine(start=asking(), store=store) as engine:
        request = waiting(await engine.run())
    again = WorkflowEngine(start=asking(), store=store, run_id=engine.run_id)
    outcome, _ = await asyncio.gather(say(again, request, "meanwhile"), again.run())
    assert outcome.kind is OutcomeKind.RESOLVED
    assert (await again.run()).shared == {"answer": "meanwhile"}
    await again.aclose()


@pytest.mark.parametrize("cancel_first", [True, False])
async def test_a_cancel_beside_an_answer_has_one_winner_and_both_hear_the_truth(
    store: Store, *, cancel_first: bool
) -> None:
    finish = asyncio.Event()
    entered = asyncio.Event()

    @node
    async def after(shared: dict[str, Any]) -> None:
        entered.set()
        await finish.wait()

    ask = asking()
    ask > after
    async with Runtime(store, [Workflow("ask", ask)]) as runtime:
        request = waiting(await runtime.wait(run_id := await runtime.start("ask")))
        if cancel_first:
            _, outcome = await asyncio.gather(
                runtime.cancel(run_id, person=ANA), say(runtime, request, "yes")
            )
            assert outcome.kind is OutcomeKind.CANCELLED
        else:
            outcome, _ = await asyncio.gather(
                say(runtime, request, "yes"), runtime.cancel(run_id, person=ANA)
            )
            assert outcome.kind is OutcomeKind.RESOLVED
        state = await runtime.wait(run_id)
        assert (state.workflow_status, state.pending) == (WorkflowStatus.CANCELLED, ())
        with pytest.raises(NotApplicable):
            await runtime.cancel(run_id, person=ANA)
    assert not entered.is_set()


async def test_a_cancel_while_the_run_is_loaded_or_in_a_node_stops_it(store: Store) -> None:
    stopped = asyncio.Event()
    entered = asyncio.Event()

    @node
    async def ask(shared: dict[str, Any]) -> None:
        await request_input()
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.set()  # and swallows it

    async with WorkflowEngine(start=ask, store=store) as engine:
        await say(engine, waiting(await engine.run()), "go")
        running = asyncio.ensure_future(engine.run())
        await entered.wait()
        await store.cancel(engine.run_id, ANA, "console")
        await stopped.wait()
        assert (await running).workflow_status is WorkflowStatus.CANCELLED
        state = await engine.run()
    assert state.workflow_status is WorkflowStatus.CANCELLED
    assert state.error is None


async def test_starts_answers_and_cancels_of_many_runs_at_once_all_come_to_their_end(
    store: Store,
) -> None:
    async with Runtime(store, [Workflow("gathered", gathered)], resident=3) as runtime:
        runs = await asyncio.gather(*(runtime.start("gathered") for _ in range(12)))
        states = await asyncio.gather(*(runtime.wait(run_id) for run_id in runs))
        work = [say(runtime, waiting(state, name), name) for name in "bca" for state in states[2:]]
        await asyncio.gather(*work, *(runtime.cancel(run_id, person=ANA) for run_id in runs[:2]))
        ended = await asyncio.gather(*(runtime.wait(run_id) for run_id in runs))
    assert [state.workflow_status for state in ended[:2]] == [WorkflowStatus.CANCELLED] * 2
    assert [state.shared for state in ended[2:]] == [{"answers": ["a", "b", "c"]}] * 10


def test_a_handle_in_another_loop_and_thread_joins_the_live_run(database: Path) -> None:
    parked, ended = threading.Event(), threading.Event()
    run_ids: list[str] = []
    finals: list[Any] = []

    async def drive() -> None:
        async with WorkflowEngine(start=asking(), store=database) as engine:
            await engine.run()
            run_ids.append(engine.run_id)
            parked.set()
            await asyncio.to_thread(ended.wait, 30)
            finals.append(await engine.run())

    async def join() -> Any:
        async with await WorkflowEngine.resume(run_ids[0], start=asking(), store=database) as engine:
            return await engine.run({"ask": "from another loop"})

    thread = threading.Thread(target=lambda: asyncio.run(drive()))
    thread.start()
    parked.wait(30)
    state = asyncio.run(join())
    ended.set()
    thread.join()
    assert (state.workflow_status, state.shared) == (
        WorkflowStatus.COMPLETED,
        {"answer": "from another loop"},
    )
    assert finals == [state]
