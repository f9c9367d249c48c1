"""A request as the parts of a card, the same for every surface."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from sayso.adapters.cards._text import cut
from sayso.adapters.cards._words import Words, answer_words, past_tense, person_name, place_name, vote_words
from sayso.adapters.console import content_text, set_off, visible, visible_line
from sayso.engine import (
    CardRecord,
    Content,
    Json,
    Progress,
    Question,
    RequestStatus,
    Stage,
    Verdict,
    WorkflowStatus,
    evaluate,
    is_approval,
    is_person,
    waiting,
)

_MOST_VOTES = 8
_LONGEST_REMARK = 100
_LONGEST_NEEDED = 300
"""What an open card shows of votes, so that its question keeps its room however many there are."""

_KNOWN_STYLES = {"approve": "primary", "reject": "danger"}


class CardState(StrEnum):
    """What a card can show. Only `OPEN` has buttons."""

    OPEN = "OPEN"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    HELD = "HELD"
    STOPPED = "STOPPED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Field:
    """A detail: a name and its text, which may have several lines. `content` is what a surface draws by its own means,
    where it has any; the text says the same without.
    """

    name: str
    text: str
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """Something about the asking: who, by whom, until when."""

    label: str
    words: Words


@dataclass(frozen=True, slots=True)
class Choice:
    """An option by its position, which buttons carry. `style` is `primary`, `danger` or None."""

    index: int
    value: Json
    label: str
    description: str | None
    style: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """One request as people see it. `status` is the word in capitals, empty while it is open; `said` what was said so
    far and what came of it, a line each; `notices` stand above everything. `choices` are empty unless it is open.
    `link` leads to it in the web inbox. `chosen` is what its one reader has voted, None where nobody or several read
    it. `voters` are all who may vote on it, where those are named people. `rendering` is the number that its buttons
    carry, None where they are compared by nothing.
    """

    id: str
    revision: int
    state: CardState
    status: str
    tag: str
    link: str | None
    prompt: str
    details: tuple[Field, ...]
    facts: tuple[Fact, ...]
    said: tuple[Words, ...]
    notices: tuple[Words, ...]
    question: Question
    choices: tuple[Choice, ...]
    chosen: Json = None
    voters: tuple[str, ...] = ()
    rendering: int | None = None

    @property
    def open(self) -> bool:
        """Whether it can be answered."""
        return self.state is CardState.OPEN


def build_card(
    record: CardRecord,
    places: Mapping[str, str],
    notices: Sequence[Words | str] = (),
    *,
    inbox: str | None = None,
    reader: str | None = None,
    rendering: int | None = None,
) -> Card:
    """The card of a request as it stands. `places` are the names of destinations, `notices` lines for one place.

    `inbox` is the address of the web inbox, where people reach one; `reader` the account of the only one who reads it;
    `rendering` the number that its buttons carry.
    """
    request = record.request
    question = request.question
    state = _state(record)
    return Card(
        id=request.id,
        revision=request.revision,
        state=state,
        status=_status(record, state),
        tag=visible_line(f"{record.workflow} / {request.name}"),
        link=None if inbox is None else f"{inbox.rstrip('/')}/requests/{request.id}",
        prompt=visible(question.prompt or "Input is needed."),
        details=tuple(_details(question)),
        facts=tuple(_facts(record, places)),
        said=tuple(_said(record, state, places)),
        notices=(*_changed(record, state), *((one,) if isinstance(one, str) else one for one in notices)),
        question=question,
        choices=_choices(question) if state is CardState.OPEN else (),
        chosen=_chosen(record, reader),
        voters=_voters(record),
        rendering=rendering,
    )


def _chosen(record: CardRecord, reader: str | None) -> Json:
    mine = [vote for vote in record.votes if reader in (vote.person, vote.account, *vote.accounts)]
    return mine[0].value if reader is not None and mine and record.request.open else None


def _voters(record: CardRecord) -> tuple[str, ...]:
    """All who may vote by the policy; none where some of them are not named."""
    voters = [entry for one in _stages(record) for entry in (*one.stage.approvers, *one.stage.veto)]
    return tuple(dict.fromkeys(voters)) if all(is_person(entry) for entry in voters) else ()


def _state(record: CardRecord) -> CardState:
    match record.request.status:
        case RequestStatus.PENDING:
            return CardState.OPEN
        case RequestStatus.WITHDRAWN:
            return CardState.WITHDRAWN
        case RequestStatus.CANCELLED:
            return CardState.CANCELLED
        case RequestStatus.EXPIRED:
            return CardState.EXPIRED
        case RequestStatus.ANSWERED:
            return _state_of_run(record)
    assert_never(record.request.status)


def _state_of_run(record: CardRecord) -> CardState:
    if not record.follows:
        return CardState.RUNNING
    if record.held:
        return CardState.HELD
    ends = {
        WorkflowStatus.COMPLETED: CardState.DONE,
        WorkflowStatus.FAILED: CardState.FAILED,
        WorkflowStatus.CANCELLED: CardState.STOPPED,
        WorkflowStatus.NEEDS_ATTENTION: CardState.HELD,
    }
    return ends.get(record.run_status, CardState.RUNNING)


_SUFFIXES = {
    CardState.DONE: ", done",
    CardState.FAILED: ", failed",
    CardState.HELD: ", but held",
    CardState.STOPPED: ", then cancelled",
}


def _status(record: CardRecord, state: CardState) -> str:
    request = record.request
    if state is CardState.OPEN:
        return "; ".join(_count(one) for one in _stages(record)) if record.votes else ""
    if request.status is not RequestStatus.ANSWERED:
        return state.value
    word = past_tense(request.question, _value(request.answer)) or "Answered"
    return word.upper() + _SUFFIXES.get(state, "")


def _count(progress: Progress) -> str:
    """How many have approved of how many, in a stage: `1 of 2`."""
    return f"{_named(progress.stage)}{len(progress.approved)} of {progress.stage.needed}"


def _named(stage: Stage) -> str:
    """A stage's name in front of what is said of it."""
    return f"{visible_line(stage.name)}: " if stage.name else ""


