"""What the store keeps, as values: states, their transitions, and the records that are read back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import replace

from sayso.engine._binding import reasons_for
from sayso.engine._grants import GrantRecord, GrantUse
from sayso.engine._policy import Fact, Policy, Vote
from sayso.engine._questions import Question, question_from_text
from sayso.engine._reasons import Reasons
from sayso.engine._rules import RuleName
from sayso.engine._values import Json

ASK = "ask"
"""The name of the built-in workflow that asks one question from outside, and of its node and request."""


class WorkflowStatus(StrEnum):
    """The state of a run."""

    RUNNING = "RUNNING"
    WAITING_FOR_INPUT = "WAITING_FOR_INPUT"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"


class NodeStatus(StrEnum):
    """The state of a node in a run: that of its latest visit, or `PENDING` before the first."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    WAITING_FOR_INPUT = "WAITING_FOR_INPUT"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class RequestStatus(StrEnum):
    """The state of a request."""

    PENDING = "PENDING"
    ANSWERED = "ANSWERED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"
    CANCELLED = "CANCELLED"


class NoticeKind(StrEnum):
    """What a message in addition to the cards says: somebody voted; who has not voted yet; who was asked in addition,
    or instead; the question changed; somebody approved alone; how a request ended.
    """

    VOTE = "vote"
    REMINDER = "reminder"
    ESCALATED = "escalated"
    REASSIGNED = "reassigned"
    CHANGED = "changed"
    BREAK_GLASS = "break_glass"
    RESULT = "result"


class AttentionKind(StrEnum):
    """Why a run needs an operator."""

    QUESTION_CHANGED = "question_changed"
    FILE_UNREADABLE = "file_unreadable"
    ANSWER_UNUSED = "answer_unused"
    STEP_UNFINISHED = "step_unfinished"
    STEP_CHANGED = "step_changed"
    NODE_GONE = "node_gone"
    PROCESS_DIED = "process_died"
    SAYSO_FAILED = "sayso_failed"


ENDED = frozenset({WorkflowStatus.COMPLETED, WorkflowStatus.FAILED, WorkflowStatus.CANCELLED})
"""The statuses in which a run does nothing any more by itself."""

RUN_TRANSITIONS: dict[tuple[WorkflowStatus, str], WorkflowStatus] = {
    (WorkflowStatus.RUNNING, "parked"): WorkflowStatus.WAITING_FOR_INPUT,
    (WorkflowStatus.WAITING_FOR_INPUT, "request_resolved"): WorkflowStatus.RUNNING,
    (WorkflowStatus.WAITING_FOR_INPUT, "stirred"): WorkflowStatus.RUNNING,
    (WorkflowStatus.WAITING_FOR_INPUT, "request_withdrawn"): WorkflowStatus.RUNNING,
    (WorkflowStatus.WAITING_FOR_INPUT, "moved_on"): WorkflowStatus.RUNNING,
    (WorkflowStatus.RUNNING, "finished"): WorkflowStatus.COMPLETED,
    (WorkflowStatus.RUNNING, "failed"): WorkflowStatus.FAILED,
    (WorkflowStatus.WAITING_FOR_INPUT, "failed"): WorkflowStatus.FAILED,
    (WorkflowStatus.WAITING_FOR_INPUT, "finished"): WorkflowStatus.COMPLETED,
    (WorkflowStatus.RUNNING, "held"): WorkflowStatus.NEEDS_ATTENTION,
    (WorkflowStatus.WAITING_FOR_INPUT, "held"): WorkflowStatus.NEEDS_ATTENTION,
    (WorkflowStatus.NEEDS_ATTENTION, "attended"): WorkflowStatus.RUNNING,
    (WorkflowStatus.NEEDS_ATTENTION, "cancelled"): WorkflowStatus.CANCELLED,
    (WorkflowStatus.RUNNING, "cancelled"): WorkflowStatus.CANCELLED,
    (WorkflowStatus.WAITING_FOR_INPUT, "cancelled"): WorkflowStatus.CANCELLED,
    (WorkflowStatus.FAILED, "retried"): WorkflowStatus.RUNNING,
}
"""Every change of a run's status that the store makes; an event that is not listed for a status changes nothing."""

