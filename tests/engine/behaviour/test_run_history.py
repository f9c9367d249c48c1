"""What a run leaves behind for whoever looks into it: each visit's states and steps, and how its errors came about."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sayso.engine import (
    Node,
    NodeStatus,
    Runtime,
    SQLiteStore,
    Store,
    VisitSummary,
    Workflow,
    node,
    request_input,
    step,
    verify_audit,
)
from tests.engine.older_file import rewrite_as_before
from tests.engine.support import ANA, BO, ManualClock, run_once, say, waiting


def deploy(store: Store, start: Node) -> Runtime:
    return Runtime(store, [Workflow("flow", start)])


def refuse(host: str) -> None:
    raise ConnectionError(f"{host} refused")


@node
async def connect(shared: dict[str, Any]) -> None:
    await step("call", refuse, shared.get("host", "db"))


async def visits(store: Store, run_id: str | None = None) -> list[VisitSummary]:
    """The visits of a run, or of the only one."""
    return await store.reader.visits(run_id or (await store.reader.runs())[0].run_id, 100)


async def test_a_failed_visit_keeps_how_its_error_came_about_in_the_authors_code(store: Store) -> None:
    """What sayso itself did in between helps nobody who looks for a fault in a workflow."""
    await run_once(store, connect)
    (failed,) = await visits(store)
    assert failed.traceback is not None
    lines = failed.traceback.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert [line.rpartition(", in ")[2] for line in lines if line.startswith("  File")] == [
        "connect",
        "refuse",
    ]
    assert lines[-1] == "ConnectionError: db refused"
    assert failed.outline().traceback is None


async def test_an_error_shows_what_it_came_from(store: Store) -> None:
    @node
    def wrap(shared: dict[str, Any]) -> None:
        try:
            refuse("db")
        except ConnectionError as error:
            raise RuntimeError("cannot publish") from error

    await run_once(store, wrap)
    (failed,) = await visits(store)
    assert failed.traceback is not None
    assert "ConnectionError: db refused" in failed.traceback
    assert failed.traceback.endswith("RuntimeError: cannot publish\n")
    assert "sayso/engine" not in failed.traceback


async def test_a_traceback_is_bounded_and_keeps_both_ends(store: Store) -> None:
    await run_once(store, connect, host="h" * 100_000)
    (failed,) = await visits(store)
    assert failed.traceback is not None
    assert len(failed.traceback) < 16_100
    assert failed.traceback.startswith("Traceback (most recent call last):")
    assert "characters left out …" in failed.traceback
    assert failed.traceback.endswith("hhh refused\n")


async def test_an_error_that_cannot_say_what_it_is_still_leaves_a_traceback(store: Store) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    @node
    def fail(shared: dict[str, Any]) -> None:
        raise Mute

    await run_once(store, fail)
    (failed,) = await visits(store)
    assert failed.traceback is not None
    assert "in fail" in failed.traceback


async def test_a_failed_attempts_traceback_stands_until_the_visit_succeeds(store: Store) -> None:
    tries: list[int] = []

    @node(max_retries=2)
    async def flaky(shared: dict[str, Any]) -> None:
        tries.append(1)
        if len(tries) == 1:
            refuse("db")
        shared["go"] = await request_input("Go on?", input_type="confirm", request_id="go")

    async with deploy(store, flaky) as runtime:
        run_id = await runtime.start("flow")
        asked = waiting(await runtime.wait(run_id), "go")
        (between,) = await visits(store, run_id)
        assert (between.attempt, between.error) == (2, "ConnectionError: db refused")
        assert between.traceback is not None
        assert "in refuse" in between.traceback
        await say(runtime, asked, True)
        await runtime.wait(run_id)
    (done,) = await visits(store, run_id)
    assert (done.status, done.error, done.traceback) == (NodeStatus.COMPLETED, None, None)


async def test_a_retry_and_a_redaction_remove_tracebacks(store: Store) -> None:
    await run_once(store, connect)
    run_id = (await store.reader.runs())[0].run_id
    await store.redact(run_id, BO, "console")
    (failed,) = await visits(store)
    assert failed.error == "ConnectionError: db refused"
    assert failed.traceback is None
    await run_once(store, connect)
    again = (await store.reader.runs())[0].run_id
    assert (await visits(store, again))[0].traceback is not None
    await store.retry(again, BO, "console", ask_again=False)
    assert (await visits(store, again))[0].traceback is None


def release() -> Node:
    @node
    async def prepare(shared: dict[str, Any]) -> None:
        shared["tests"] = await step("tests", lambda: {"passed": 812})

    @node
    async def approve(shared: dict[str, Any]) -> None:
        shared["asked"] = True
        shared["by"] = await request_input("Release?", ["yes", "no"], "select", "go")

    _ = prepare > approve
    return prepare


async def test_each_visit_has_the_state_before_and_after_it_and_its_steps(
    store: Store, clock: ManualClock
) -> None:
    begun = clock.now()
    async with deploy(store, release()) as runtime:
        run_id = await runtime.start("flow", {"version": "4.2"})
        asked = waiting(await runtime.wait(run_id), "go")
        found = await store.reader.visit_details(run_id, 1, 9)
        prepared = '{"version":"4.2","tests":{"passed":812}}'
        assert [(one.before, one.after) for one in found.values()] == [
            ('{"version":"4.2"}', prepared),
            (prepared, f'{prepared[:-1]},"asked":true}}'),
        ]
        (tests,) = found[1].steps
        assert (tests.name, tests.arguments, tests.result) == ("tests", "[]", '{"passed":812}')
        assert (tests.begun_at, tests.ended_at) == (begun, begun)
        assert found[2].steps == ()
        await say(runtime, asked, "yes", ANA)
        await runtime.wait(run_id)
        (last,) = (await store.reader.visit_details(run_id, 2, 2)).values()
        assert last.after == f'{prepared[:-1]},"asked":true,"by":"yes"}}'


async def test_a_step_says_how_long_it_took(store: Store, clock: ManualClock) -> None:
    async def advance(seconds: float) -> None:
        clock.advance(timedelta(seconds=seconds))

    @node
    async def build(shared: dict[str, Any]) -> None:
        await step("build", advance, 180.0)
        await step("publish", advance, 60.0, once=True)

    await run_once(store, build)
    run_id = (await store.reader.runs())[0].run_id
    steps = (await store.reader.visit_details(run_id, 1, 1))[1].steps
    took = [None if one.ended_at is None else one.ended_at - one.begun_at for one in steps]
    assert took == [timedelta(minutes=3), timedelta(minutes=1)]


async def test_states_that_are_too_long_to_be_shown_are_left_out(store: Store) -> None:
    @node
    async def gather(shared: dict[str, Any]) -> None:
        shared["rows"] = await step("rows", lambda: "r" * 150_000)

    await run_once(store, gather)
    run_id = (await store.reader.runs())[0].run_id
    (found,) = (await store.reader.visit_details(run_id, 1, 1)).values()
    assert (found.before, found.after) == ("{}", None)
    assert len(found.steps[0].result or "") == 2001


async def test_a_database_from_before_tracebacks_opens_and_keeps_them_from_then_on(
    database: Path, clock: ManualClock
) -> None:
    async with SQLiteStore(database, clock=clock) as store:
        await run_once(store, connect)
    rewrite_as_before(database, "ADD COLUMN traceback")
    async with SQLiteStore(database, clock=clock) as store:
        (before,) = await visits(store)
        assert (before.error, before.traceback) == ("ConnectionError: db refused", None)
        await run_once(store, connect, host="web")
        (after,) = await visits(store)
        assert after.traceback is not None
        assert after.traceback.endswith("ConnectionError: web refused\n")
        assert (await verify_audit(store.reader)).problems == ()
