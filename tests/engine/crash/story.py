"""The workflow that is killed everywhere: it has one of everything whose recovery differs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from typing import Any

from sayso.engine import Node, Workflow, node, request_approval, request_input, step
from tests.engine.crash.points import KillPoints

EXPIRY = timedelta(hours=1)

ANSWERS: dict[str, Any] = {
    "first": "one",
    "second": 2,
    "left": "l",
    "right": "r",
    "ship": "approve",
    "quick": "q",
    "poke": "p",
}
"""What people answer by the question's name; a review is sent back once."""


def answer_to(name: str, shared: dict[str, Any]) -> Any:
    """What people answer to a question."""
    if name == "review":
        return "again" if shared["drafts"] < 2 else "good"
    return ANSWERS[name]


class Poke:
    """Something outside that a node waits for with a raw await, and the node's word that it has been served."""

    def __init__(self) -> None:
        self.given = asyncio.Event()
        self.served = asyncio.Event()


def build(points: KillPoints, poke: Poke) -> list[Node]:
    """The nodes in their order, with their effects at the kill points."""
    nodes = [*asking_nodes(points), *failing_nodes(points), *waiting_nodes(points, poke)]
    by_id = {item.id: item for item in nodes}
    order = [
        "intake",
        "fork",
        "draft",
        "review",
        "approve",
        "flaky",
        "pay",
        "fragile",
        "race",
        "poked",
        "late",
    ]
    for source, target in pairwise(by_id[node_id] for node_id in order):
        if source.id == "review":
            source - "shared['review'] == 'again'" > by_id["draft"]
        source > target
    return [by_id[node_id] for node_id in order]


def asking_nodes(points: KillPoints) -> list[Node]:
    """Questions one after the other, side by side and in a loop, between steps of both kinds."""

    def do(name: str, result: Any = None) -> Any:
        points.effect(name)
        return result

    @node
    async def intake(shared: dict[str, Any]) -> None:
        do("plain intake")
        shared["number"] = await step("number", do, "step number", 7)
        shared["charged"] = await step("charge", do, "once charge", "receipt", once=True)
        shared["first"] = await request_input("First?", request_id="first")
        shared["second"] = await request_input("Second?", input_type="number", request_id="second")

    @node
    async def fork(shared: dict[str, Any]) -> None:
        shared["both"] = await asyncio.gather(
            request_input("Left?", request_id="left"), request_input("Right?", request_id="right")
        )

    @node
    async def draft(shared: dict[str, Any]) -> None:
        shared["drafts"] = shared.get("drafts", 0) + 1
        do(f"plain draft {shared['drafts']}")

    @node
    async def review(shared: dict[str, Any]) -> None:
        shared["review"] = await request_input("Good?", ["again", "good"], "select", "review")

    @node
    async def approve(shared: dict[str, Any]) -> None:
        decision = await request_approval("Ship it?", {"drafts": shared["drafts"]}, request_id="ship")
        shared["approved"] = decision.approved

    return [intake, fork, draft, review, approve]


def failing_nodes(points: KillPoints) -> list[Node]:
    """A node that is retried by itself, one whose step changed between two attempts, one that an operator retries."""

    def fail_once(name: str) -> None:
        if not has_failed(name):
            points.effect(f"fails {name}")
            raise RuntimeError(f"the first time, {name} fails")

    def has_failed(name: str) -> bool:
        return any(line["name"] == f"fails {name}" for line in points.log.lines("effect"))

    class Flaky(Node):
        def execute(self, prepared: Any) -> str:
            fail_once("flaky")
            points.effect("plain flaky")
            return "done"

        def cleanup(self, shared: dict[str, Any], prepared: Any, result: Any) -> None:
            shared["flaky"] = result

    def pay_amount(amount: int) -> str:
        points.effect("step pay")
        return "paid"

    @node(max_retries=2)
    async def pay(shared: dict[str, Any]) -> None:
        shared["paid"] = await step("pay", pay_amount, 2 if has_failed("pay") else 1)
        fail_once("pay")

    @node
    def fragile(shared: dict[str, Any]) -> None:
        fail_once("fragile")
        shared["fragile"] = True

    return [Flaky("flaky", max_retries=3), pay, fragile]


def waiting_nodes(points: KillPoints, poke: Poke) -> list[Node]:
    """A race that one question loses, a parked visit that stirs by itself, and a question that nobody answers."""

    @node
    async def race(shared: dict[str, Any]) -> None:
        quick = asyncio.create_task(request_input("Quick?", request_id="quick"))
        slow = asyncio.create_task(request_input("Slow?", request_id="slow"))
        await asyncio.wait([quick, slow], return_when=asyncio.FIRST_COMPLETED)
        slow.cancel()
        with suppress(asyncio.CancelledError):
            await slow
        shared["race"] = quick.result()

    async def serve_poke() -> None:
        await poke.given.wait()
        await step("stir", points.effect, "step stir")
        poke.served.set()

    @node
    async def poked(shared: dict[str, Any]) -> None:
        shared["poked"], _ = await asyncio.gather(request_input("Poked?", request_id="poke"), serve_poke())

    @node
    async def late(shared: dict[str, Any]) -> None:
        shared["late"] = await request_input(
            "Anybody?", request_id="late", expires_after=EXPIRY, default="nobody"
        )
        await step("publish", points.effect, "step publish")

    return [race, poked, late]


def workflow(points: KillPoints, poke: Poke) -> Workflow:
    """The story as a workflow."""
    nodes = build(points, poke)
    return Workflow("story", nodes[0], nodes)