REQUEST_TRANSITIONS: dict[tuple[RequestStatus, str], RequestStatus] = {
    (RequestStatus.PENDING, "answered"): RequestStatus.ANSWERED,
    (RequestStatus.PENDING, "expired"): RequestStatus.EXPIRED,
    (RequestStatus.PENDING, "withdrawn"): RequestStatus.WITHDRAWN,
    (RequestStatus.PENDING, "cancelled"): RequestStatus.CANCELLED,
    (RequestStatus.ANSWERED, "asked_again"): RequestStatus.PENDING,
    (RequestStatus.EXPIRED, "asked_again"): RequestStatus.PENDING,
}
"""Every change of a request's status that the store makes."""


class RequestRecord(msgspec.Struct, frozen=True, gc=False):
    """A request as stored. `id` is its own opaque name; `name` its `request_id` within the visit. `policy` has stages;
    without one, the first answer of the audience decides. `reject_reasons` are suggested to people who reject.
    `resolved_by` is who answered, withdrew or cancelled it; None if nobody did.
    """

    id: str
    name: str
    run_id: str
    node_id: str
    visit: int
    attempt: int
    text: str
    digest: str
    revision: int
    audience: tuple[str, ...]
    requested_by: str | None
    note: str | None
    asked_at: datetime
    deadline: datetime | None
    default: str | None
    status: RequestStatus
    answer: str | None = None
    decided: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    policy: Policy | None = None
    reject_reasons: tuple[str, ...] = ()

    @property
    def question(self) -> Question:
        """What is asked."""
        return question_from_text(self.text)

    @property
    def open(self) -> bool:
        """Whether it still waits for an answer."""
        return self.status is RequestStatus.PENDING

    @property
    def voters(self) -> tuple[str, ...]:
        """All who may answer it."""
        return self.audience if self.policy is None else self.policy.voters

    @property
    def concerned(self) -> tuple[str, ...]:
        """Everybody whom it concerns: approvers, and those who may approve in an emergency."""
        return self.audience if self.policy is None else self.policy.concerned

    def reasons_for(self, value: Json) -> Reasons | None:
        """What to ask people for with this answer while it is open; None if nothing."""
        if not self.open:
            return None
        return reasons_for(self.question, self.policy, self.reject_reasons, value)

    def as_dict(self) -> dict[str, Json]:
        """The form in which `awaiting_input`, `pending` and the command line show a request."""
        question = self.question
        return {
            "id": self.id,
            "revision": self.revision,
            "run_id": self.run_id,
            "node_id": self.node_id,
            "request_id": self.name,
            "prompt": question.prompt,
            "options": question.options,
            "input_type": question.input_type,
            "schema": question.schema,
            "details": question.details,
            "rich": list(question.rich),
            "note": self.note,
            "to": list(self.audience),
            "reject_reasons": list(self.reject_reasons),
            "requested_by": self.requested_by,
            "asked_at": self.asked_at.isoformat(),
            "deadline": None if self.deadline is None else self.deadline.isoformat(),
        }


class StepRecord(msgspec.Struct, frozen=True, gc=False):
    """A step as stored; `result` is its JSON, None while it is started and unfinished."""

    name: str
    arguments: str
    result: str | None


class Attention(msgspec.Struct, frozen=True):
    """What an operator must decide about a run. `name` is that of a request, step or node, `was` and `now` its earlier
    and present text; `result` is the schema of a form that asks for a step's, where its type is known.
    """

    kind: AttentionKind
    name: str
    was: str | None = None
    now: str | None = None
    reason: str = ""
    result: dict[str, Any] | None = None


