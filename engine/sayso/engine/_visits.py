"""What is read of a run by whoever looks into it: its visits, what each did, and its steps."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec.structs import replace

from sayso.engine._records import NodeStatus


class VisitSummary(msgspec.Struct, frozen=True):
    """One execution of a node, as a run's page shows it. `error` and `traceback` are those of the latest attempt that
    failed.
    """

    visit: int
    node_id: str
    status: NodeStatus
    attempt: int
    error: str | None
    traceback: str | None
    begun_at: datetime
    ended_at: datetime | None

    def outline(self) -> VisitSummary:
        """The visit as people who are not operators see it."""
        return replace(self, error=None, traceback=None)


class StepSummary(msgspec.Struct, frozen=True):
    """A step as a run's page shows it: `arguments` and `result` are the beginnings of their JSON; without a result it
    is started and unfinished.
    """

    name: str
    arguments: str
    result: str | None
    begun_at: datetime
    ended_at: datetime | None


class VisitDetail(msgspec.Struct, frozen=True):
    """What a visit did: the state `before` and `after` it as JSON, None if it is too long to show, and its steps in the
    order in which they began.
    """

    before: str | None
    after: str | None
    steps: tuple[StepSummary, ...]
