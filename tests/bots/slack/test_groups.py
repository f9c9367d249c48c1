"""Who belongs to a Slack user group: what Slack says now, at most sixty seconds old while it throttles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from sayso.bots.people import Groups, LookUpFailed, at_once, look_up_deadline
from sayso.bots.slack import SlackSettings
from sayso.bots.slack._api import Api
from sayso.bots.slack._membership import SlackMembership
from sayso.bots.slack._workspaces import Workspaces
from sayso.config import GroupSettings, Settings
from sayso.engine import SQLiteStore
from sayso.testing.slack import FaultKind, LocalSlack
from tests.engine.support import ManualClock

METHOD = "usergroups.users.list"


class Looking:
    """Groups as the service looks them up, over connections of its own; Ana is in the group and Bo is not."""

    def __init__(self, slack: LocalSlack, api: Api, store: SQLiteStore) -> None:
        self.slack, self.clock = slack, ManualClock()
        self.ana, self.bo = slack.add_person("Ana"), slack.add_person("Bo")
        self.group = slack.add_user_group("sre", [self.ana])
        settings = Settings(groups={"sre": GroupSettings(slack=self.group.id)}, slack=SlackSettings())
        self.groups = Groups(settings, {"slack": SlackMembership(Workspaces(api, store))}, self.clock)

    async def __call__(self, user_id: str, by: float | None = None) -> bool | None:
        """Whether somebody belongs to it; None where that could not be looked up by then."""
        looking = self.groups.belonging("group:sre", [f"slack:T1:{user_id}"])
        (found,) = await at_once(look_up_deadline() if by is None else by, [looking])
        assert found is not None
        return None if isinstance(found, LookUpFailed) else found.is_in

    @property
    def look_ups(self) -> int:
        return len(self.slack.calls_of(METHOD))


@pytest.fixture
async def looking(slack: LocalSlack, tmp_path: Path) -> AsyncIterator[Looking]:
    async with Api(slack.bot_token, slack.api_url) as api, SQLiteStore(tmp_path / "sayso.db") as store:
        yield Looking(slack, api, store)


async def test_those_who_press_at_the_same_time_share_one_look_up(looking: Looking) -> None:
    """Slack answers twenty a minute: thirty people who press at once would use them up."""
    ids = [looking.ana.id, looking.bo.id] * 15
    let_go = looking.slack.hold(METHOD)
    async with asyncio.TaskGroup() as tasks:
        found = [tasks.create_task(looking(one)) for one in ids]
        await looking.slack.until(lambda: bool(let_go.waiting))
        let_go.release()
    assert [one.result() for one in found] == [True, False] * 15
    assert looking.look_ups == 1
    looking.group.add(looking.bo)
    assert await looking(looking.bo.id), "the next press asks anew"
    assert looking.look_ups == 2


async def test_a_look_up_that_is_given_up_is_made_by_the_next_one(looking: Looking) -> None:
    """Whoever asked for all of them is cancelled: the others get their answer nevertheless."""
    let_go = looking.slack.hold(METHOD)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(looking(looking.ana.id))
        await looking.slack.until(lambda: bool(let_go.waiting))
        second = tasks.create_task(looking(looking.ana.id))
        await asyncio.sleep(0)  # it waits for the first one's
        first.cancel()
        let_go.release()
        assert await second
    assert first.cancelled()


async def test_all_of_those_who_share_a_failed_look_up_are_refused(looking: Looking) -> None:
    looking.slack.fail(FaultKind.HANG, METHOD)
    by = look_up_deadline()  # whoever has a moment more than the others would ask anew in it
    found = await asyncio.gather(*(looking(looking.ana.id, by) for _ in range(3)))
    assert found == [None] * 3
    assert await looking(looking.ana.id), "and the next one asks anew"


@pytest.mark.parametrize(("age", "counts"), [(0, True), (60, True), (61, None)])
async def test_what_was_said_before_counts_for_sixty_seconds_of_throttling(
    looking: Looking, age: int, counts: bool | None
) -> None:
    assert await looking(looking.ana.id)
    looking.clock.advance(timedelta(seconds=age))
    looking.slack.fail(FaultKind.TOO_MANY_REQUESTS, METHOD)
    assert await looking(looking.ana.id) is counts
    looking.slack.fail(FaultKind.SERVER_ERROR, METHOD)
    assert await looking(looking.ana.id) is None, "an age is no excuse for any other failure"


async def test_one_who_was_taken_out_is_out_at_the_next_press(looking: Looking) -> None:
    assert await looking(looking.ana.id)
    looking.group.remove(looking.ana)
    assert await looking(looking.ana.id) is False
