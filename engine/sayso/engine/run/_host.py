"""Between a visit and whoever runs it: what it tells, and why it is stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from sayso.engine._policy import Policy, bind
from sayso.engine._questions import Question
from sayso.engine._records import Attention
from sayso.engine.errors import StoreError


class HaltKind(StrEnum):
    """Why a visit is stopped before its end; what its code then does is ignored."""

    SUSPENDED = "suspended"
    STALE = "stale"
    HELD = "held"
    STORE_FAILED = "store_failed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Halt:
    """The reason for a stop, with what an operator must decide or what the store said."""

    kind: HaltKind
    attention: Attention | None = None
    error: StoreError | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """How a question is asked, beside what is asked. Without an audience it is asked of the workflow's own."""

    audience: tuple[str, ...] | None
    requested_by: str | None
    note: str | None
    expires_after: timedelta | None
    default: str | None
    policy: Policy | None = None

    def bound(self, question: Question, requested_by: str | None) -> Terms:
        """The terms of this question: asked for by whoever the run is for, unless somebody is named; with a policy, of
        all who may vote by it. Raises `InvalidRequest`.
        """
        asker = self.requested_by or requested_by
        if self.policy is None:
            return replace(self, requested_by=asker)
        policy = bind(self.policy, question, self.audience or (), asker)
        return replace(self, requested_by=asker, policy=policy, audience=policy.audience)


class VisitHost(Protocol):
    """What a visit tells whoever runs it, and asks of it."""

    @property
    def audience(self) -> tuple[str, ...]:
        """Who is asked where the node names nobody."""
        ...

    def on_parked(self) -> None:
        """The visit is parked, in memory and in the store."""
        ...

    def on_deadline(self) -> None:
        """A question with a deadline was stored."""
        ...

    def on_step(self, name: str) -> None:
        """A step that is not recorded is about to run."""
        ...

    def is_closing(self) -> bool:
        """Whether the driver goes down, so that a cancellation is not the node's own."""
        ...
