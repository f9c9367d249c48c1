"""What node code calls: `request_input`, `step`, `step_key`. A context variable finds the visit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from msgspec.structs import replace

from sayso.engine._audience import parse_audience
from sayso.engine._policy import Policy, is_approval
from sayso.engine._questions import InvalidAnswer, Question, build_question
from sayso.engine._records import RequestRecord, RequestStatus
from sayso.engine._values import Json, check, decode, encode
from sayso.engine.errors import InvalidRequest, NoCurrentVisit, RequestExpired, RequestWithdrawn
from sayso.engine.run._host import Terms
from sayso.engine.run._visit import STEP_KEY, current_visit
from sayso.engine.store import Resolution


class NoDefault:
    """The type of `NO_DEFAULT`. None is a valid default, so it cannot mean that there is no default."""

    def __repr__(self) -> str:
        return "NO_DEFAULT"


NO_DEFAULT: Final = NoDefault()

_LONGEST_EXPIRY = timedelta(days=36525)  # beyond it, an instant would leave the calendar


async def request_input(  # noqa: PLR0913 - the programming model's one question
    prompt: str | None = None,
    options: Sequence[str | Mapping[str, str]] | None = None,
    input_type: str = "text",
    request_id: str | None = None,
    *,
    to: str | Sequence[str] | None = None,
    policy: Policy | str | None = None,
    expires_after: timedelta | None = None,
    default: Json | NoDefault = NO_DEFAULT,
    details: Any = None,
    schema: Any = None,
    note: str | None = None,
    requested_by: str | None = None,
) -> Any:
    """Ask people a question, wait, and return the answer; after a restart, the recorded one.

    `input_type` is `text`, `select`, `multiselect`, `confirm`, `number`, `date` (as ISO text) or `form` (with
    `schema`). `request_id` names the question within the visit; it is required in parallel tasks, and defaults to the
    node's id with a count. `to` names the destinations or people to ask. The stages of a `policy`, or of the one with
    that name, decide who may answer and how many must; it goes with a choice of `approve` and `reject`, or a
    confirmation. `note` is shown but is not part of the question. After `expires_after` the answer is `default`, or
    `RequestExpired` is raised; `RequestWithdrawn` is raised if the requester withdrew the question.

    Raises `InvalidRequest` by the parameter's name, `UnknownPolicy`, `AmbiguousRequest`, `UnstorableValue`;
    then nothing was asked. If the node's own code cancels the wait, the request is withdrawn; if an answer was
    committed first, it is returned and the cancellation is swallowed.
    """
    visit = current_visit("request_input")
    question = build_question(prompt, options, input_type, schema, details)
    terms = replace(
        build_terms(
            to=to,
            policy=policy,
            request_id=request_id,
            expires_after=expires_after,
            note=note,
            requested_by=requested_by,
        ),
        default=default_of(question, default, expires_after),
    )
    if policy is not None and not isinstance(default, NoDefault) and is_approval(default):
        raise InvalidRequest(
            "default", f"{default!r} would approve without anybody; a policy takes none that does"
        )
    end = visit.ask(question, request_id, terms)
    del question, terms  # this frame lasts for as long as people take
    return read_answer(*await end)


def read_answer(record: RequestRecord, resolution: Resolution) -> Json:
    """The value that a request came to; raises `RequestExpired` when nobody answered and there is no default, and
    `RequestWithdrawn`.
    """
    if resolution.status is RequestStatus.WITHDRAWN:
        raise RequestWithdrawn(record.name, resolution.by or "its requester")
    if resolution.status is RequestStatus.EXPIRED and resolution.answer is None:
        raise RequestExpired(record.name, record.deadline.isoformat() if record.deadline else "its deadline")
    assert resolution.answer is not None
    return decode(resolution.answer)


async def step(name: str, function: Callable[..., Any], *arguments: Any, once: bool = False) -> Any:
    """Run `function(*arguments)`, sync or async, and record its result under `name`; on replay the record is returned.

    A step that was cut off between its effect and its record may run again, with the same `step_key()`. With `once`
    its start is committed first, and one found started but unfinished stops the run for an operator instead.
    Arguments and result must be stored values; bind anything else in a lambda. What the function raises is raised
    here and not recorded.

    Raises `AmbiguousRequest` for a name used twice by parallel tasks, `UnstorableValue`, `NoCurrentVisit`.
    """
    visit = current_visit("step")
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequest(
            "name", f"{name!r} is not a text; a step is called as step(name, function, *arguments)"
        )
    check(name, "name")
    return await visit.step(name, function, arguments, once=once)


def step_key() -> str:
    """An idempotency key for calls to other systems: 32 hex digits, the same whenever this step of this visit runs.

    Raises `NoCurrentVisit` outside a step.
    """
    key = STEP_KEY.get(None)
    if key is None:
        raise NoCurrentVisit("step_key")
    return key


def build_terms(
    *,
    request_id: str | None,
    to: str | Sequence[str] | None,
    policy: Policy | str | None,
    expires_after: timedelta | None,
    note: str | None,
    requested_by: str | None,
) -> Terms:
    """How a question is asked; raises `InvalidRequest` by the parameter's name."""
    if policy is not None and not isinstance(policy, Policy | str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequest("policy", f"{policy!r} is not a Policy")
    for parameter, text in (("request_id", request_id), ("note", note), ("requested_by", requested_by)):
        if text is not None and not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequest(parameter, f"{text!r} is not a text")
        check(text, parameter)
    if expires_after is not None and (
        not isinstance(expires_after, timedelta)  # pyright: ignore[reportUnnecessaryIsInstance]
        or not timedelta(0) < expires_after <= _LONGEST_EXPIRY
    ):
        raise InvalidRequest(
            "expires_after",
            f"{expires_after!r} must be a timedelta above zero and of at most a hundred years",
        )
    audience = None if to is None else parse_audience(to)
    if isinstance(policy, Policy) and not policy.stages:
        raise InvalidRequest("policy", "it has no stages; to ask without stages, pass to= instead")
    return Terms(audience, requested_by, note, expires_after, None, policy)


def default_of(
    question: Question,
    default: Json | NoDefault,
    expires_after: timedelta | None,
    parameter: str = "default",
) -> str | None:
    """The answer when nobody gave one, as JSON. Raises `InvalidRequest` by the parameter's name for one that does not
    fit, or without a deadline.
    """
    if isinstance(default, NoDefault):
        return None
    text = encode(default, parameter)
    try:
        question.check_answer(default)
    except InvalidAnswer as error:
        raise InvalidRequest(parameter, str(error)) from error
    if expires_after is None:
        raise InvalidRequest(parameter, "goes with expires_after; without a deadline it would never be used")
    return text
