"""Several people asked at once: every question of parallel tasks has a name of its own.

    sayso run examples.parallel_reviews:workflow

Answers may come in any order, days apart, before or after a restart: each reaches exactly its own question.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sayso.engine import Node, Workflow, request_input

REVIEWERS = ("legal", "security", "design")


async def ask(reviewer: str, text: str) -> bool:
    return bool(
        await request_input(
            prompt=f"{reviewer.capitalize()}: may this go out?",
            input_type="confirm",
            request_id=f"review-{reviewer}",
            details={"Text": text},
        )
    )


class Reviews(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared.setdefault("text", "We have moved to the third floor.")
        verdicts = await asyncio.gather(*(ask(reviewer, shared["text"]) for reviewer in REVIEWERS))
        shared["objections"] = [name for name, agreed in zip(REVIEWERS, verdicts, strict=True) if not agreed]


class Send(Node):
    def cleanup(self, shared: dict[str, Any], prepared: Any, result: Any) -> None:
        shared["sent"] = True


reviews, send = Reviews(), Send()
reviews - "not shared['objections']" > send

workflow = Workflow("parallel-reviews", start=reviews, nodes=[reviews, send])
