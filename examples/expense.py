"""An expense that more people must approve the larger it is, and never the one who asks for it.

`sayso serve` hosts it with a sayso.toml such as::

    [[workflows]]
    workflow = "examples.expense:workflow"
    starters = ["slack:T0001:U0001"]

    [destinations."slack:#finance"]
    id = "C0123456"
    audience = "members"

Start it with `/sayso start expense {"what": "Laptop for Cho", "amount": 1800}` in Slack.
"""

from __future__ import annotations

from typing import Any

from sayso.engine import Decision, Policy, Stage, Workflow, node, request_approval, step

PEOPLE = ["slack:#finance", "operator"]
BOARD = ["telegram:-1001234567890", "operator"]

POLICY = Policy(
    stages=[
        Stage(PEOPLE, name="finance"),
        Stage(PEOPLE, need=2, when="amount > 1_000", name="finance, above 1,000"),
        Stage(BOARD, when="amount > 10_000", name="board, above 10,000"),
    ],
    exclude_requester=True,
)


def bill(shared: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What people are asked, and what is paid: the same words and details, so that `verify` can compare them."""
    return f"Pay for {shared['what']}?", {"what": shared["what"], "amount": shared["amount"]}


def transfer(what: str, amount: int) -> str:
    """The payment itself, which a real workflow would hand to a bank."""
    return f"{amount} paid for {what}"


@node
async def approve(shared: dict[str, Any]) -> None:
    """Ask those whom the amount calls for."""
    action, details = bill(shared)
    decision = await request_approval(action, details, request_id="expense", policy=POLICY)
    shared["decision"] = decision.as_dict()


@node
async def pay(shared: dict[str, Any]) -> None:
    """Pay what was approved, and nothing else, once."""
    Decision.from_dict(shared["decision"]).verify(*bill(shared))
    shared["receipt"] = await step("transfer", transfer, shared["what"], shared["amount"], once=True)


approve - "shared['decision']['approved']" > pay

workflow = Workflow("expense", start=approve)
