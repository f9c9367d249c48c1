"""What the bridges share: a tool call as a question, the key that it is asked under, and what its answer allows.

The answer never travels through a framework. What a framework hands back only wakes the call, which then asks the
service for the decision and uses the approval right before it runs. So a call that is resumed twice runs once, a call
that is resumed with anything runs only if people said yes, and a changed call is another question.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sayso.client import AlreadyUsed, AsyncClient, Code, Decision, Question, Request

LONGEST_KEY = 200
"""What the service takes as an `Idempotency-Key`."""

_LARGEST_BATCH = 24
"""Questions that the service takes in one batch."""

USED = (
    "This call was approved and started before, and was cut off: it may have run. It was not run again. "
    "Find out what it did before you call it again."
)
"""What a model is told in place of a result where the approval is used up."""


def approvals(tools: Mapping[str, Question]) -> dict[str, Question]:
    """The question of each tool. Raises `ValueError` for one that asks for a value: a call needs a yes."""
    for name, question in tools.items():
        if question.kind != "approval":
            raise ValueError(f"the question for {name} must be an approval, not an input")
    return dict(tools)


def question_for(template: Question, arguments: Mapping[str, Any], asked_by: str) -> Question:
    """The approval that a call with these arguments needs: the template with each argument as a detail."""
    shown = {name: _as_detail(value) for name, value in arguments.items()}
    return msgspec.structs.replace(
        template,
        details={**(template.details or {}), **shown} or None,
        requested_by=template.requested_by or asked_by,
    )


def _as_detail(value: Any) -> Any:
    """Text of several lines keeps them; whatever JSON lacks is shown as text."""
    if isinstance(value, str) and "\n" in value:
        return Code(value)
    return msgspec.to_builtins(value, enc_hook=str, str_keys=True)


def key_for(place: str, question: Question) -> str:
    """The key of a question at a place: the same again finds the same request, and another question never does."""
    said = msgspec.json.encode(question.as_body(), order="sorted")
    key = f"{place}:{hashlib.sha256(said).hexdigest()[:32]}"
    if len(key) <= LONGEST_KEY and key.isascii() and key.isprintable():
        return key
    return hashlib.sha256(key.encode()).hexdigest()


async def ask_together(client: AsyncClient, asked: Sequence[tuple[Question, str]]) -> list[Request]:
    """Ask about the calls of one turn, each question under its key: several share a card in chats."""
    if len(asked) == 1:
        ((question, key),) = asked
        return [await client.ask(question, key=key)]
    found: list[Request] = []
    for at in range(0, len(asked), _LARGEST_BATCH):
        part = asked[at : at + _LARGEST_BATCH]
        found += await client.ask_batch([one for one, _ in part], keys=[key for _, key in part])
    return found


async def use(client: AsyncClient, request: Request, place: str) -> str | None:
    """Use the approval of a closed request. None: the call may run now, once. Else what the model is told instead.

    Raises what `consume` raises where nobody was heard; then the call must not run.
    """
    decision = request.decision
    if decision is None or not decision.approved:
        return refusal(decision)
    try:
        await client.consume(request.id, key=place[:LONGEST_KEY])
    except AlreadyUsed:
        return USED
    return None


def refusal(decision: Decision | None) -> str:
    """Why a call did not run, told to a model."""
    if decision is None:
        return "Nobody has decided yet. It was not run."
    who = f" by {', '.join(decision.by)}" if decision.by else ""
    why = f": {decision.comment}" if decision.comment else ""
    match decision.outcome:
        case "rejected":
            return f"Rejected{who}{why}. It was not run."
        case "expired":
            return "Nobody approved this in time. It was not run."
        case _:
            return "The request for approval was withdrawn. It was not run."
