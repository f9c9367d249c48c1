"""What of our own code a press goes through, from the platform's door to the commit of what it decides."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

OURS = ("sayso.adapters.", "sayso.bots.", "sayso.config.", "sayso.engine.")
DOOR, LAST = "Handler.handle", "Runtime.take"
"""Where a payload comes in, once the transport has it; and what hands it to the transaction, which takes none."""

MOST_STEPS = 20

_so_far: ContextVar[list[str] | None] = ContextVar("so_far", default=None)
"""The steps of a payload so far, in its task and those that are begun for it: other parts go on meanwhile."""


class Steps:
    """Coroutines of ours that are begun on this thread for what decides something: what somebody who reads its way has
    to follow, and where it could wait.
    """

    def __init__(self) -> None:
        self.steps: list[str] = []
        self._seen: dict[int, FrameType] = {}  # kept, so that no other frame gets the same id

    def profile(self, frame: FrameType, event: str, _: object) -> None:
        """See `sys.setprofile`; a coroutine that goes on is called again, in the same frame."""
        if event != "call" or not frame.f_code.co_flags & inspect.CO_COROUTINE or id(frame) in self._seen:
            return
        self._seen[id(frame)] = frame
        name = frame.f_code.co_qualname
        if name == DOOR:
            _so_far.set([])
        steps = _so_far.get()
        if steps is not None and not self.steps and frame.f_globals["__name__"].startswith(OURS):
            steps.append(name)
            if name == LAST:
                self.steps = steps


@contextmanager
def counted() -> Generator[Steps]:
    """Counts while inside."""
    steps = Steps()
    before = sys.getprofile()
    sys.setprofile(steps.profile)
    try:
        yield steps
    finally:
        sys.setprofile(before)
