"""Between a visit and whoever runs it: what it tells, and why it is stopped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from sayso.engine._audience import REQUESTER, canonical
from sayso.engine._binding import (
    answer_at_expiry,
    bind,
    policy_with_requester,
    ruling_on,
    with_requester,
)
from sayso.engine._forms import result_form
from sayso.engine._graph import Workflow
from sayso.engine._ids import new_id
from sayso.engine._people import Directory
from sayso.engine._policy import Policy
from sayso.engine._questions import Question, question_digest
from sayso.engine._records import Attention, AttentionKind, StepRecord, WorkflowStatus
from sayso.engine._rules import Ruling
from sayso.engine._values import encode
from sayso.engine.errors import StoreError, UnknownPolicy
from sayso.engine.run._threads import CodeThreads
from sayso.engine.store import Ask

logger = logging.getLogger("sayso.engine")


class HaltKind(StrEnum):
    """Why a visit is stopped before its end; what its code then does is ignored."""

    SUSPENDED = "suspended"
    STALE = "stale"
    HELD = "held"
    STORE_FAILED = "store_failed"
    SAYSO_FAILED = "sayso_failed"
    GONE = "gone"


class Halt(msgspec.Struct, frozen=True):
    """The reason for a stop, with what an operator must decide, or what the store or sayso itself failed with."""

    kind: HaltKind
    attention: Attention | None = None
    error: Exception | None = None

    @classmethod
    def by(cls, error: Exception) -> Halt:
        """A stop by a failed write: the store's failure, or a fault of sayso's own."""
        return cls(
            HaltKind.STORE_FAILED if isinstance(error, StoreError) else HaltKind.SAYSO_FAILED, error=error
        )


def step_attention(record: StepRecord, arguments: str, function: Callable[..., Any]) -> Attention:
    """What an operator must decide about a step that was recorded for other arguments, or was not finished."""
    kind, reason = AttentionKind.STEP_CHANGED, ""
    if record.arguments == arguments:
        kind = AttentionKind.STEP_UNFINISHED
        reason = "it was started and not finished: whether its effect happened is not known"
    return Attention(kind, record.name, record.arguments, arguments, reason, result_form(function))


class Surroundings(msgspec.Struct, frozen=True):
    """What the questions and the code of a workflow's visits find: the `audience` that is asked where a node names
    nobody, the policies that nodes can name, who people are, and where sync code runs.
    """

    audience: tuple[str, ...]
    policies: Mapping[str, Policy]
    directory: Directory
    threads: CodeThreads


class Terms(msgspec.Struct, frozen=True, gc=False):
    """How a question is asked, besides what is asked. Without an audience, the workflow's own is asked. If there are
    `reject_reasons`, they replace the policy's. `first_on_card`: see `Ask`.
    """

    audience: tuple[str, ...] | None
    requested_by: str | None
    note: str | None
    expires_after: timedelta | None
    default: str | None
    policy: Policy | str | None = None
    reject_reasons: tuple[str, ...] = ()
    first_on_card: str | None = None

    def make_ask(
        self, name: str, question: Question, text: str, requested_by: str | None, around: Surroundings
    ) -> Ask:
        """The question, whose `text` is given, to be stored: asked for by whoever the run is for, unless somebody is
        named; with a policy, of all who may vote by it. Raises `InvalidRequest`, `UnknownPolicy`.
        """
        question.check_told_apart()
        question.check_form()
        asker = self.requested_by or requested_by
        asker = None if asker is None else canonical(asker)
        named = around.audience if self.audience is None else self.audience
        audience = with_requester("to", named, asker)
        policy = self.policy
        if isinstance(policy, str):
            if policy not in around.policies:
                raise UnknownPolicy(policy, sorted(around.policies))
            policy = replace(around.policies[policy], name=policy)
        if policy is not None and self.reject_reasons:
            policy = replace(policy, reject_reasons=self.reject_reasons)
        asks_requester = REQUESTER in named
        expires_after, default, directory = self.expires_after, self.default, around.directory
        if policy is not None:
            asks_requester = REQUESTER in (*policy.entries, *(self.audience or ()))
            policy = policy_with_requester(policy, asker, asks_requester=asks_requester)
            policy = bind(
                policy,
                question,
                () if self.audience is None else audience,
                asker,
                directory.person_of,
                directory.may_be_somebody,
            )
            excluded = dict.fromkeys(one for entry in policy.excluded for one in directory.ids_of(entry))
            places = directory.places_of(policy.escalate_to)
            policy = replace(policy, excluded=tuple(excluded), escalate_places=places)
            audience = policy.audience
            if expires_after is None and policy.expires_after is not None:
                expires_after = policy.expires_after
                at_expiry = answer_at_expiry(policy, question)
                default = None if at_expiry is None else encode(at_expiry, "on_expiry")
        elif self.reject_reasons:
            policy = Policy(audience, reject_reasons=self.reject_reasons)
        elsewhere = [one for one in audience if not (asks_requester and one == asker)]
        places = directory.places_of(elsewhere)
        policy, ruling = _ruled(policy, question, name, places)
        return Ask(
            id=new_id(), name=name, attempt=0, text=text, digest=question_digest(text), audience=audience,
            requested_by=asker, note=self.note, expires_after=expires_after, default=default, known=False,
            policy=policy, places=places, version=question.version, files=question.files,
            file_hashes=question.file_hashes, asks_requester=asks_requester, ruling=ruling,
            first_on_card=self.first_on_card,
        )  # fmt: skip


def _ruled(
    policy: Policy | None, question: Question, name: str, places: tuple[str, ...]
) -> tuple[Policy | None, Ruling | None]:
    """What the rules of a request's policy decide, and the policy with what is to be known of that: `places`, where
    its cards would go, or the rule that could not be checked.
    """
    ruling = None if policy is None else ruling_on(policy, question)
    if policy is None or ruling is None:
        return policy, None
    if isinstance(ruling, Ruling):
        return replace(policy, rule_places=places), ruling
    logger.warning(
        "rule %d of policy %s could not be checked for request %s, so people are asked: %s",
        ruling.number,
        policy.name or policy.version,
        name,
        ruling.why,
    )
    return replace(policy, unchecked=ruling), None


def gone_node(workflow: Workflow, status: WorkflowStatus, node_id: str | None) -> Attention | None:
    """What an operator is told when the loaded code lacks the node at which a run stands."""
    if status not in (WorkflowStatus.RUNNING, WorkflowStatus.WAITING_FOR_INPUT) or node_id in workflow.nodes:
        return None
    reason = f"the loaded code of workflow {workflow.name!r} has no node {node_id!r}"
    return Attention(AttentionKind.NODE_GONE, str(node_id), reason=reason)


class VisitHost(Protocol):
    """What a visit tells whoever runs it, and asks of it."""

    @property
    def around(self) -> Surroundings:
        """What its questions and its code find."""
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
