"""Parts of the service that fail: each is begun again, says itself when it works, and none ends the service."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sayso.bots.service import OperatorDesk
from sayso.bots.service._operators import HeadLog
from sayso.bots.slack import SlackSettings
from sayso.bots.slack._api import make_api
from sayso.bots.slack._surface import SlackSurface
from sayso.bots.slack._workspaces import Workspaces
from sayso.engine import RequestStatus, Runtime, SQLiteStore, StoreError, WorkflowStatus
from sayso.engine.store import Change, Resolution
from sayso.testing.slack import LocalSlack, SlackLimits
from tests.bots.chat_service import health, workflow
from tests.bots.slack.stage import PLACE, Stage
from tests.engine.store.live_connection import execute


@pytest.fixture
async def stopped(tmp_path: Path) -> AsyncIterator[Stage]:
    """Slack with a channel; a test starts the service itself."""
    async with LocalSlack(limits=SlackLimits.unlimited()) as slack:
        yield Stage.build(slack, tmp_path / "sayso.db")
        assert slack.problems == []


def by_hand(database: Path, *statements: str) -> list[Any]:
    """What the last statement finds; the service does not run."""
    with closing(sqlite3.connect(database)) as connection, connection:
        return [connection.execute(one).fetchall() for one in statements][-1]


async def test_an_outbox_that_failed_says_that_it_works_again(stopped: Stage) -> None:
    async with stopped.running() as service:
        stopped.channel.archive()
        await service.ask([PLACE])
        await stopped.slack.until(lambda: stopped.count() == 1)
        await service.store.bury(PLACE, "is_archived: the channel is archived")
        stopped.channel.archive(archived=False)
    by_hand(
        stopped.database,
        "CREATE TRIGGER hiccup BEFORE UPDATE OF dead_since ON deliveries WHEN NEW.dead_since IS NULL"
        " BEGIN SELECT RAISE(ABORT, 'a hiccup'); END",
    )
    async with stopped.running() as service:
        problems = await health(service, lambda found: "outbox" in found)
        assert "a hiccup" in problems["outbox"]
        await execute(service.store, "DROP TRIGGER hiccup")
        assert await health(service, lambda found: not found) == {}
        await stopped.slack.until(lambda: len(stopped.ana.messages(stopped.channel)) == 1)


async def test_an_outbox_that_cannot_read_says_so_and_when_it_can(stopped: Stage) -> None:
    async with stopped.running() as service:
        await health(service, lambda found: not found)
        await execute(service.store, "ALTER TABLE notices RENAME TO elsewhere")
        await service.ask([PLACE])
        problems = await health(service, lambda found: "outbox" in found)
        assert problems["outbox"].startswith("cannot read pending messages: ")
        await execute(service.store, "ALTER TABLE elsewhere RENAME TO notices")
        await service.ask([PLACE])  # news: nobody has to wait for the next look
        assert await health(service, lambda found: not found) == {}


async def test_the_audit_head_is_logged_and_one_that_cannot_be_read_is_an_error_of_the_store(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The crew begins a part again that raises one."""
    caplog.set_level("INFO")
    index = "audit_of_store ON audit (sequence) WHERE run_id IS NULL OR position IS NULL"
    async with SQLiteStore(tmp_path / "sayso.db") as store, asyncio.TaskGroup() as group:
        await store.report_webhook("slack", "it is away")
        await execute(store, "DROP INDEX audit_of_store")
        log, works = HeadLog(store.reader), asyncio.Event()
        with pytest.raises(StoreError, match="audit_of_store"):
            await log.run(lambda _: works.set())
        assert not works.is_set()
        await execute(store, f"CREATE INDEX {index}")
        logging = group.create_task(log.run(lambda _: works.set()))
        await works.wait()
        assert f"audit head {await store.reader.head_of_store()}" in caplog.text
        logging.cancel()


async def test_operators_hear_of_a_failed_run_that_was_deleted_before_they_were_told(stopped: Stage) -> None:
    """And of all that comes behind it."""
    slack_settings = stopped.settings.section(SlackSettings)
    assert slack_settings is not None
    api = make_api(slack_settings)
    async with SQLiteStore(stopped.database) as store, Runtime(store, [workflow]) as runtime:
        await store.keep("operator", "told", 0)

        async def failed() -> str:
            run_id = await runtime.start("flow", {"ask": {"prompt": "Whom?", "to": "nobody"}})
            assert (await runtime.wait(run_id)).workflow_status is WorkflowStatus.FAILED
            return run_id

        deleted = await failed()
        assert await store.prune(store.clock.now() + timedelta(seconds=1), "local:ana", "console") == 1
        kept = await failed()
        surface = SlackSurface(Workspaces(api, store), store, stopped.settings, slack_settings)
        desk = OperatorDesk(store, {"slack": surface}, PLACE, asyncio.Event())
        async with api, asyncio.TaskGroup() as group:
            telling = group.create_task(desk.run(lambda _: None))
            await stopped.slack.until(lambda: len(stopped.ana.messages(stopped.channel)) == 2)
            telling.cancel()
    first, second = (one.text for one in stopped.ana.messages(stopped.channel))
    assert first.startswith(f"FAILED: run {deleted}, which was deleted since: ")
    assert "sayso retry" not in first
    assert second.startswith(f"FAILED: flow, run {kept}: ")


async def test_operators_are_woken_by_what_they_have_to_hear(tmp_path: Path) -> None:
    """An answer is none of that, and reading the trail for each of them would slow all of them down."""
    async with SQLiteStore(tmp_path / "sayso.db") as store, asyncio.TaskGroup() as group:
        works = asyncio.Event()
        desk = OperatorDesk(store, {}, None, asyncio.Event())
        telling = group.create_task(desk.run(lambda _: works.set()))
        await works.wait()

        def wakes(status: WorkflowStatus, *, break_glass: bool = False, workflow: str = "flow") -> bool:
            ended = Resolution("request", RequestStatus.ANSWERED, break_glass=break_glass)
            change = Change("run", workflow, status, ended)
            return any(one.wants(change) for one in store.hub.listeners(change))

        assert not wakes(WorkflowStatus.RUNNING)
        assert not wakes(WorkflowStatus.COMPLETED)
        assert wakes(WorkflowStatus.RUNNING, break_glass=True)
        assert wakes(WorkflowStatus.RUNNING, break_glass=True, workflow="not served now")
        assert wakes(WorkflowStatus.FAILED)
        assert wakes(WorkflowStatus.NEEDS_ATTENTION)
        assert sum(wakes(WorkflowStatus.RUNNING) for _ in range(2000)) == 2, (
            "a start must not have long to read"
        )
        telling.cancel()
