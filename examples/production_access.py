"""Access to production for a while: two people on call approve, never the one who asks, within half an hour; when the
time is over, or somebody ends it, the access is taken away.

`sayso serve` hosts it with a sayso.toml such as::

    [[workflows]]
    workflow = "examples.production_access:workflow"
    starters = ["slack:T0001:U0001", "telegram:1001"]

    [people.ana]
    accounts = ["slack:T0001:U0001", "telegram:1001", "web:ana"]
    time_zone = "Europe/Berlin"

    [groups.on-call]
    members = ["ana"]
    slack = "S0123456"                 # the user group @on-call: whoever is in it when they press
    to = ["slack:#operations"]

    [destinations."slack:#operations"]
    id = "C0123456"
    audience = "members"

Start it with `/sayso start production-access {"system": "orders-db", "why": "stuck orders", "minutes": 60}`. End the
access by its question, which the requester may also withdraw: cancelling the run instead ends the workflow at once
and revokes nothing.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from sayso.engine import (
    Decision,
    Policy,
    RequestWithdrawn,
    Stage,
    Workflow,
    node,
    request_approval,
    request_input,
    step,
)

ON_CALL = "group:on-call"

POLICY = Policy(
    stages=[Stage([ON_CALL], need=2)],
    exclude_requester=True,
    comment=["reject"],
    expires_after=timedelta(minutes=30),
    on_expiry="reject",
    remind_every=timedelta(minutes=10),
    break_glass=["person:ana"],
)
"""Two of those on call. In an emergency Ana goes ahead alone, says why, and everybody who was skipped is notified."""


def question(shared: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What people are asked, and what is granted: the same words and details, so that `verify` can compare them."""
    minutes = shared["minutes"]
    details = {"System": shared["system"], "Why": shared["why"], "Minutes": minutes}
    return f"Access to {shared['system']} for {minutes} minutes?", details


def grant_access(system: str) -> str:
    """Grant the access. THE PLACE FOR your access system; it runs as a step, so that a restart does not grant twice."""
    return f"access to {system} granted"


def revoke_access(system: str) -> str:
    """Take it away. Revoking what is revoked already must do no harm, for a step that was cut off runs again."""
    return f"access to {system} revoked"


@node
async def ask(shared: dict[str, Any]) -> None:
    """Ask those on call."""
    action, details = question(shared)
    decision = await request_approval(action, details, request_id="access", policy=POLICY)
    shared["decision"] = decision.as_dict()


@node
async def grant(shared: dict[str, Any]) -> None:
    """Grant what was approved, and nothing else, once."""
    Decision.from_dict(shared["decision"]).verify(*question(shared))
    shared["granted"] = await step("grant", grant_access, shared["system"], once=True)


@node
async def hold(shared: dict[str, Any]) -> None:
    """Wait until the time is over, which a question's deadline does over any restart, or until somebody ends it."""
    with suppress(RequestWithdrawn):  # the requester no longer needs the access
        await request_input(
            f"Access to {shared['system']} is open. End it now?",
            [{"value": "end", "label": "End it", "style": "danger"}],
            "select",
            "end",
            to=[ON_CALL],
            expires_after=timedelta(minutes=shared["minutes"]),
            default="end",
        )


@node
async def revoke(shared: dict[str, Any]) -> None:
    """Take the access away."""
    shared["revoked"] = await step("revoke", revoke_access, shared["system"])


ask - "shared['decision']['approved']" > grant
grant > hold
hold > revoke

workflow = Workflow("production-access", start=ask)
