"""A release gate: asked in a Slack channel and a Telegram group at once, answered in one of them, shown in both.

`sayso serve` hosts it with a sayso.toml such as::

    [[workflows]]
    workflow = "examples.release:workflow"
    starters = ["slack:T0001:U0001"]        # who may start it from a chat

    [destinations."slack:#releases"]
    id = "C0123456"
    audience = "members"

    [destinations."telegram:-1001234567890"]
    audience = "members"

Start it with `/sayso start release {"version": "4.2.0"}` in Slack, `/run release {"version": "4.2.0"}` in Telegram, or
`sayso start release '{"version": "4.2.0"}'` on the machine.
"""

from __future__ import annotations

from typing import Any

from sayso.engine import Decision, Node, Workflow, request_approval, step

PLACES = ["slack:#releases", "telegram:-1001234567890", "operator"]
"""Where the question appears. `operator` lets whoever is at the machine answer too."""


def changes_since_last_release(version: str) -> dict[str, Any]:
    """What goes out. THE PLACE FOR your version control and your migrations."""
    return {"Version": version, "Change": "14 commits, 2 migrations", "Tests": "green, 812 passed"}


def roll_out(version: str) -> str:
    """Release it. THE PLACE FOR your deployment; it runs as a step, so that a restart does not release twice."""
    return f"{version} is live"


class Collect(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        shared.setdefault("version", "4.2.0")
        shared["changes"] = await step("collect", changes_since_last_release, shared["version"])


class Approve(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
        decision = await request_approval(
            f"Release {shared['version']} to production?",
            details=shared["changes"],
            request_id="publish",
            to=PLACES,
        )
        shared["decision"] = decision.as_dict()


class Publish(Node):
    async def prepare(self, shared: dict[str, Any], request_input: Any) -> None:
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
