"""A request as the parts of a card, the same for every surface."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from sayso.adapters.cards._awaited import (
    LONGEST_NAME,
    LONGEST_NEEDED,
    awaited,
    listed,
    progress,
    stage_name,
    stages,
    within,
)
from sayso.adapters.cards._grants import Longer, covers, granted, longer, used_words
from sayso.adapters.cards._text import cut
from sayso.adapters.cards._words import (
    Mentions,
    Since,
    Words,
    nobody,
    past_tense,
    vote_words,
)
from sayso.adapters.console import (
    answer_words,
    content_text,
    person_name,
    set_off,
    stands_out,
    visible,
    visible_line,
)
from sayso.engine import (
    CardRecord,
    CastVote,
    Content,
    Json,
    Option,
    Progress,
    Question,
    Reasons,
    RequestStatus,
    WorkflowStatus,
    batch_number,
    is_approval,
    is_person,
)

_MOST_VOTES = 8
_LONGEST_COMMENT = 100
_LONGEST_PART = 200
"""What an open card shows of votes and names, so that its question keeps its room however many there are."""

_KNOWN_STYLES = {"approve": "primary"}
_OF_APPROVALS = Option("reject", "Reject", style="danger")
"""The no of every `request_approval`, which no author styled."""

_SIGNS = {"approve": "✅ ", "reject": "❌ "}
_DANGER = "⚠ "


class CardState(StrEnum):
    """The states of a card. Only `OPEN` has buttons."""

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
    """A detail: a name and its text, which may have several lines. `content` is something richer that a surface may
    draw instead, such as a table; the text says the same. A `marked` detail, such as the risk, is prominent.
    """

    name: str
    text: str
    content: Content | None = None
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """An option. `index` is its position, which buttons carry; `style` is `primary`, `danger` or None: a yes is
    `primary`, and `danger` is only what its author styled so. `sign` goes before the label: a check mark or a cross for
    yes and no only, a warning for another dangerous choice and for a dangerous yes, otherwise empty.
    """

    index: int
    value: Json
    label: str
    description: str | None
    style: str | None
    sign: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One request as people see it, in the order in which surfaces show it: `notices`, `status` and `prompt` as the
    title, `details`, `said`, then `context` on one small line with " · " between its parts, and the `choices` last.

    `status` is empty while it is open; `said` has a line for each thing that happened: how many have voted, or who
    decided and the result. The last part of `context` names workflow and request, and leads to `link`, the request
    in the web inbox. `choices` are empty unless it is open. `chosen` is the vote of its only reader, None if there is
    no vote or more than one reader. `voters` are all who may vote on it, if they are named people. `approve_reasons`
    and `reject_reasons` say which reasons to ask for with a yes and with a no, None if none. `rendering` is the number
    that its buttons carry, None if presses are not compared. A new card that `rings` notifies with a sound.
    `longer` are the ways to approve beyond this one request, while it is open; `covers` says what they cover.
    `granted` are those lines of `said` that are about a longer approval.
    `number` is the request's in its batch, None if it was asked alone.
    """

    id: str
    revision: int
    state: CardState
    status: str
    link: str | None
    prompt: str
    details: tuple[Field, ...]
    context: tuple[Words, ...]
    said: tuple[Words, ...]
    notices: tuple[Words, ...]
    question: Question
    choices: tuple[Choice, ...]
    chosen: Json = None
    voters: tuple[str, ...] = ()
    approve_reasons: Reasons | None = None
    reject_reasons: Reasons | None = None
    rendering: int | None = None
    rings: bool = True
    longer: tuple[Longer, ...] = ()
    covers: Words | None = None
    granted: tuple[Words, ...] = ()
    number: int | None = None

    @property
    def open(self) -> bool:
        """Whether it can be answered."""
        return self.state is CardState.OPEN

    def reasons_for(self, value: Json) -> Reasons | None:
        """The reasons to ask for with this answer; None if there are none."""
        return self.approve_reasons if is_approval(value) else self.reject_reasons


def build_card(
    record: CardRecord,
    places: Mapping[str, str],
    notices: Sequence[Words | str] = (),
    *,
    inbox: str | None = None,
    reader: str | None = None,
    rendering: int | None = None,
    mentions: Mentions = nobody,
    rings: bool = True,
) -> Card:
    """The card of a request in its present state. `places` are the names of destinations, `notices` lines for one of
    them.

    `inbox` is the address of the web inbox, if people can reach it; `reader` the account of its only reader;
    `rendering` the number that its buttons carry; `mentions` says whom the names of those who are needed mention.
    """
    request = record.request
    question = request.question
    state = _state(record)
    return Card(
        id=request.id,
        revision=request.revision,
        state=state,
        status=_status(record, state),
        link=None if inbox is None else f"{inbox.rstrip('/')}/requests/{request.id}",
        prompt=visible(question.prompt or "Input needed."),
        details=(*_details(question), *_note(request.note)),
        context=tuple(_context(record, places, mentions)),
        said=tuple(_said(record, state, places, mentions)),
        notices=(*_changed(record, state), *((one,) if isinstance(one, str) else one for one in notices)),
        question=question,
        choices=_choices(question) if state is CardState.OPEN else (),
        chosen=_chosen(record, reader),
        voters=_voters(record),
        approve_reasons=request.reasons_for(value=True),
        reject_reasons=request.reasons_for(value=False),
        rendering=rendering,
        rings=rings,
        longer=longer(record),
        covers=covers(record),
        granted=tuple(granted(record)),
        number=batch_number(record),
    )


