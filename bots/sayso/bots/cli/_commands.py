"""The commands by name. `sayso --help` reads only this; the module of a command is imported when it is called."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from inspect import cleandoc
from typing import Any

import typer
from typer.core import TyperGroup


@dataclass(frozen=True, slots=True)
class Listed:
    """A command: its group in the list, the module beside this one and the name in it, and its first paragraph."""

    group: str
    module: str
    name: str
    says: str


COMMANDS = {
    "demo": Listed(
        "Try", "_run", "demo", "Try sayso with an example: review a draft article, then approve or reject it."
    ),
    "init": Listed(
        "Try",
        "_init",
        "init",
        "Set up sayso in this directory: settings, a first workflow, your chats, and a test card.",
    ),
    "dev": Listed(
        "Try",
        "_dev",
        "dev",
        "Try out a workflow in the browser, reloaded whenever you save its code.",
    ),
    "run": Listed(
        "Run", "_run", "run", "Run a workflow in this terminal, or resume RUN, and answer its requests here."
    ),
    "serve": Listed(
        "Run",
        "_serve",
        "serve",
        "Run the service: workflows, chats, web inbox and API, as set up in sayso.toml.",
    ),
    "start": Listed(
        "Run",
        "_serve",
        "start",
        "Start a workflow in the running service. Without a service, use `sayso run`.",
    ),
    "runs": Listed("Run", "_runs", "runs", "List runs, newest first."),
    "ask": Listed(
        "Ask",
        "_ask",
        "ask",
        "Ask people a question from a script. Exits with 0 for a yes, 1 for a no, 6 if it is still open.",
    ),
    "mcp": Listed(
        "Ask",
        "_mcp",
        "mcp",
        "Give an agent tools to ask people, over MCP on standard input and output.",
    ),
    "hook": Listed("Ask", "_hook", "app", "Ask people before a coding agent uses a tool."),
    "resume": Listed(
        "Ask",
        "_resume",
        "app",
        "Resume a session of a coding agent once people have answered what it waits for.",
    ),
    "requests": Listed("Answer", "_requests", "requests", "List open requests, oldest first."),
    "answer": Listed(
        "Answer",
        "_requests",
        "answer",
        "Answer a request as the user logged in on this machine, and print the outcome.",
    ),
    "reassign": Listed(
        "Answer",
        "_people",
        "reassign",
        "Hand a request over to PERSON. If you have already voted, your vote is removed.",
    ),
    "withdraw": Listed(
        "Answer",
        "_people",
        "withdraw",
        "Withdraw a request that you asked for. It can no longer be answered, and its workflow is told.",
    ),
    "grants": Listed(
        "Answer", "_grants", "app", "List, show and revoke grants: approvals that hold for a while."
    ),
    "doctor": Listed(
        "Operate",
        "_doctor",
        "doctor",
        "Check workflows, tokens, permissions and memberships, and list unreachable destinations.",
    ),
    "attention": Listed(
        "Operate",
        "_runs",
        "attention",
        "Show why a run is paused for an operator, or decide how it continues.",
    ),
    "retry": Listed(
        "Operate",
        "_runs",
        "retry",
        "Retry the failed node of a run. Its recorded answers and step results are kept.",
    ),
    "cancel": Listed(
        "Operate", "_runs", "cancel", "Cancel a run and its open requests. This cannot be undone."
    ),
    "check-parked": Listed(
        "Operate",
        "_upkeep",
        "check_parked_runs",
        "Before a deploy, check whether parked runs can continue with the code here. Changes nothing.",
    ),
    "backup": Listed(
        "Operate",
        "_upkeep",
        "backup",
        "Back up the database to a new file. Safe while the service is running.",
    ),
    "restore": Listed(
        "Operate",
        "_upkeep",
        "restore",
        "Check a backup and replace the database with it. Refused while the database is in use.",
    ),
    "migrate-store": Listed(
        "Operate",
        "_upkeep",
        "migrate_store",
        "Move the database file to PostgreSQL. Refused while the database is in use.",
    ),
    "prune": Listed(
        "Operate",
        "_upkeep",
        "prune",
        "Delete old runs and everything that belongs to them. Runs that are still open are never deleted.",
    ),
    "manifest": Listed("Operate", "_manifest", "app", "Print the app manifest for a chat platform."),
    "access": Listed("Access", "_access", "access", "List who has access to the inbox and the API."),
    "sign-in": Listed(
        "Access",
        "_access",
        "sign_in",
        "Print a link that signs NAME in to the inbox of the running service. It works once, within ten minutes.",
    ),
    "token": Listed(
        "Access",
        "_access",
        "token",
        "Create an API token for a program, which acts as token:NAME. The token is shown only once.",
    ),
    "revoke": Listed(
        "Access",
        "_access",
        "revoke",
        "Revoke all access of PERSON at once: tokens, sessions and sign-in links.",
    ),
    "people": Listed(
        "Access",
        "_people",
        "people",
        "List the people and groups in sayso.toml, and the accounts that people have linked.",
    ),
    "policy": Listed("Access", "_policy", "app", "Explain and test the policies in sayso.toml."),
    "audit": Listed("Evidence", "_audit", "audit", "Verify, export and redact the audit trail."),
}

RENAMED = {"shut-out": "revoke"}
"""Former names, which work for one more release and are not listed."""


class Commands(TyperGroup):
    """Lists the commands as they are named here, and runs the one that is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As Typer does: the name, the command, and what is left of the arguments."""
        if args and (renamed := RENAMED.get(args[0])) is not None:
            sys.stderr.write(f"`sayso {args[0]}` is now `sayso {renamed}`. The old name will be removed.\n")
            args = [renamed, *args[1:]]
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else load(name), rest


def load(name: str) -> Any:
    """A command with its options, or a group of them. Typer's classes for them are private."""
    listed = COMMANDS[name]
    found = getattr(import_module(f"sayso.bots.cli.{listed.module}"), listed.name)
    if isinstance(found, typer.Typer):
        return _flowing(typer.main.get_group(found))
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return _flowing(typer.main.get_command(alone))


def _flowing(command: Any) -> Any:
    """A command whose help fills the lines of the terminal, where Typer keeps the line breaks of the docstring."""
    paragraphs = cleandoc(command.help or "").split("\n\n")
    command.help = "\n\n".join(paragraph.replace("\n", " ") for paragraph in paragraphs)
    for one in getattr(command, "commands", {}).values():
        _flowing(one)
    return command


def list_on(app: typer.Typer) -> None:
    """Have an app of the class `Commands` list them."""
    for name, listed in COMMANDS.items():
        app.command(name, help=listed.says, rich_help_panel=listed.group)(_listed)


def _listed() -> None:
    """Stands for each command in the list, and is never called."""