class RunRecord(msgspec.Struct, frozen=True, gc=False):
    """A run as stored, with its visit: `entry` is the state at its begin, `shared` the one shown; see `RunSummary`."""

    run_key: int
    run_id: str
    workflow: str
    status: WorkflowStatus
    resolutions: int
    visit: int
    node_id: str | None
    attempt: int
    first_attempt: int
    retry_at: datetime | None
    entry: str
    shared: str
    error: str | None
    attention: Attention | None
    requested_by: str | None
    stops: int


class Approval(msgspec.Struct, frozen=True, gc=False):
    """An approval as its request recorded it: what was shown, by its digest, the votes that decided as JSON, and which
    visit used it.
    """

    digest: str
    decided: str
    reusable: bool
    used_by: int | None = None


class LoadedRun(msgspec.Struct, frozen=True, gc=False):
    """Everything that a visit needs in order to run again: the run and the journal of its current visit, and the run's
    `approvals`, by the ids of their requests.
    """

    run: RunRecord
    requests: tuple[RequestRecord, ...]
    steps: tuple[StepRecord, ...]
    approvals: dict[str, Approval] = {}


class RunSummary(msgspec.Struct, frozen=True):
    """A run as lists show it. `stops` counts how often it needed an operator, because it was held or failed; a decision
    that names it applies only to what was seen.
    """

    run_id: str
    workflow: str
    status: WorkflowStatus
    node_id: str | None
    visit: int
    error: str | None
    attention: Attention | None
    requested_by: str | None
    created_at: datetime
    updated_at: datetime
    stops: int

    def outline(self) -> RunSummary:
        """The run as people who are not operators see it: that it failed or is held, and when. What else there is can
        come from questions and steps that were never theirs to read.
        """
        attention = None if self.attention is None else Attention(self.attention.kind, "")
        return replace(self, error=None, attention=attention)


class CastVote(msgspec.Struct, frozen=True, gc=False):
    """A vote as it is shown: one that decided a request, or a current one. `account` is where it came from, `accounts`
    are all of that person, `groups` those of the policy that they belonged to then. A `rule` decides without people, or
    the use of a `grant`.
    """

    person: str
    via: str
    value: Any  # Json, a recursive type, is one that msgspec does not decode into
    at: datetime
    comment: str | None = None
    account: str = ""
    accounts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    break_glass: bool = False
    rule: RuleName | None = None
    grant: GrantUse | None = None

    def as_dict(self) -> dict[str, Any]:
        """The form in which a decided request keeps it, and `Decision.votes` shows it."""
        by = {"rule": self.rule, "grant": self.grant}
        shown = {
            "person": self.person,
            "via": self.via,
            "value": self.value,
            "at": self.at,
            "comment": self.comment,
            "account": self.account,
            **{name: msgspec.to_builtins(one) for name, one in by.items() if one is not None},
        }
        return {**shown, "break_glass": True} if self.break_glass else shown

    def as_vote(self) -> Vote:
        """The vote as policies count it."""
        facts = tuple(Fact(name=group, value=True, as_of=self.at) for group in self.groups)
        ids = (self.account, *self.accounts) if self.account else self.accounts
        return Vote(
            self.person, self.via, self.value, self.at, self.comment, facts, ids, break_glass=self.break_glass
        )


class CardRecord(msgspec.Struct, frozen=True, gc=False):
    """Everything that a card shows, at one instant: a request, who decided it, and the state of its run.

    `run_node` is the run's current node, or its last one once it has ended. `held` says that the answer is recorded
    and an operator must look at the run before it continues. `names` are the names of the people in it that surfaces
    made known, by person. It `follows` its run until that has asked 25 more questions. `grants` were made with it.
    """

    request: RequestRecord
    workflow: str
    run_status: WorkflowStatus
    run_node: str | None
    run_ended_at: datetime | None
    held: bool
    revised_at: datetime | None
    votes: tuple[CastVote, ...]
    names: dict[str, str]
    follows: bool = True
    grants: tuple[GrantRecord, ...] = ()


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """A card at one destination: what it should show, as of this read, and what the platform shows.

    `reference` is the surface's own name of the message, None before the first; `former` that of a message which this
    one replaces and which still has to be locked. `notice` is a line for this destination only. `attempts` counts
    failed sends in a row. `dead_since` is set while the destination is unreachable. `told_revision` is the latest
    revision of the question that was shown there, 0 for none.
    """

    request_id: str
    destination: str
    reference: str | None
    former: str | None
    notice: str | None
    revision_wanted: int
    revision_shown: int
    attempts: int
    next_attempt: datetime | None
    last_error: str | None
    dead_since: datetime | None
    told_revision: int = 0