def _chosen(record: CardRecord, reader: str | None) -> Json:
    mine = [vote for vote in record.votes if reader in (vote.person, vote.account, *vote.accounts)]
    return mine[0].value if reader is not None and mine and record.request.open else None


def _voters(record: CardRecord) -> tuple[str, ...]:
    """All who may vote by the policy; none where some of them are not named."""
    voters = [entry for one in stages(record) for entry in (*one.stage.approvers, *one.stage.veto)]
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
    CardState.FAILED: ", then failed",
    CardState.HELD: ", but paused",
    CardState.STOPPED: ", then cancelled",
}


def _status(record: CardRecord, state: CardState) -> str:
    request = record.request
    if state is CardState.OPEN:
        return ""
    if request.status is not RequestStatus.ANSWERED:
        return state.value.capitalize()
    value = _value(request.answer)
    past = past_tense(request.question, value)
    sign = _SIGNS["approve" if is_approval(value) else "reject"] if past else ""
    return f"{sign}{past or 'Answered'}{_SUFFIXES.get(state, '')}"


def _changed(record: CardRecord, state: CardState) -> tuple[Words, ...]:
    if state is not CardState.OPEN or record.revised_at is None:
        return ()
    return (("Changed ", record.revised_at, " · the text below is new; earlier votes were cleared"),)


def _details(question: Question) -> list[Field]:
    details, contents = question.details, question.contents
    if details is None:
        return []
    if not isinstance(details, dict):
        return [Field("Details", _plain(details))]
    return [
        Field(visible_line(name), content_text(contents[name]), contents[name])
        if name in contents
        else Field(visible_line(name), _plain(value), marked=stands_out(name))
        for name, value in details.items()
    ]


def _note(note: str | None) -> list[Field]:
    return [] if note is None else [Field("Note", visible(note))]


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


def _context(record: CardRecord, places: Mapping[str, str], mentions: Mentions) -> list[Words]:
    """Who asked and when, who is waited for, until when, and where it comes from."""
    request = record.request
    who = (
        "Requested "
        if request.requested_by is None
        else f"{_person(record, request.requested_by)} requested "
    )
    parts: list[Words] = [(who, Since.at(request.asked_at))]
    if request.open:
        parts += [] if record.votes and request.policy else [awaited(record, places, mentions)]
        parts += [] if request.deadline is None else [("due ", request.deadline)]
        if request.policy is not None and request.policy.break_glass:
            alone = listed(
                [[cut(_person(record, one), LONGEST_NAME)] for one in request.policy.break_glass], "or"
            )
            parts.append((f"in an emergency, {''.join(alone)} can approve alone with a reason",))
        if request.policy is not None and request.policy.unchecked is not None:
            rule = request.policy.unchecked
            why = visible_line(f"rule {rule.number} could not be checked: {rule.why}")
            parts.append((cut(why, _LONGEST_PART),))
    return [*parts, (cut(visible_line(f"{record.workflow}/{request.name}"), _LONGEST_PART),)]


def _person(record: CardRecord, person: str) -> str:
    return cut(person_name(person, record.names), _LONGEST_PART)


def _so_far(record: CardRecord, places: Mapping[str, str], mentions: Mentions) -> list[Words]:
    """How many have approved, who voted when, and who is still waited for."""
    policy = record.request.policy
    if policy is None or not record.votes:
        return []
    words: list[str | datetime] = [" · ".join(_count(one) for one in stages(record))]
    for vote in record.votes[-_MOST_VOTES:]:
        words += [f" · {_person(record, vote.person)} ", *_vote(record, vote, "approve")]
    if len(record.votes) > _MOST_VOTES:
        words.append(f" · {_others(len(record.votes) - _MOST_VOTES)} before")
    missing = progress(record, places, mentions)
    return [(*words, *(within([" · waiting for ", *missing], LONGEST_NEEDED) if missing else ()))]


def _count(progress: Progress) -> str:
    """How many have approved of how many, in a stage: `1 of 2 approved`."""
    return f"{stage_name(progress.stage)}{len(progress.approved)} of {progress.stage.needed} approved"


