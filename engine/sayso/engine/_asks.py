"""Questions that are asked from outside, as data: without a workflow of one's own, by the built-in workflow `ask`."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Literal, NamedTuple, cast

import msgspec
from msgspec.structs import replace

from sayso.engine._approval import approval_question
from sayso.engine._binding import asks_approval, asks_only_approval
from sayso.engine._content import Markdown, read_content
from sayso.engine._graph import Workflow, node
from sayso.engine._policy import REJECT, is_approval
from sayso.engine._questions import Question, build_question
from sayso.engine._reasons import check_reasons
from sayso.engine._records import ASK, CardRecord, RequestRecord, RequestStatus
from sayso.engine._values import Json, decode
from sayso.engine.errors import InvalidRequest, UnknownPolicy
from sayso.engine.run import NO_DEFAULT, Surroundings, Terms, build_terms, current_visit, default_of
from sayso.engine.store import Ask

MOST_ASKED = 24
"""Questions that are asked in one batch at most: their cards follow one run, of which the latest 25 are kept true."""

_MOST_ON_CARD = 8
"""Questions on one card; what a batch asks beyond them stands on further cards."""

_MOST_OPTIONS = 5
_LONGEST_LABEL = 30
_MOST_DETAILS = 5
"""A question with more has a card of its own: eight of them would not fit a message of every platform."""


class AskedQuestion(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A question as data. An `approval` asks whether what `prompt` says may go ahead; an `input` asks for a value, by
    `input_type`, `options` and `schema` as in `request_input`.

    `rich` names the details that are content rather than plain values, such as `{"type": "diff", "text": ...}`; a
    picture or file is named by the SHA-256 of bytes that are stored already. `expires_after` is in seconds, `on_expiry`
    the answer then, which must not approve. `requested_by` is on whose behalf it is asked.
    """

    prompt: str
    kind: Literal["approval", "input"] = "approval"
    details: Any = None
    rich: list[str] = []
    input_type: str = "text"
    options: list[Any] | None = None
    schema: dict[str, Any] | None = None
    to: list[str] = []
    policy: str | None = None
    expires_after: float | None = None
    on_expiry: Any = None
    note: str | None = None
    requested_by: str | None = None
    read_all: bool = False
    reject_reasons: list[str] = []

    def as_shared(self) -> dict[str, Any]:
        """The state with which the built-in workflow asks it."""
        return {"asked": msgspec.to_builtins(self)}

    def named(self) -> list[tuple[str | None, Question, Terms]]:
        """The question as `AskedBatch.named` has several; its name is the workflow's."""
        return [(None, *self.build())]

    def check(self, person: str, around: Surroundings) -> list[Ask]:
        """The question as it would be asked for `person`. Raises `InvalidRequest`, `UnknownPolicy`."""
        question, terms = self.build()
        return [terms.make_ask(ASK, question, question.text(), person, around)]

    def build(self) -> tuple[Question, Terms]:
        """The question and how it is asked. Raises `InvalidRequest` by the field's name, `UnstorableValue`."""
        details = self._details()
        if self.kind == "approval":
            self._check_approval()
            question = approval_question(self.prompt, details, read_all=self.read_all)
        else:
            question = build_question(
                self.prompt, self.options, self.input_type, self.schema, details, read_all=self.read_all
            )
        lasts = None if self.expires_after is None else _seconds(self.expires_after)
        terms = build_terms(
            to=self.to or None,
            policy=self.policy,
            request_id=None,
            expires_after=lasts,
            note=self.note,
            requested_by=self.requested_by,
        )
        default = NO_DEFAULT if self.on_expiry is None else self.on_expiry
        if asks_approval(question) and is_approval(self.on_expiry):
            raise InvalidRequest("on_expiry", f"{self.on_expiry!r} would approve without anybody")
        return question, replace(
            terms,
            default=default_of(question, default, lasts, parameter="on_expiry"),
            reject_reasons=check_reasons("reject_reasons", self.reject_reasons),
        )

    def _check_approval(self) -> None:
        """Raise `InvalidRequest` for what says how a value is asked for: an approval is a yes or a no."""
        if not self.prompt.strip():
            raise InvalidRequest("prompt", f"{self.prompt!r} does not say what is to be approved")
        for field in ("options", "schema", "on_expiry"):
            if getattr(self, field) is not None:
                raise InvalidRequest(field, "goes with kind='input'; an approval is a yes or a no")

    def _details(self) -> Any:
        if not self.rich:
            return self.details
        if not isinstance(cast("object", self.details), dict):
            raise InvalidRequest("rich", "names details, and there are none by name")
        details = dict(cast("dict[str, Any]", self.details))
        for name in self.rich:
            if name not in details:
                raise InvalidRequest("rich", f"names {name!r}, which is not among the details")
            try:
                details[name] = read_content(details[name])
            except msgspec.ValidationError as error:
                raise InvalidRequest(f"details[{name!r}]", str(error)) from error
        return details


class Asking(NamedTuple):
    """A run that asks, and which of its questions is meant, by its name; None for all. `is_new` says that this
    call asked it.
    """

    run_id: str
    name: str | None
    is_new: bool