def _changed(record: CardRecord, state: CardState) -> tuple[Words, ...]:
    if state is not CardState.OPEN or record.revised_at is None:
        return ()
    return (("CHANGED at ", record.revised_at, ": the text below is new, earlier answers do not count."),)


def _details(question: Question) -> list[Field]:
    details, contents = question.details, question.contents
    if details is None:
        return []
    if not isinstance(details, dict):
        return [Field("Details", _plain(details))]
    return [
        Field(visible_line(name), content_text(contents[name]), contents[name])
        if name in contents
        else Field(visible_line(name), _plain(value))
        for name, value in details.items()
    ]


def _plain(value: Json) -> str:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return visible_line(", ".join(str(item) for item in value))
    return visible(
        json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, dict | list) else None)
    )


def _facts(record: CardRecord, places: Mapping[str, str]) -> list[Fact]:
    request = record.request
    facts = [Fact("Asked of", (_asked_of(record, places),))]
    if request.policy is not None and request.open and request.policy.break_glass:
        alone = ", ".join(person_name(one, record.names) for one in request.policy.break_glass)
        facts.append(Fact("Emergency", (f"{alone}, alone and with a reason",)))
    if request.requested_by is not None:
        facts.append(Fact("Requested by", (person_name(request.requested_by, record.names),)))
    if request.deadline is not None and request.open:
        facts.append(Fact("Until", (request.deadline,)))
    if request.note is not None:
        facts.append(Fact("Note", (set_off(visible(request.note)),)))
    return facts


def _asked_of(record: CardRecord, places: Mapping[str, str]) -> str:
    """Who may answer; by a policy, how many of whom must approve, stage by stage."""
    policy = record.request.policy
    if policy is None:
        return ", ".join(place_name(one, places, record.names) for one in record.request.audience) or "nobody"
    joined = "; then " if policy.ordered else "; "
    asked = joined.join(_stage_words(record, places, stage) for stage in policy.stages)
    if policy.escalates_at is None or not set(policy.escalate_to) <= set(policy.audience):
        return asked
    more = ", ".join(place_name(one, places, record.names) for one in policy.escalate_to)
    return f"{asked}; and now {more}"


def _stage_words(record: CardRecord, places: Mapping[str, str], stage: Stage) -> str:
    who = ", ".join(place_name(one, places, record.names) for one in stage.approvers)
    named = _named(stage)
    if stage.need == "all":
        return f"{named}all of {who}"
    return named + (who if len(stage.approvers) == stage.needed == 1 else f"{stage.needed} of {who}")


def _so_far(record: CardRecord, places: Mapping[str, str]) -> list[Words]:
    """The votes until now, a line each, and what is still needed."""
    policy = record.request.policy
    if policy is None or not record.votes:
        return []
    lines: list[Words] = []
    earlier = record.votes[:-_MOST_VOTES]
    if earlier:
        yes = sum(is_approval(vote.value) for vote in earlier)
        lines.append((f"Earlier votes: {yes} approved, {len(earlier) - yes} rejected.",))
    for vote in record.votes[-_MOST_VOTES:]:
        verb = vote_words(record.request.question, vote.value)
        comment = f" “{set_off(cut(visible(vote.comment), _LONGEST_REMARK))}”" if vote.comment else ""
        lines.append(
            (f"{verb[0].upper()}{verb[1:]}: {person_name(vote.person, record.names)} ", vote.at, comment)
        )
    missing = progress(record, places)
    needed = cut(f"Still needed: {'; '.join(missing)}", _LONGEST_NEEDED)
    return [*lines, *([(needed,)] if missing else [])]


def progress(record: CardRecord, places: Mapping[str, str]) -> list[str]:
    """What is still needed, stage by stage: `1 of @sre`."""
    return [_missing(record, places, one) for one in _stages(record) if one.missing]


