"""What a program's token may ask with and start: how a question fits that, or why it is refused.

The token was bound by an operator, so that an agent cannot choose a weaker policy, or its own friend as approver.
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from sayso.bots.http._bodies import NewRequest
from sayso.bots.http._callers import Caller
from sayso.bots.http._problems import Problem
from sayso.engine import Bounds, canonical


def fitted(caller: Caller, body: NewRequest) -> NewRequest:
    """The question with the only policy or the people that the token allows, where it names none. Raises `Problem` for
    one that the token does not allow.
    """
    bounds = caller.bounds
    if bounds is None or not (bounds.policies or bounds.to):
        return body
    given: dict[str, object] = {}
    if body.policy is None and len(bounds.policies) == 1:
        given["policy"] = bounds.policies[0]
    elif body.policy not in (bounds.policies or (None,)):
        raise _refused(caller, bounds, _wish("policy", body.policy))
    if not body.to and not bounds.policies:
        given["to"] = list(bounds.to)
    elif others := sorted({canonical(one) for one in body.to} - set(bounds.to)):
        raise _refused(caller, bounds, f"may not ask {', '.join(others)}")
    return body.model_copy(update=given)


def check_start(caller: Caller, workflow: str) -> None:
    """Raises `Problem` for a workflow that the token may not start."""
    if caller.bounds is not None and not is_within(caller, workflow):
        raise _refused(caller, caller.bounds, f"may not start {workflow!r}")


def is_within(caller: Caller, workflow: str) -> bool:
    """Whether the token, if there is one, does not keep its program from starting a workflow."""
    bounds = caller.bounds
    return bounds is None or not bounds.workflows or workflow in bounds.workflows


def _wish(what: str, name: str | None) -> str:
    return f"must name a {what}" if name is None else f"may not ask with the {what} {name!r}"


def _refused(caller: Caller, bounds: Bounds, what: str) -> Problem:
    return Problem(
        HTTPStatus.FORBIDDEN,
        "OutOfBounds",
        f"{caller.person} {what}. Its token allows {bounds}, and nothing else.",
        more={"bounds": msgspec.to_builtins(bounds)},
    )
