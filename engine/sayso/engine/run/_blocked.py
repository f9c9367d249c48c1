"""A watchdog thread that names the node when a node blocks the event loop it runs on."""

from __future__ import annotations

import asyncio
import logging
import threading

logger = logging.getLogger("sayso.engine")

LIMIT = 0.25
"""Seconds for which a loop may not turn before it is logged."""


class BlockedLoopWatch:
    """Asks the loop for a sign of life at intervals; when none comes within `LIMIT`, logs the task at work."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sayso blocked-loop watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; harmless when repeated."""
        self._stop.set()

    def _work(self) -> None:
        while not self._stop.wait(LIMIT):
            beat = threading.Event()
            try:
                self._loop.call_soon_threadsafe(beat.set)
            except RuntimeError:
                return  # the loop was closed
            if beat.wait(LIMIT):
                continue
            task = asyncio.current_task(self._loop)
            logger.warning(
                "the event loop has been blocked for %d ms by %s; use a sync phase or asyncio.to_thread for blocking "
                "work (answers are still recorded, but no workflow continues)",
                LIMIT * 1000,
                "an unknown task" if task is None else f"run and node {task.get_name()}",
            )
            while not beat.wait(LIMIT) and not self._stop.is_set():
                pass
