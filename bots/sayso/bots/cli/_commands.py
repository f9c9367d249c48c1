"""The commands by name. `sayso --help` reads only this; the module of a command is imported when it is called."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup


@dataclass(frozen=True, slots=True)
class Listed:
    """A command: the module beside this one and the name in it, and what the list says of it, its first paragraph."""

    module: str
    name: str
    says: str


COMMANDS = {
    "demo": Listed(
        "_run",
        "demo",
        "Try sayso: an article is drafted, you review it, nothing is published without your say-so.",
    ),
    "run": Listed("_run", "run", "Start a workflow, or go on with RUN, and answer its questions here."),
    "serve": Listed(
        "_serve",
        "serve",
        "Host the workflows of sayso.toml, with their cards in Slack and Telegram, until Ctrl-C or SIGTERM.",
    ),
    "start": Listed(
        "_serve", "start", "Start a run in the running service. `sayso run` starts one without a service."
    ),
    "doctor": Listed(
        "_doctor",
        "doctor",
        "Check tokens, rights and membership on every platform, the workflows, and destinations that were given up.",
    ),
    "runs": Listed("_runs", "runs", "List runs, the newest first. Works while another process drives them."),
    "requests": Listed(
        "_requests",
        "requests",
        "List the open requests, the oldest first. Works while another process drives their runs.",
    ),
    "answer": Listed(
        "_requests",
        "answer",
        "Answer a request, as the person who is logged in here. Nothing but the outcome that is printed happened.",
    ),
    "reassign": Listed(
        "_people", "reassign", "Have PERSON asked in your place. A vote of yours counts no more."
    ),
    "withdraw": Listed(
        "_people",
        "withdraw",
        "Withdraw a request that you asked for: nobody can answer it any more, and its run is told.",
    ),
    "cancel": Listed(
        "_runs", "cancel", "Cancel a run together with its open requests. A cancelled run never goes on."
    ),
    "retry": Listed(
        "_runs",
        "retry",
        "Let a failed run try its failed node again. What was answered and recorded there stands.",
    ),
    "attention": Listed("_runs", "attention", "Show what an operator must decide about a run, or decide it."),
    "check-parked": Listed(
        "_upkeep",
        "check_parked_runs",
        "Before a deploy: say what the code here would mean for the runs that are parked now. Stores nothing.",
    ),
    "sign-in": Listed(
        "_access",
        "sign_in",
        "Print a link that signs NAME in to the inbox of the running service, once, within ten minutes.",
    ),
    "token": Listed(
        "_access",
        "token",
        "Make a token with which a program calls the API as token:NAME. It is shown once and stored as a hash.",
    ),
    "access": Listed("_access", "access", "List who is let in to the inbox and the API."),
    "shut-out": Listed(
        "_access",
        "shut_out",
        "Remove every token, session and link of PERSON, who is let in no more from now on.",
    ),
    "people": Listed(
        "_people",
        "people",
        "List the people and groups of sayso.toml, and the accounts that people linked themselves.",
    ),
    "prune": Listed(
        "_upkeep",
        "prune",
        "Delete runs that ended long ago, with all that belongs to them. Runs that have not ended are never touched.",
    ),
    "backup": Listed(
        "_upkeep",
        "backup",
        "Copy the database, as it is at one instant, into a new file. Works while another process writes it.",
    ),
    "restore": Listed(
        "_upkeep",
        "restore",
        "Put a backup in the place of the database, once it is checked. Refused while anything has the database open.",
    ),
    "manifest": Listed("_manifest", "app", "What a platform needs to know of the app."),
    "policy": Listed("_policy", "app", "The policies of sayso.toml."),
    "audit": Listed("_audit", "audit", "Check, export and redact the audit trail."),
}


class Commands(TyperGroup):
    """Lists the commands as they are named here, and goes on with the one that is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As Typer does: the name, the command, and what is left of the arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else load(name), rest


def load(name: str) -> Any:
    """A command with its options, or a group of them. Typer's classes for them are private."""
    listed = COMMANDS[name]
    found = getattr(import_module(f"sayso.bots.cli.{listed.module}"), listed.name)
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return typer.main.get_command(alone)


def list_on(app: typer.Typer) -> None:
    """Have an app of the class `Commands` list them."""
    for name, listed in COMMANDS.items():
        app.command(name, help=listed.says)(_listed)


def _listed() -> None:
    """Stands for each command in the list, and is never called."""
