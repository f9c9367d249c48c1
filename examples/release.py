"""A release gate under a policy that the team names in its settings: asked in a Slack channel and a Telegram group at
once, decided by however many the policy wants, shown in both.

`sayso serve` hosts it with a sayso.toml such as::

    [[workflows]]
    workflow = "examples.release:workflow"
    starters = ["slack:T0001:U0001"]        # who may start it from a chat

    [destinations."slack:#releases"]
    id = "C0123456"
    audience = "members"

    [destinations."telegram:-1001234567890"]
    audience = "members"

    [policies.release]
    exclude_requester = true
    expires_after = "4h"
    on_expiry = "reject"
    remind_every = "30m"
    stages = [{ approvers = ["slack:#releases", "telegram:-1001234567890", "operator"], need = 2 }]

`sayso policy check release` says in plain words who decides. Whoever changes the policy changes no code, and a question
that is open keeps the one it was asked with. Start it with `/sayso start release {"version": "4.2.0"}` in Slack,
`/run release {"version": "4.2.0"}` in Telegram, or `sayso start release '{"version": "4.2.0"}'` on the machine.
"""

from __future__ import annotations

from typing import Any

from sayso.engine import Decision, Node, Workflow, request_approval, step

PLACES = ["slack:#releases", "telegram:-1001234567890", "operator"]
"""Where the question appears; who of them decides, the policy says."""


def changes_since_last_release(version: str) -> dict[str, Any]:
    """What goes out. THE PLACE FOR your version control and your migrations."""
    return {"Version": version, "Change": "14 commits, 2 migrations", "Tests": "green, 812 passed"}


def roll_out(version: str) -> str:
    """Release it. THE PLACE FOR your deployment; it runs as a step, so that a restart does not release twice."""
    return f"{version} is live"


def question(shared: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What people are asked, and what is released: `verify` compares them."""
    return f"Release {shared['version']} to production?", shared["changes"]


class Collect(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared.setdefault("version", "4.2.0")
        shared["changes"] = await step("collect", changes_since_last_release, shared["version"])


class Approve(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        action, details = question(shared)
        decision = await request_approval(action, details, request_id="publish", to=PLACES, policy="release")
        shared["decision"] = decision.as_dict()


class Publish(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        Decision.from_dict(shared["decision"]).verify(*question(shared))
        shared["result"] = await step("roll-out", roll_out, shared["version"], once=True)


class Stay(Node):
    def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared["result"] = f"{shared['version']} stays where it is"


def is_approved(shared: dict[str, Any]) -> bool:
    return Decision.from_dict(shared["decision"]).approved


collect, approve, publish, stay = Collect("collect"), Approve("approve"), Publish("publish"), Stay("stay")
collect > approve
approve - is_approved > publish
approve > stay

workflow = Workflow("release", start=collect)
