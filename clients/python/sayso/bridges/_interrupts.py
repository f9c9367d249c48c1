"""Interrupts of LangGraph as questions: what people see, and which value their decision resumes a node with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from langgraph.types import Interrupt

from sayso.bridges._calls import question_for, refusal
from sayso.client import Decision, Question

ASKED_BY = "LangGraph"


class Ask(msgspec.Struct, frozen=True):
    """One question of an interrupt, and the value that its decision becomes; None where it becomes none."""

    question: Question
    value: Callable[[Decision], Any]


def asks_of(
    interrupt: Interrupt[Any], tools: Mapping[str, Question], ask: Callable[[Interrupt[Any]], Question]
) -> tuple[Ask, ...]:
    """The questions of an interrupt: one for each call that LangChain's middleware holds, else what `ask` says."""
    match interrupt.value:
        case {"type": "tool_approval", "name": str(name), "args": dict(arguments)}:
            return (_ask_for_call(name, arguments, _allowed(interrupt.response_schema), tools),)
        case {"action_requests": list(actions), "review_configs": list(reviews)}:
            return tuple(
                _ask_for_call(action["name"], action["args"], review["allowed_decisions"], tools)
                for action, review in zip(actions, reviews, strict=True)
            )
        case _:
            question = ask(interrupt)
            return (Ask(question, _is_approved if question.kind == "approval" else _entered),)


def resume_value(interrupt: Interrupt[Any], values: Sequence[Any]) -> Any:
    """What the interrupt is resumed with, from the values of its questions."""
    match interrupt.value:
        case {"action_requests": list(), "review_configs": list()}:
            return {"decisions": list(values)}
        case _:
            return values[0]


def question_of(interrupt: Interrupt[Any]) -> Question:
    """What is asked for an interrupt of a node of one's own, where the `Resumer` was not told otherwise.

    Its `response_schema` says what people enter, and without one they approve or reject: the node hears True or False.
    """
    value, schema = interrupt.value, interrupt.response_schema
    plain = Question(
        prompt=value if isinstance(value, str) else "Continue?",
        details=None if isinstance(value, str) else _details(value),
        requested_by=ASKED_BY,
    )
    match schema:
        case {"enum": list(options)} if options and all(isinstance(one, str) for one in options):
            return msgspec.structs.replace(plain, kind="input", input_type="select", options=options)
        case {"type": "string"}:
            return msgspec.structs.replace(plain, kind="input", input_type="text")
        case {"type": "object"}:
            return msgspec.structs.replace(plain, kind="input", input_type="form", schema=schema)
        case _:
            return plain


def _details(value: Any) -> dict[str, Any] | None:
    plain = msgspec.to_builtins(value, enc_hook=str, str_keys=True)
    return plain if isinstance(plain, dict) else {"value": plain}


def _is_approved(decision: Decision) -> bool:
    return decision.approved


def _entered(decision: Decision) -> Any:
    return decision.value


def _ask_for_call(
    name: str, arguments: Mapping[str, Any], allowed: Sequence[str], tools: Mapping[str, Question]
) -> Ask:
    template = tools.get(name) or Question(prompt=f"Run {name}?")
    question = question_for(template, arguments, ASKED_BY)
    if "approve" in allowed:
        return Ask(question, _as_verdict(rejects="reject" in allowed))
    # Tools that ask a person something: what is entered is the tool's result.
    return Ask(msgspec.structs.replace(question, kind="input", input_type="text"), _as_response)


def _as_verdict(*, rejects: bool) -> Callable[[Decision], Any]:
    def verdict(decision: Decision) -> Any:
        if decision.approved:
            return {"type": "approve"}
        return {"type": "reject", "message": refusal(decision)} if rejects else None

    return verdict


def _as_response(decision: Decision) -> Any:
    return {"type": "respond", "message": decision.value} if isinstance(decision.value, str) else None


def _allowed(schema: Any) -> list[str]:
    """The decisions that the schema of one call's answer takes."""
    match schema:
        case {"discriminator": {"mapping": dict(branches)}}:
            return list(branches)
        case {"properties": {"type": {"const": str(only)}}}:
            return [only]
        case _:
            return []
