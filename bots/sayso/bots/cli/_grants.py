"""`sayso grants`: what people granted beyond one approval, each use of it, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from sayso.adapters.cards import grant_scope
from sayso.adapters.console import SHORTEST, instant_words, visible_line
from sayso.bots.cli._acting import carry_out, read
from sayso.bots.cli._options import DatabaseOption, JsonFlag
from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import NotFound, UsageProblem
from sayso.bots.client import Service
from sayso.bots.exit_codes import ExitCode
from sayso.engine import GrantRecord, Outcome, OutcomeKind, Reader, Store, UsedGrant, local_person

app = typer.Typer(help="List, show and revoke grants: approvals that hold for a while.", no_args_is_help=True)

GrantArgument = Annotated[
    str,
    typer.Argument(
        metavar="GRANT", help="The grant's ID; its first six characters are enough.", show_default=False
    ),
]
_MOST = 1000
_CONSOLE = "console"


@app.command("list")
def list_grants(
    *,
    all: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,  # noqa: A002 - the option
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """List what people granted, newest first."""
    output, now = Output(as_json=as_json), datetime.now(UTC)
    at = None if all else now
    found = read(Service.build(database), lambda reader: reader.grants(standing_at=at, limit=_MOST))
    if found:
        output.show(_table(found, now))
        output.say("To revoke one: sayso grants revoke GRANT", "dim")
    else:
        output.say("No grants." if all else "No active grants.")
    output.value({"grants": [_as_dict(one, now) for one in found]})
    return ExitCode.OK


@app.command()
def show(grant: GrantArgument, *, database: DatabaseOption = None, as_json: JsonFlag = False) -> ExitCode:
    """Show what a grant covers, and each request that it approved."""
    output, now = Output(as_json=as_json), datetime.now(UTC)

    async def find(reader: Reader) -> tuple[GrantRecord, str, list[UsedGrant]]:
        one = await _find(reader, grant)
        card = await reader.card(one.request_id)
        covers = "" if card is None else grant_scope(card.request, of_session=one.offer == "session")
        return one, covers, await reader.grant_uses(one.id)

    one, covers, uses = read(Service.build(database), find)
    output.show(_table([one], now))
    output.say(f"Covers {covers}" if covers else "What it covers is no longer stored.")
    output.say(
        f"Granted on request {one.request_id}, under policy {visible_line(one.policy)} ({one.version})."
    )
    for use in uses:
        output.say(f"Use {use.use}: request {use.request_id}, {instant_words(use.at, now)}")
    shown = [{"use": use.use, "request": use.request_id, "at": use.at.isoformat()} for use in uses]
    output.value({**_as_dict(one, now), "covers": covers, "latest_uses": shown})
    return ExitCode.OK


@app.command()
def revoke(grant: GrantArgument, *, database: DatabaseOption = None, as_json: JsonFlag = False) -> ExitCode:
    """End a grant. The next request is put to people; what was approved stays approved."""
    output = Output(as_json=as_json)
    service = Service.build(database)
    one = read(service, lambda reader: _find(reader, grant))

    async def act(store: Store) -> Outcome:
        return await store.revoke_grant(one.id, local_person(), _CONSOLE, as_operator=True)

    outcome, _ = carry_out(service, lambda client: client.revoke_grant(one.id), act)
    output.say(outcome.reason)
    output.value({"id": one.id, "outcome": outcome.kind, "reason": outcome.reason})
    return ExitCode.OK if outcome.kind is OutcomeKind.DONE else ExitCode.FAILED


async def _find(reader: Reader, given: str) -> GrantRecord:
    """The grant whose id this is, or the only one that begins so. Raises `NotFound`, `UsageProblem`."""
    if len(given) < SHORTEST:
        raise UsageProblem(f"invalid grant ID: {given!r}. Give at least its first six characters.")
    found = await reader.grants(beginning=given, limit=2)
    if len(found) > 1:
        raise UsageProblem(f"{given} matches several grants. Give more of the ID.")
    if not found:
        raise NotFound(f"no grant matches {given}. `sayso grants list --all` lists them.")
    return found[0]


def _as_dict(grant: GrantRecord, now: datetime) -> dict[str, object]:
    return {**msgspec.to_builtins(grant), "status": grant.status(now)}


def _table(found: Sequence[GrantRecord], now: datetime) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("Grant", "Question", "Asked by", "Granted by", "For", "Used", "Ends", "Status"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(
            Text(one.id[:SHORTEST]),
            Text(visible_line(one.prompt or "")),
            Text(visible_line(one.asked_by)),
            Text(visible_line(one.granted_by)),
            Text(one.offer),
            Text(str(one.used) if one.uses is None else f"{one.used} of {one.uses}"),
            Text(instant_words(one.expires_at, now)),
            Text(one.status(now).replace("_", " ")),
        )
    return table