def _vote(record: CardRecord, vote: CastVote, expected: Json) -> Words:
    """When somebody voted, what if it is not what was to be expected, and their comment."""
    question = record.request.question
    alone = ", in an emergency" if vote.break_glass else ""
    is_other = not is_approval(vote.value) if is_approval(expected) else vote.value != expected
    other = f" ({vote_words(question, vote.value)})" if is_other else ""
    comment = set_off(visible(vote.comment)) if vote.comment else ""
    if record.request.open:
        comment = cut(comment, _LONGEST_COMMENT)
    return (vote.at, f"{alone}{other}" + (f" “{comment}”" if comment else ""))


def _voter(record: CardRecord, vote: CastVote) -> str:
    if vote.grant is not None:
        return used_words(record, vote)
    if vote.rule is None:
        return _person(record, vote.person)
    author = cut(visible_line(vote.rule.written_by), _LONGEST_PART)
    return f"by {_person(record, vote.person)}, written by {author},"


def _others(count: int) -> str:
    return f"{count} other{'' if count == 1 else 's'}"


def _said(record: CardRecord, state: CardState, places: Mapping[str, str], mentions: Mentions) -> list[Words]:
    match state:
        case CardState.OPEN:
            return _so_far(record, places, mentions)
        case CardState.EXPIRED:
            return [_expired(record), *_after(record)]
        case CardState.WITHDRAWN | CardState.CANCELLED:
            return [_taken_back(record, state)]
        case _:
            return [_answered(record), *granted(record), *_after(record)]


def _answered(record: CardRecord) -> Words:
    """Who decided and when, each with their comment; and the answer, where the title does not say it."""
    request = record.request
    value = _value(request.answer)
    words: list[str | datetime] = []
    for position, vote in enumerate(record.votes[:_MOST_VOTES]):
        words += [", " if position else "", f"{_voter(record, vote)} ", *_vote(record, vote, value)]
    others = len(record.votes) - _MOST_VOTES
    if others > 0:
        words.append(f" and {_others(others)}")
    if past_tense(request.question, value) is None:
        words.append(f": {answer_words(request.question, value)}")
    return tuple(word for word in words if word)


def _expired(record: CardRecord) -> Words:
    request = record.request
    why = "not enough people approved" if record.votes else "nobody responded"
    closed = ("Expired ", request.deadline or request.resolved_at or request.asked_at)
    if request.answer is None:
        return (*closed, f" · {why}")
    value = _value(request.answer)
    past = past_tense(request.question, value)
    result = (
        f"automatically {past.lower()}"
        if past
        else f"answered automatically: {answer_words(request.question, value)}"
    )
    return (*closed, f" · {result}, {why}")


def _taken_back(record: CardRecord, state: CardState) -> Words:
    word = "Withdrawn" if state is CardState.WITHDRAWN else "Cancelled with its workflow"
    request = record.request
    by = "" if request.resolved_by is None else f" by {_person(record, request.resolved_by)}"
    at = request.resolved_at
    return (f"{word}{by}",) if at is None else (f"{word}{by} ", at)


def _after(record: CardRecord) -> list[Words]:
    """How the workflow continues, in a line."""
    node = visible_line(record.run_node or "the workflow")
    ended = record.run_ended_at
    run = f"Run {visible_line(record.request.run_id[:8])}"
    if not record.follows:
        return [(f"{run} has made many more requests since; its latest cards show how it ended.",)]
    if record.held or record.run_status is WorkflowStatus.NEEDS_ATTENTION:
        return [(f"Paused at {node}: an operator has to look at it. {run}.",)]
    match record.run_status:
        case WorkflowStatus.COMPLETED if ended is not None:
            return [(f"{node} finished ", ended)]
        case WorkflowStatus.FAILED if ended is not None:
            return [(f"{node} failed ", ended, f". An operator can retry it. {run}.")]
        case WorkflowStatus.CANCELLED if ended is not None:
            return [("Workflow cancelled ", ended, f". {run}.")]
        case WorkflowStatus.WAITING_FOR_INPUT:
            return [(f"Next: {node}, waiting for another answer",)]
        case _:
            return [(f"Next: {node} …",)]


def _choices(question: Question) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            index=position,
            value=option.value,
            label=visible_line(option.label),
            description=None if option.description is None else visible_line(option.description),
            style=_style(option),
            sign=_sign(option),
        )
        for position, option in enumerate(question.choices)
    )


def _style(option: Option) -> str | None:
    if option.style in ("primary", "danger") and option != _OF_APPROVALS:
        return option.style
    return _KNOWN_STYLES.get(option.value.casefold())


def _sign(option: Option) -> str:
    """Colour is never the only sign of danger, and no check mark stands on a red button."""
    is_dangerous = option.style == "danger" and option.value.casefold() != "reject"
    return _DANGER if is_dangerous else _SIGNS.get(option.value.casefold(), "")


def _value(answer: str | None) -> Json:
    return None if answer is None else json.loads(answer)