def _missing(record: CardRecord, places: Mapping[str, str], stage: Progress) -> str:
    whom = ", ".join(place_name(entry, places, record.names) for entry in stage.stage.approvers)
    return f"{_named(stage.stage)}{stage.missing} of {whom}"


def still_needed(record: CardRecord) -> tuple[str, ...]:
    """Those whose approval is still missing, as the policy names them: people who have not voted, and groups."""
    policy, verdict = record.request.policy, _verdict(record)
    if policy is None or verdict is None:
        return ()
    voted = {name for vote in record.votes for name in (vote.person, vote.account, *vote.accounts)}
    needed = (entry for stage in waiting(policy, verdict) for entry in stage.approvers if entry not in voted)
    return tuple(dict.fromkeys(entry for entry in needed if entry not in policy.excluded))


def _verdict(record: CardRecord) -> Verdict | None:
    """What the votes come to, with those who are asked as well since it escalated."""
    policy = record.request.policy
    if policy is None:
        return None
    as_of = max((vote.at for vote in record.votes), default=record.request.asked_at)
    if policy.escalates_at is not None and set(policy.escalate_to) <= set(policy.audience):
        as_of = max(as_of, policy.escalates_at)
    return evaluate(policy, [vote.as_vote() for vote in record.votes], as_of)


def _stages(record: CardRecord) -> tuple[Progress, ...]:
    """How far each stage is."""
    verdict = _verdict(record)
    return () if verdict is None else verdict.stages


def _said(record: CardRecord, state: CardState, places: Mapping[str, str]) -> list[Words]:
    match state:
        case CardState.OPEN:
            return _so_far(record, places)
        case CardState.EXPIRED:
            return [_expired(record), *_after(record)]
        case CardState.WITHDRAWN | CardState.CANCELLED:
            return [_taken_back(record, state)]
        case _:
            return [_answered(record), *_after(record)]


def _answered(record: CardRecord) -> Words:
    request = record.request
    value = _value(request.answer)
    past = past_tense(request.question, value)
    alone = " under break-glass" if any(vote.break_glass for vote in record.votes) else ""
    words: list[str | datetime] = [f"{past or 'Answered'}{alone} by "]
    for position, vote in enumerate(record.votes[:_MOST_VOTES]):
        words += [" and " if position else "", f"{person_name(vote.person, record.names)} ", vote.at]
        if vote.value != value:
            words.append(f" ({answer_words(request.question, vote.value)})")
    others = len(record.votes) - _MOST_VOTES
    if others > 0:
        words.append(f" and {others} other{'' if others == 1 else 's'}")
    if past is None:
        words.append(f": {answer_words(request.question, value)}")
    comments = [set_off(visible(vote.comment)) for vote in record.votes if vote.comment]
    return (*words, *(f" “{comment}”" for comment in comments))


def _expired(record: CardRecord) -> Words:
    request = record.request
    went_on = (
        "Nobody answered."
        if request.answer is None
        else f"Nobody answered; the run went on with “{answer_words(request.question, _value(request.answer))}”."
    )
    return ("Closed at ", request.deadline or request.resolved_at or request.asked_at, f". {went_on}")


def _taken_back(record: CardRecord, state: CardState) -> Words:
    word = "Withdrawn" if state is CardState.WITHDRAWN else "Cancelled with its run"
    request = record.request
    by = "" if request.resolved_by is None else f" by {person_name(request.resolved_by, record.names)}"
    at = request.resolved_at
    return (f"{word}{by}.",) if at is None else (f"{word}{by} ", at, ".")


def _after(record: CardRecord) -> list[Words]:
    """What the run came to since, in a line."""
    node = visible_line(record.run_node or "the run")
    ended = record.run_ended_at
    run = f"Run {visible_line(record.request.run_id[:8])}"
    if not record.follows:
        return [(f"{run} has asked many more questions since. The latest of them say what became of it.",)]
    if record.held or record.run_status is WorkflowStatus.NEEDS_ATTENTION:
        return [(f"Held at {node}: an operator must look at it. {run}.",)]
    match record.run_status:
        case WorkflowStatus.COMPLETED if ended is not None:
            return [(f"{node} done ", ended, ".")]
        case WorkflowStatus.FAILED if ended is not None:
            return [(f"{node} failed ", ended, f". An operator can see why, and try again. {run}.")]
        case WorkflowStatus.CANCELLED if ended is not None:
            return [("The run was cancelled ", ended, f". {run}.")]
        case WorkflowStatus.WAITING_FOR_INPUT:
            return [(f"The run waits for another answer: {node}.",)]
        case _:
            return [(f"Running: {node} …",)]


def _choices(question: Question) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            index=position,
            value=option.value,
            label=visible_line(option.label),
            description=None if option.description is None else visible_line(option.description),
            style=_style(option.style, option.value),
        )
        for position, option in enumerate(question.choices)
    )


def _style(given: str | None, value: str) -> str | None:
    return given if given in ("primary", "danger") else _KNOWN_STYLES.get(value.casefold())


def _value(answer: str | None) -> Json:
    return None if answer is None else json.loads(answer)
