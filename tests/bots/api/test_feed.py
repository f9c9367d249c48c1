"""What the feed costs those who do not follow it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sayso.bots.http import Feed
from sayso.engine import SQLiteStore


async def test_commits_wake_the_feed_only_while_somebody_follows(tmp_path: Path) -> None:
    """Whoever answers shares its loop, where each of their commits would cost a turn."""
    async with SQLiteStore(tmp_path / "sayso.db") as store, asyncio.timeout(10), asyncio.TaskGroup() as group:
        feed = Feed(store)
        running = group.create_task(feed.run())

        async def commit() -> None:
            await store.bury("slack:#a", "gone")
            await store.revive()

        async def listening() -> int:
            while not store.hub.audit_listeners:
                await commit()
            return len(store.hub.audit_listeners)

        await commit()
        assert store.hub.audit_listeners == ()
        assert await feed.wait_for(10, listening, lambda _: True, lambda _: True) == 1
        while store.hub.audit_listeners:
            await commit()
        assert await feed.wait_for(10, listening, lambda _: True, lambda _: True) == 1
        running.cancel()