class AskedBatch(msgspec.Struct, frozen=True):
    """Questions that are asked together, each of them decided by itself: all are asked, or none.

    They share cards, in their order, eight on each. One that needs more room has a card of its own: with pictures,
    files or formatted text, with more than five details or options, with long options, or that has to be read whole.
    """

    questions: tuple[AskedQuestion, ...]

    def alone_or_together(self) -> AskedQuestion | AskedBatch:
        """The same; a single one as if it had been asked alone."""
        return self.questions[0] if len(self.questions) == 1 else self

    def as_shared(self) -> dict[str, Any]:
        """The state with which the built-in workflow asks them."""
        return {"batch": [msgspec.to_builtins(one) for one in self.questions]}

    def named(self) -> list[tuple[str | None, Question, Terms]]:
        """The questions by name, `1` and so on, and how they are asked. Raises what `AskedQuestion.build` raises."""
        built = [(str(number), *asked.build()) for number, asked in enumerate(self.questions, 1)]
        firsts = _firsts_on_cards({name: question for name, question, _ in built})
        return [
            (name, question, replace(terms, first_on_card=firsts.get(name)))
            for name, question, terms in built
        ]

    def check(self, person: str, around: Surroundings) -> list[Ask]:
        """The questions as they would be asked for `person`. Raises `InvalidRequest`, with the question's position
        before the field.
        """
        check_size(self.questions)
        made: list[Ask] = []
        for position, asked in enumerate(self.questions):
            with in_batch(position):
                made += asked.check(person, around)
        return made


def check_size(questions: Sequence[AskedQuestion]) -> None:
    """Raise `InvalidRequest` for more or fewer questions than can be asked together."""
    if not 1 <= len(questions) <= MOST_ASKED:
        raise InvalidRequest("requests", f"are {len(questions)}; a batch has 1 to {MOST_ASKED}")


@contextmanager
def in_batch(position: int) -> Generator[None]:
    """Name the question of a batch that an `InvalidRequest` or `UnknownPolicy` is about."""
    try:
        yield
    except InvalidRequest as error:
        raise InvalidRequest(f"requests.{position}.{error.argument}", error.reason) from error
    except UnknownPolicy as error:
        raise InvalidRequest(f"requests.{position}.policy", str(error)) from error


def _firsts_on_cards(questions: Mapping[str, Question]) -> dict[str, str]:
    """For the name of each question that shares a card, that of the first one on it."""
    sharing = [name for name, one in questions.items() if _fits_beside_others(one)]
    cards = [sharing[at : at + _MOST_ON_CARD] for at in range(0, len(sharing), _MOST_ON_CARD)]
    return {name: card[0] for card in cards if len(card) > 1 for name in card}


def _fits_beside_others(question: Question) -> bool:
    details = question.details if isinstance(question.details, dict) else {}
    is_small = len(question.choices) <= _MOST_OPTIONS and len(details) <= _MOST_DETAILS
    # The options of a button's size stand on buttons alone: no text about them is left out once it is decided.
    is_short = all(one.description is None and len(one.label) <= _LONGEST_LABEL for one in question.choices)
    is_formatted = any(isinstance(one, Markdown) for one in question.contents.values())
    return is_small and is_short and not is_formatted and not question.read_all and not question.file_hashes


def read_asked(given: Mapping[str, Any]) -> AskedQuestion:
    """The question that a mapping describes. Raises `InvalidRequest` with the reason."""
    try:
        return msgspec.convert(given, AskedQuestion)
    except msgspec.ValidationError as error:
        raise InvalidRequest("question", str(error)) from error


@node(id=ASK)
async def _ask(shared: dict[str, Any]) -> None:
    asked = (
        AskedBatch(tuple(map(read_asked, shared["batch"])))
        if "batch" in shared
        else read_asked(shared["asked"])
    )
    visit = current_visit(ASK)
    # Begun in one turn of the loop, they are stored together.
    await asyncio.gather(*[visit.ask(question, name, terms) for name, question, terms in asked.named()])


ask_workflow = Workflow(ASK, start=_ask)
"""The built-in workflow: it asks a question or a batch of them, and ends when all are closed. Each request has its
result.
"""


def batch_number(record: CardRecord) -> int | None:
    """The number of a request in the batch that it was asked in, from 1; None for one that was asked alone."""
    name = record.request.name
    return int(name) if record.workflow == ASK and name.isdecimal() else None


def decision_of(record: RequestRecord) -> dict[str, Json] | None:
    """The result of a request, as JSON; None while it is open.

    `outcome` is `approved`, `rejected`, `answered`, `expired`, `withdrawn` or `cancelled`. `approved` is true for an
    explicit yes to an approval or a confirmation alone: of people, or of a rule that an operator wrote. `by` are the
    people whose votes agree with the decision, or who withdrew it, or the rule (`rule:POLICY/NUMBER`); `comment` is the
    first that one of them wrote; `digest` identifies what was decided.
    """
    if record.open:
        return None
    value = None if record.answer is None else decode(record.answer)
    votes = [] if record.decided is None else cast("list[dict[str, Any]]", decode(record.decided))
    outcome = _outcome(record, value)
    people = [vote["person"] for vote in votes]
    if not people and record.resolved_by is not None:
        people = [record.resolved_by]
    return {
        "outcome": outcome,
        "approved": outcome == "approved",
        "value": value,
        "by": cast("list[Json]", people),
        "comment": next((vote["comment"] for vote in votes if vote["comment"]), None),
        "votes": cast("list[Json]", votes),
        "digest": record.digest,
        "decided_at": None if record.resolved_at is None else record.resolved_at.isoformat(),
    }


def _outcome(record: RequestRecord, value: Json) -> str:
    if record.status is not RequestStatus.ANSWERED:
        return record.status.lower()
    if not asks_approval(record.question):
        return "answered"
    if is_approval(value):
        return "approved"
    return "rejected" if value is False or value == REJECT else "answered"


def kind_of(record: RequestRecord) -> str:
    """`approval` for a question that only a yes or a no answers, else `input`."""
    return "approval" if asks_only_approval(record.question) else "input"


def _seconds(given: float) -> timedelta:
    try:
        return timedelta(seconds=given)
    except (OverflowError, ValueError) as error:
        raise InvalidRequest("expires_after", f"{given!r} is not a number of seconds") from error
