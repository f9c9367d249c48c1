"""The workflow of `sayso demo --chat`: a release that two people approve, a form, and a last question.

The demo copies this file beside its settings as `release.py`, where `sayso serve` finds it: it imports nothing of the
demo.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from sayso.engine import Decision, Diff, Link, Workflow, node, request_approval, request_input, step

CHANNEL, COMMONS, CHAT = "slack:#releases", "slack:#general", "telegram:release-team"
TEAM_CHATS = (CHANNEL, CHAT)
EVERYBODY = (CHANNEL, CHAT, COMMONS)
"""Where the release is asked. Who of the people there may approve it, the policy `release` says."""

APPROVAL, PLAN, FINISH = "approve-release", "plan-rollout", "finish-rollout"
"""What the three questions are called in a run."""

VERSION = "4.2.0"
MIGRATION = """\
--- a/shop/orders.py
+++ b/shop/orders.py
@@ -13,3 +13,4 @@ class Order:
     placed_at: datetime
-    total: float
+    total: Decimal
+    currency: str = "EUR"
     customer: str
"""
"""What two people read before they approve it."""


class Rollout(msgspec.Struct):
    """How the release goes out."""

    percent: Annotated[
        int,
        msgspec.Meta(
            ge=1,
            le=50,
            title="First group",
            description=f"Percent of customers who get {VERSION} first, 1 to 50.",
        ),
    ]
    starts: Annotated[str, msgspec.Meta(title="Start date", extra_json_schema={"format": "date"})]
    announce: Annotated[Literal["everyone", "admins only", "nobody"], msgspec.Meta(title="Who is notified")]


def deploy(percent: int) -> str:
    """Stands for a deployment; as a step it runs once, whatever is killed."""
    return f"{VERSION} runs for {percent} % of customers"


def question() -> tuple[str, dict[str, Any]]:
    """What people approve, and what is deployed: `verify` compares them."""
    details = {
        "Change": "14 commits, 2 migrations",
        "Risk": "high: every order is migrated",
        "Review": Link("All changes since 4.1.3", "https://github.example.org/shop/compare/v4.1.3...v4.2.0"),
        "Migration": Diff(MIGRATION),
    }
    return f"Release {VERSION} to production?", details


@node
async def approve(shared: dict[str, Any]) -> None:
    """Two of the team, and never the one who asks: that is the policy's."""
    action, details = question()
    decision = await request_approval(action, details, request_id=APPROVAL, to=EVERYBODY, policy="release")
    shared["decision"] = decision.as_dict()


@node
async def plan(shared: dict[str, Any]) -> None:
    """A form: a number, a date, a choice."""
    shared["rollout"] = await request_input(
        f"How should {VERSION} roll out?", input_type="form", schema=Rollout, request_id=PLAN, to=TEAM_CHATS
    )


@node
async def deploy_first(shared: dict[str, Any]) -> None:
    """Deploy what was approved, and nothing else, once."""
    Decision.from_dict(shared["decision"]).verify(*question())
    shared["first"] = await step("deploy", deploy, shared["rollout"]["percent"], once=True)


@node
async def finish(shared: dict[str, Any]) -> None:
    """The question at which the demo is killed."""
    shared["finish"] = await request_input(
        f"{shared['first']}. Roll out to everyone?",
        [
            {"value": "everyone", "label": "Roll out to everyone", "style": "primary"},
            {"value": "back", "label": "Roll back", "style": "danger"},
        ],
        "select",
        FINISH,
        details={"Errors": "0.02 %, as before", "Orders migrated": "1,204 of 1,204"},
        to=TEAM_CHATS,
    )


@node
async def publish(shared: dict[str, Any]) -> None:
    """Everyone, or nobody any more."""
    percent = 100 if shared["finish"] == "everyone" else 0
    shared["result"] = await step("publish", deploy, percent, once=True)


approve - "shared['decision']['approved']" > plan
plan > deploy_first
deploy_first > finish
finish > publish

workflow = Workflow("release", start=approve)
