"""What surrounds what people do in the payloads that Slack makes of it, and what acknowledgements do to modals."""

from __future__ import annotations

from typing import Any

from sayso.testing.slack._schema import check_view
from sayso.testing.slack._state import APP, ENTERPRISE_NAME, Account, ViewState
from sayso.testing.slack._world import World


def handle_of(account: Account) -> str:
    """The name that somebody has in Slack's addresses."""
    return account.name.lower().replace(" ", ".")


def who_and_where(world: World, account: Account, kind: str) -> dict[str, Any]:
    """What stands in every payload of a kind, whatever somebody does."""
    user = {
        "id": account.id,
        "username": handle_of(account),
        "name": handle_of(account),
        "team_id": account.team,
    }
    return {
        "type": kind,
        "user": user,
        "api_app_id": APP,
        "token": "local",
        **_where(world, kind),
        "is_enterprise_install": world.state.is_org_wide,
        "trigger_id": world.new_trigger(account.id),
    }


def _where(world: World, kind: str) -> dict[str, Any]:
    """The workspace and the enterprise as Slack names them: otherwise in each kind of payload, and without a
    workspace in an org-wide install.
    """
    within = world.state.enterprise_in(world.team)
    if within is None:
        return {"team": {"id": world.team, "domain": "local"}, "enterprise": None}
    enterprise = {"id": within, "name": ENTERPRISE_NAME}
    if world.state.is_org_wide:
        return {"team": None, "enterprise": enterprise}
    around = {"enterprise_id": within, "enterprise_name": ENTERPRISE_NAME}
    team = {"id": world.team, "domain": "local", **around}
    return {"team": team, "enterprise": None if kind == "view_submission" else enterprise}


def take_view_answer(world: World, person: str, view: ViewState, answer: dict[str, Any]) -> None:
    """Do to a modal what the acknowledgement of its submission says."""
    stack = world.state.modals[person]
    match answer.get("response_action"):
        case None:
            stack.remove(view)
        case "clear":
            stack.clear()
        case "errors":
            known = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
            if not answer["errors"] or set(answer["errors"]) - known:
                world.problem(f"errors for inputs that are not there: {answer['errors']}")
            view.errors = answer["errors"]
        case "update" | "push" as action:
            for problem in check_view(answer.get("view")):
                world.problem(f"{action}: {problem}")
                return
            if action == "update":
                world.show_view(view, answer["view"])
            else:
                world.push_view(person, answer["view"])
        case other:
            world.problem(f"response_action {other!r}")
