"""Code that changes while runs are parked: a person's answer counts for what they were shown, and for nothing else.

A deploy is a new handle or runtime, after the old one was closed, with other nodes of the same names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import pytest

from sayso.engine import (
    AttentionKind,
    ExecutionState,
    Node,
    OutcomeKind,
    Question,
    RequestStatus,
    Runtime,
    Store,
    Workflow,
    WorkflowEngine,
    WorkflowStatus,
    node,
    request_input,
)
from sayso.engine._questions import question_digest
from tests.engine.store.live_connection import execute
from tests.engine.support import ANA, BO, asking, names, run_once, say, waiting

pytestmark = pytest.mark.usefixtures("resident")

CHANGED = {"a": "A, really?", "b": "B?"}


def asking_all(**prompts: str) -> Node:
    """A node `work` that asks several questions at once, by name and text, and keeps the answers."""

    @node(id="work")
    async def work(shared: dict[str, Any]) -> None:
        answers = await asyncio.gather(
            *(request_input(prompt=prompt, request_id=name) for name, prompt in prompts.items())
        )
        shared["answers"] = dict(zip(prompts, answers, strict=True))

    return work


def deploy(store: Store, start: Node) -> Runtime:
    return Runtime(store, [Workflow("flow", start)])


async def parked(store: Store, start: Node) -> ExecutionState:
    async with deploy(store, start) as runtime:
        return await runtime.wait(await runtime.start("flow", run_id="run"))


async def answered_and_then(store: Store, before: Node, after: Node) -> ExecutionState:
    """`a` is answered under the old code, `b` under the new: the visit runs again with a recorded answer."""
    state = await parked(store, before)
    async with deploy(store, before) as runtime:
        await say(runtime, waiting(state, "a"), "answer a")
        await runtime.wait("run")
    async with deploy(store, after) as runtime:
        await say(runtime, waiting(state, "b"), "answer b")
        return await runtime.wait("run")


# (1) The node is gone.


async def test_a_parked_run_whose_node_is_gone_shows_needs_attention(store: Store) -> None:
    await parked(store, asking_all(a="A?"))
    async with deploy(store, Node("other")) as runtime:
        state = await runtime.wait("run")
    assert state.workflow_status is WorkflowStatus.NEEDS_ATTENTION
    assert state.attention is not None
    assert (state.attention.kind, state.attention.name) == (AttentionKind.NODE_GONE, "work")
    assert names(state) == ["a"]


async def test_it_is_derived_and_not_stored(store: Store) -> None:
    await parked(store, asking_all(a="A?"))
    async with deploy(store, Node("other")) as runtime:
        await runtime.wait("run")
        assert (await store.reader.run("run")).status is WorkflowStatus.WAITING_FOR_INPUT
    async with deploy(store, asking_all(a="A?")) as runtime:
        assert (await runtime.wait("run")).workflow_status is WorkflowStatus.WAITING_FOR_INPUT


async def test_starting_up_without_the_node_is_logged_once_a_node(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with deploy(store, asking_all(a="A?")) as runtime:
        for _ in range(3):
            await runtime.wait(await runtime.start("flow"))
    async with deploy(store, Node("other")):
        pass
    texts = [record.message for record in caplog.records if "missing from the loaded code" in record.message]
    assert len(texts) == 1
    assert "workflow flow" in texts[0]
    assert "'work'" in texts[0]


async def test_answers_given_meanwhile_are_held_and_count_once_code_with_the_node_is_loaded(
    store: Store,
) -> None:
    request = waiting(await parked(store, asking_all(a="A?")))
    async with deploy(store, Node("other")) as runtime:
        outcome = await say(runtime, request, "held")
        assert (outcome.kind, outcome.accepted) == (OutcomeKind.HELD, True)
        assert (await runtime.wait("run")).workflow_status is WorkflowStatus.NEEDS_ATTENTION
        assert (await say(runtime, request, "late", BO)).kind is OutcomeKind.ALREADY_ANSWERED
    async with deploy(store, Node("other")) as runtime:
        assert (await runtime.wait("run")).workflow_status is WorkflowStatus.NEEDS_ATTENTION
    async with deploy(store, asking_all(a="A?")) as runtime:
        state = await runtime.wait("run")
    assert (state.workflow_status, state.shared) == (
        WorkflowStatus.COMPLETED,
        {"answers": {"a": "held"}},
    )


async def test_a_run_that_came_to_a_node_that_is_gone_ends_its_attention_with_the_node(
    store: Store,
) -> None:
    entered = asyncio.Event()

    @node(id="work")
    async def hangs(shared: dict[str, Any]) -> None:
        entered.set()
        await asyncio.Event().wait()

    async with deploy(store, hangs) as runtime:
        await runtime.start("flow", run_id="run")
        await entered.wait()
    async with deploy(store, Node("other")) as runtime:
        assert (await runtime.wait("run")).workflow_status is WorkflowStatus.NEEDS_ATTENTION
    async with deploy(store, Node("work")) as runtime:
        assert (await runtime.wait("run")).workflow_status is WorkflowStatus.COMPLETED


async def test_a_handle_shows_it_too_and_goes_on_when_the_node_is_back(store: Store) -> None:
    def handle(start: Node, run_id: str | None = None) -> WorkflowEngine:
        return WorkflowEngine(start=start, workflow_id="flow", run_id=run_id, store=store)

    async with handle(asking_all(a="A?")) as engine:
        request = waiting(await engine.run())
    async with handle(Node("other"), engine.run_id) as gone:
        state = await gone.run()
        assert state.workflow_status is WorkflowStatus.NEEDS_ATTENTION
        assert state.attention is not None
        assert state.attention.kind is AttentionKind.NODE_GONE
        assert (await say(gone, request, "held")).kind is OutcomeKind.HELD
        assert (await gone.run()).workflow_status is WorkflowStatus.NEEDS_ATTENTION
    async with handle(asking_all(a="A?"), engine.run_id) as back:
        assert (await back.run()).shared == {"answers": {"a": "held"}}


async def test_a_run_whose_node_is_gone_can_be_cancelled(store: Store) -> None:
    await parked(store, asking_all(a="A?"))
    async with deploy(store, Node("other")) as runtime:
        await runtime.attention("run", "cancel", person=ANA)
        assert (await runtime.wait("run")).workflow_status is WorkflowStatus.CANCELLED


# (2) A recorded name is used with another digest.


async def test_an_open_question_that_changed_gets_a_new_revision_and_the_old_one_is_superseded(
    store: Store,
) -> None:
    state = await parked(store, asking_all(a="A?", b="B?"))
    a, b = waiting(state, "a"), waiting(state, "b")
    async with deploy(store, asking_all(a="A?", b="B, really?")) as runtime:
        await say(runtime, a, "answer a")
        changed = waiting(await runtime.wait("run"))
        assert (changed["id"], changed["revision"], changed["prompt"]) == (b["id"], 2, "B, really?")
        assert (await say(runtime, b, "for the old text")).kind is OutcomeKind.SUPERSEDED
        assert (await say(runtime, changed, "for the new text")).kind is OutcomeKind.RESOLVED
        state = await runtime.wait("run")
    assert state.shared == {"answers": {"a": "answer a", "b": "for the new text"}}
    rows = [row.payload async for row in store.reader.audit("run") if row.kind == "request_changed"]
    assert [(row["name"], row["revision"]) for row in rows if isinstance(row, dict)] == [("b", 2)]


async def test_what_counts_as_changed_is_what_people_are_shown_and_not_the_note(store: Store) -> None:
    def noted(note: str) -> Node:
        @node(id="work")
        async def work(shared: dict[str, Any]) -> None:
            shared["a"] = await request_input(prompt="A?", request_id="a", note=note)
            shared["b"] = await request_input(prompt="B?", request_id="b", note=note)

        return work

    state = await answered_and_then_in_turn(store, noted("at 12:03"), noted("at 12:04"))
    assert (state.workflow_status, state.shared) == (WorkflowStatus.COMPLETED, {"a": "1", "b": "2"})


async def answered_and_then_in_turn(store: Store, before: Node, after: Node) -> ExecutionState:
    state = await parked(store, before)
    async with deploy(store, before) as runtime:
        await say(runtime, waiting(state), "1")
        state = await runtime.wait("run")
    async with deploy(store, after) as runtime:
        await say(runtime, waiting(state), "2")
        return await runtime.wait("run")


async def test_an_answered_question_that_changed_needs_attention_and_nothing_is_returned(
    store: Store,
) -> None:
    returned: list[Any] = []

    @node(id="work")
    async def changed(shared: dict[str, Any]) -> None:
        returned.append(await request_input(prompt="Delete everything?", request_id="a"))

    state = await answered_and_then(store, asking_all(a="Publish?", b="B?"), changed)
    assert state.workflow_status is WorkflowStatus.NEEDS_ATTENTION
    assert state.attention is not None
    assert (state.attention.kind, state.attention.name) == (AttentionKind.QUESTION_CHANGED, "a")
    assert "Publish?" in (state.attention.was or "")
    assert "Delete everything?" in (state.attention.now or "")
    assert returned == []


async def test_an_answer_to_the_text_on_the_card_is_held_against_the_new_text(store: Store) -> None:
    """The person answered what they saw; the code now asks something else under that name."""
    request = waiting(await parked(store, asking_all(a="Publish?")))
    async with deploy(store, asking_all(a="Delete everything?")) as runtime:
        await say(runtime, request, "yes")
        state = await runtime.wait("run")
        assert state.workflow_status is WorkflowStatus.NEEDS_ATTENTION
        assert (await runtime.wait("run")).shared == {}


async def test_an_answer_while_the_run_needs_attention_is_held(store: Store) -> None:
    state = await parked(store, asking_all(a="A?", b="B?", c="C?"))
    c = waiting(state, "c")
    async with deploy(store, asking_all(a="A, really?", b="B?", c="C?")) as runtime:
        await say(runtime, waiting(state, "a"), "answer a")
        assert (await runtime.wait("run")).workflow_status is WorkflowStatus.NEEDS_ATTENTION
        assert (await say(runtime, c, "answer c")).kind is OutcomeKind.HELD
        await runtime.attention("run", "accept", person=ANA)
        state = await runtime.wait("run")
        assert names(state) == ["b"]
        await say(runtime, waiting(state), "answer b")
        state = await runtime.wait("run")
    assert state.shared["answers"] == {"a": "answer a", "b": "answer b", "c": "answer c"}


async def test_accept_lets_the_recorded_answer_stand_for_the_changed_question(store: Store) -> None:
    await answered_and_then(store, asking_all(a="A?", b="B?"), asking_all(**CHANGED))
    async with deploy(store, asking_all(**CHANGED)) as runtime:
        await runtime.attention("run", "accept", person=ANA)
        state = await runtime.wait("run")
    assert state.shared == {"answers": {"a": "answer a", "b": "answer b"}}
    rows = [row async for row in store.reader.audit("run") if row.kind == "attention_given"]
    assert [row.person for row in rows] == [ANA]
    assert "A?" in str(rows[0].payload)
    assert "A, really?" in str(rows[0].payload)


async def test_reask_opens_the_question_anew_under_the_new_text(store: Store) -> None:
    before = await answered_and_then(store, asking_all(a="A?", b="B?"), asking_all(**CHANGED))
    assert before.pending == ()
    async with deploy(store, asking_all(**CHANGED)) as runtime:
        await runtime.attention("run", "reask", person=ANA)
        request = waiting(await runtime.wait("run"))
        assert (request["request_id"], request["revision"], request["prompt"]) == ("a", 2, "A, really?")
        assert (await say(runtime, {**request, "revision": 1}, "old")).kind is OutcomeKind.SUPERSEDED
        assert (await say(runtime, request, "new a")).kind is OutcomeKind.RESOLVED
        assert (await runtime.wait("run")).shared == {"answers": {"a": "new a", "b": "answer b"}}


async def test_cancel_ends_the_run(store: Store) -> None:
    await answered_and_then(store, asking_all(a="A?", b="B?"), asking_all(**CHANGED))
    async with deploy(store, asking_all(**CHANGED)) as runtime:
        await runtime.attention("run", "cancel", person=ANA)
        state = await runtime.wait("run")
    assert (state.workflow_status, state.attention) == (WorkflowStatus.CANCELLED, None)


async def test_attention_is_kept_over_restarts_until_it_is_given(store: Store) -> None:
    await answered_and_then(store, asking_all(a="A?", b="B?"), asking_all(**CHANGED))
    for code in (asking_all(**CHANGED), asking_all(a="A?", b="B?")):
        async with deploy(store, code) as runtime:
            assert (await runtime.wait("run")).workflow_status is WorkflowStatus.NEEDS_ATTENTION


# (3) An answered question that was never asked for at the visit's end.


async def test_an_answered_question_that_is_no_longer_asked_stops_the_visit_at_its_end(
    store: Store,
) -> None:
    following: list[str] = []

    @node
    async def after(shared: dict[str, Any]) -> None:
        following.append("reached")

    changed = asking_all(b="B?")
    changed > after
    state = await answered_and_then(store, asking_all(a="A?", b="B?"), changed)
    assert state.workflow_status is WorkflowStatus.NEEDS_ATTENTION
    assert state.attention is not None
    assert (state.attention.kind, state.attention.name) == (AttentionKind.ANSWER_UNUSED, "a")
    assert state.shared == {}
    assert following == []


async def test_accept_lets_the_visit_end_without_it(store: Store) -> None:
    await answered_and_then(store, asking_all(a="A?", b="B?"), asking_all(b="B?"))
    async with deploy(store, asking_all(b="B?")) as runtime:
        await runtime.attention("run", "accept", person=ANA)
        state = await runtime.wait("run")
    assert (state.workflow_status, state.shared) == (
        WorkflowStatus.COMPLETED,
        {"answers": {"b": "answer b"}},
    )


async def test_reask_after_the_question_came_back_asks_it_anew(store: Store) -> None:
    await answered_and_then(store, asking_all(a="A?", b="B?"), asking_all(b="B?"))
    async with deploy(store, asking_all(a="A?", b="B?")) as runtime:
        await runtime.attention("run", "reask", person=ANA)
        request = waiting(await runtime.wait("run"))
        assert (request["request_id"], request["revision"]) == ("a", 2)
        await say(runtime, request, "new a")
        assert (await runtime.wait("run")).shared == {"answers": {"a": "new a", "b": "answer b"}}


async def test_a_new_name_is_a_new_question_and_the_old_open_one_is_withdrawn(store: Store) -> None:
    state = await parked(store, asking_all(a="A?", b="B?"))
    a, b = waiting(state, "a"), waiting(state, "b")
    async with deploy(store, asking_all(a="A?", b2="B?")) as runtime:
        await say(runtime, a, "answer a")
        state = await runtime.wait("run")
        assert sorted(names(state)) == ["b", "b2"]
        new = waiting(state, "b2")
        assert new["id"] != b["id"]
        await say(runtime, new, "answer b2")
        state = await runtime.wait("run")
        assert state.shared == {"answers": {"a": "answer a", "b2": "answer b2"}}
        assert (await say(runtime, b, "late")).kind is OutcomeKind.WITHDRAWN
    record = await store.reader.request(b["id"])
    assert record is not None
    assert record.status is RequestStatus.WITHDRAWN


async def test_an_expired_question_that_changed_needs_attention_too(store: Store, clock: Any) -> None:
    def expiring(prompt: str) -> Node:
        @node(id="work")
        async def work(shared: dict[str, Any]) -> None:
            shared["a"] = await request_input(
                prompt=prompt, request_id="a", expires_after=timedelta(hours=1), default="nobody"
            )
            shared["b"] = await request_input(request_id="b")

        return work

    await parked(store, expiring("A?"))
    clock.advance(timedelta(hours=2))
    async with deploy(store, expiring("A?")) as runtime:
        await store.act_due(None)
        request = waiting(await runtime.wait("run"))
        assert request["request_id"] == "b"
    async with deploy(store, expiring("A, really?")) as runtime:
        await say(runtime, request, "answer b")
        state = await runtime.wait("run")
        assert state.attention is not None
        assert state.attention.kind is AttentionKind.QUESTION_CHANGED
        await runtime.attention("run", "accept", person=ANA)
        assert (await runtime.wait("run")).shared == {"a": "nobody", "b": "answer b"}


@pytest.mark.sqlite
async def test_what_was_asked_before_look_alikes_were_refused_is_still_answered(store: Store) -> None:
    """An upgrade loses no answer: only what is asked anew is held to it."""
    alike: dict[str, Any] = {"input_type": "select", "options": ["tea", "tea "]}
    refused = await run_once(store, asking(**alike))
    assert (refused.workflow_status, "look the same" in (refused.error or "")) == (
        WorkflowStatus.FAILED,
        True,
    )
    state = await parked(store, asking(input_type="select", options=["tea", "cake"]))
    asked = Question(None, alike["options"], "select", None, None)
    await execute(
        store,
        "UPDATE requests SET question = ?, digest = ? WHERE id = ?",
        (asked.text(), question_digest(asked.text()), waiting(state)["id"]),
    )
    async with deploy(store, asking(**alike)) as runtime:
        await say(runtime, waiting(state), "tea ")
        state = await runtime.wait("run")
    assert (state.workflow_status, state.shared["answer"]) == (WorkflowStatus.COMPLETED, "tea ")


def of_the_alphabet(schema: dict[str, Any]) -> dict[str, Any]:
    return schema


def of_the_type(schema: dict[str, Any]) -> dict[str, Any]:
    schema["$defs"]["Size"]["properties"]["size"]["enum"] = ["small", "large"]
    return schema


@pytest.mark.parametrize("ordered", [of_the_alphabet, of_the_type])
async def test_a_form_asked_before_its_options_kept_their_order_is_the_same_question(
    store: Store, ordered: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Earlier versions stored a type's options in the order of the alphabet, and its times as any text: an upgrade asks
    nobody again.
    """

    class Size(msgspec.Struct):
        size: Literal["small", "large"]
        at: datetime | None = None

    earlier = msgspec.json.schema(Size)
    assert earlier["$defs"]["Size"]["properties"]["size"]["enum"] == ["large", "small"]
    assert "format" not in str(earlier)
    state = await parked(store, asking(input_type="form", schema=ordered(earlier)))
    async with deploy(store, asking(input_type="form", schema=Size)) as runtime:
        await say(runtime, waiting(state), {"size": "small"})
        state = await runtime.wait("run")
    assert (state.workflow_status, state.shared["answer"]) == (WorkflowStatus.COMPLETED, {"size": "small"})