class Kept(msgspec.Struct, frozen=True, gc=False):
    """What a platform reports that a message shows: the digest of everything that presses are compared by, and digests
    of its named parts, to tell what differs.
    """

    digest: str
    parts: Mapping[str, str]

    def differs_in(self, other: Kept) -> tuple[str, ...]:
        """The parts that are not the same in another message; their order, where nothing else is."""
        names = sorted({*self.parts, *other.parts})
        found = tuple(name for name in names if self.parts.get(name) != other.parts.get(name))
        return found or (() if self.digest == other.digest else ("order",))


class Rendering(msgspec.Struct, frozen=True, gc=False):
    """A card as it was once sent or edited. `message` and `kept` are None until the platform has responded, and stay
    None if its response was lost.
    """

    number: int
    destination: str
    message: str | None
    kept: Kept | None


class Notice(msgspec.Struct, frozen=True, gc=False):
    """A message in addition to the cards, to be sent to a destination: about which request, what it says, and since
    when.

    `payload` holds what the kind needs: `person`, `value`, `comment`, `to`. `reference` is the card's message there,
    None if there is none; `attempts` counts failed sends.
    """

    notice_key: int
    request_id: str
    destination: str
    kind: NoticeKind
    payload: dict[str, Any]
    at: datetime
    attempts: int
    reference: str | None


class Account(msgspec.Struct, frozen=True):
    """An account that belongs to somebody: to whom, and since when if they linked it themselves."""

    account: str
    person: str
    linked_at: datetime | None


class LinkStep(StrEnum):
    """The progress of linking two accounts, as seen by the account that sent the code or made it."""

    REFUSED = "refused"  # nothing comes of it
    SHOWN = "shown"  # the sender has to say yes, and sees whose the code is
    WAITS = "waits"  # the sender said yes: now the maker has to
    SENT = "sent"  # the maker sees who sent the code, who has not said yes
    AGREED = "agreed"  # the maker has to say yes, and sees who sent the code
    LINKED = "linked"  # they are one person


class Linking(msgspec.Struct, frozen=True):
    """The result of using a code: `other` is the other account, `said` the reason of a refusal."""

    step: LinkStep
    other: str = ""
    said: str = ""


class DeadPlace(msgspec.Struct, frozen=True):
    """An unreachable destination: since when, the platform's reason, and how many cards wait for it."""

    destination: str
    since: datetime
    reason: str
    cards: int


class StoreCounts(msgspec.Struct, frozen=True):
    """How much is open (and since when), how many cards are not shown as they should be, how many runs are held."""

    pending: int
    oldest: datetime | None
    undelivered: int
    held: int


class AuditRow(msgspec.Struct, frozen=True):
    """One row of the audit trail. `payload` is None once redacted. `hash` chains the row to the one before it in its
    chain, that of its run or the store's own, where `position` is its place. Rows of earlier versions have none: they
    are all in the store's. `facts` is JSON: digests of what the row's transaction left in other tables, None in rows of
    still earlier versions.
    """

    sequence: int
    at: datetime
    kind: str
    run_id: str | None
    request_id: str | None
    person: str | None
    via: str | None
    payload: Json
    payload_digest: str
    facts: str | None
    hash: str
    position: int | None
