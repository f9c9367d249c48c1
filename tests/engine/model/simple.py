"""The model: what a run of the workflow must look like from outside, in plain Python without storage or concurrency."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sayso.engine import OutcomeKind, WorkflowStatus
from sayso.engine.store import GRACE
from tests.engine.model.world import EXPIRY, Code

DESK = ("colour", "size", "remark")
CLOSED = {
    "EXPIRED": OutcomeKind.EXPIRED,
    "CANCELLED": OutcomeKind.CANCELLED,
    "WITHDRAWN": OutcomeKind.WITHDRAWN,
}


@dataclass
class Question:
    """A question as people know it."""

    name: str
    text: str
    deadline: datetime | None = None
    id: str = ""
    revision: int = 1
    status: str = "PENDING"
    answer: Any = None
    person: str | None = None

    @property
    def open(self) -> bool:
        return self.status == "PENDING"

    def fits(self, value: Any) -> bool:
        """Whether a value is an answer to it."""
        if self.name == "colour":
            return value in ("red", "green")
        if self.name == "send":
            return isinstance(value, bool)
        if self.name == "size":
            return isinstance(value, int) and not isinstance(value, bool)
        return isinstance(value, str)


@dataclass
class Run:
    """A run: where it stands, its questions, and what an operator must decide."""

    run_id: str
    questions: dict[str, Question] = field(default_factory=dict[str, Question])
    node: str | None = "desk"
    status: WorkflowStatus = WorkflowStatus.WAITING_FOR_INPUT
    changed_to: str | None = None
    moved: bool = False

    def shown_status(self, code: Code) -> WorkflowStatus:
        """The status with what the loaded code means for it."""
        waits = self.status is WorkflowStatus.WAITING_FOR_INPUT
        return WorkflowStatus.NEEDS_ATTENTION if waits and self.is_gone(code) else self.status

    def is_gone(self, code: Code) -> bool:
        """Whether the loaded code lacks the node at which it stands."""
        return code is Code.GONE and self.node == "desk"

    def pending(self) -> dict[str, tuple[str, int, str]]:
        """The open questions: id, revision and text by name."""
        return {q.name: (q.id, q.revision, q.text) for q in self.questions.values() if q.open}

    def begin(self, code: Code, now: datetime) -> None:
        """Ask what the first node asks."""
        self.questions = {
            "colour": Question("colour", "Colour?"),
            "size": Question("size", code.value),
            "remark": Question("remark", "Remark?", now + EXPIRY),
        }

    def judge(self, question: Question, attempt: Attempt, now: datetime, code: Code) -> OutcomeKind:
        """What becomes of an attempt to answer."""
        if attempt.via != "console":
            return OutcomeKind.NOT_ALLOWED
        if question.status == "ANSWERED":
            same = (question.person, question.answer) == (attempt.person, attempt.value)
            return OutcomeKind.DUPLICATE if same else OutcomeKind.ALREADY_ANSWERED
        if question.status in CLOSED:
            return CLOSED[question.status]
        if attempt.revision != question.revision:
            return OutcomeKind.SUPERSEDED
        if question.deadline is not None and now > question.deadline:
            return OutcomeKind.EXPIRED
        if not question.fits(attempt.value):
            return OutcomeKind.INVALID
        held = self.status is WorkflowStatus.NEEDS_ATTENTION or self.is_gone(code)
        return OutcomeKind.HELD if held else OutcomeKind.RESOLVED

    def resolve(self, question: Question, status: str, answer: Any, person: str | None, code: Code) -> None:
        """A question came to its end; the run goes on as far as it can."""
        question.status, question.answer, question.person = status, answer, person
        self.moved = True
        self.settle(code)

    def expire(self, now: datetime, code: Code) -> int:
        """Expire what is due; the number of questions."""
        due = [q for q in self.questions.values() if q.open and q.deadline and q.deadline + GRACE <= now]
        for question in due:
            self.resolve(question, "EXPIRED", "none", None, code)
        return len(due)

    def settle(self, code: Code) -> None:
        """Where a run that has moved comes to rest under the loaded code; one that has not stays as it was parked."""
        if not self.moved or self.status is not WorkflowStatus.WAITING_FOR_INPUT or self.is_gone(code):
            return
        self.moved = False
        if self.node == "desk":
            self._settle_desk(code)
        if self.node == "bill" and self.status is WorkflowStatus.WAITING_FOR_INPUT:
            asked = self.questions.setdefault("send", Question("send", "Send?"))
            if not asked.open:
                self.status, self.node = WorkflowStatus.COMPLETED, None

    def _settle_desk(self, code: Code) -> None:
        size = self.questions["size"]
        if size.text != code.value and not size.open:
            self.status, self.changed_to = WorkflowStatus.NEEDS_ATTENTION, code.value
            return
        if size.text != code.value:
            size.text, size.revision = code.value, size.revision + 1
        if not any(self.questions[name].open for name in DESK):
            self.node = "bill"

    def attend(self, action: str, code: Code) -> None:
        """An operator decides about the changed question."""
        size = self.questions["size"]
        assert self.changed_to is not None
        size.text, self.changed_to = self.changed_to, None
        if action == "reask":
            size.status, size.answer, size.person = "PENDING", None, None
            size.revision += 1
        self.status, self.moved = WorkflowStatus.WAITING_FOR_INPUT, True
        self.settle(code)

    def cancel(self) -> None:
        """The run ends with its open questions."""
        self.status, self.node, self.changed_to = WorkflowStatus.CANCELLED, None, None
        for question in self.questions.values():
            if question.open:
                question.status = "CANCELLED"

    def shared(self) -> dict[str, Any]:
        """The state with which a completed run ends: every answer at its own question."""
        answers = {name: question.answer for name, question in self.questions.items()}
        return {**answers, "total": answers["size"] * 2}


@dataclass(frozen=True)
class Attempt:
    """Somebody's attempt to answer."""

    value: Any
    revision: int
    person: str
    via: str = "console"


SHORT = timedelta(minutes=20)
EXACTLY_LATE = EXPIRY + timedelta(seconds=2)
"""Behind a deadline, and before the sweep."""
