"""`sayso doctor`: what must be fixed before questions reach people, and how."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from sayso.adapters.console import instant_words, visible, visible_line
from sayso.bots.chats import Finding, check_platforms
from sayso.bots.cli._loading import load_workflow
from sayso.bots.cli._options import DatabaseOption, JsonFlag
from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import UsageProblem
from sayso.bots.cli._upkeep import read_age
from sayso.bots.client import Service
from sayso.bots.exit_codes import ExitCode
from sayso.config import FILE_NAME, Settings, needs_extra, secrets_of
from sayso.engine import SaysoError, StoreError, examine_server

_MOST_AHEAD = timedelta(seconds=5)
"""How far the clock of a database server may be from ours."""


def doctor(
    *,
    press: Annotated[
        str | None,
        typer.Option(
            metavar="DESTINATION",
            help="Post two test cards there and wait for you to press them. Stop the service first.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to wait for each answer, such as 90s or 5m.")
    ] = "2m",
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Check workflows, tokens, permissions and memberships, and list unreachable destinations.

    Changes nothing and is safe while the service is running. Exits with 1 if something must be fixed.
    """
    output = Output(as_json=as_json)
    service = Service.build(database)
    if press is None:
        findings = [*check_all(service, output), *_notes(service.settings)]
    else:
        findings = check_presses_at(service, press, wait, output)
    output.show(findings_table(findings))
    output.value({"findings": [finding_as_dict(one) for one in findings]})
    return ExitCode.OK if all(one.is_good for one in findings) else ExitCode.FAILED


def check_all(service: Service, output: Output) -> list[Finding]:
    """What is found of workflows, platforms and destinations; changes nothing."""
    server = _check_server(service)
    is_usable = all(one.is_good for one in server)
    return [
        *_check_workflows(service, output), *server, *asyncio.run(_check(service, reads=is_usable))
    ]  # fmt: skip


def check_presses_at(service: Service, place: str, wait: str, output: Output) -> list[Finding]:
    """What came of test cards at a place. Raises `UsageProblem` while the service is running."""
    patience = _ready_for_presses(service, place, wait)
    with needs_extra("trying presses", "web"):
        from sayso.bots.service import check_presses
    return asyncio.run(check_presses(service.settings, place, patience, output.say))


def try_first_card_at(service: Service, place: str, wait: str, output: Output) -> Finding:
    """What came of a first card at a place. Raises as `check_presses_at` does."""
    patience = _ready_for_presses(service, place, wait)
    with needs_extra("trying presses", "web"):
        from sayso.bots.service import try_first_card
    return asyncio.run(try_first_card(service.settings, place, patience, output.say))


def _ready_for_presses(service: Service, place: str, wait: str) -> timedelta:
    patience = read_age(wait)
    service.settings.destination(place)
    if service.client() is not None:
        raise UsageProblem("The service is running and would receive the presses. Stop it first.")
    with needs_extra("trying presses", "web"):
        from sayso.bots.service import set_up_logging
    # The terminal is for the person who presses, so the log is for what goes wrong.
    quiet = service.settings.log.model_copy(update={"level": "warning"})
    set_up_logging(quiet, secrets_of(service.settings))
    return patience


def _notes(settings: Settings) -> list[Finding]:
    """What a service may lack on purpose; where it lacks everything, how to begin."""
    if settings.workflows:
        return []
    if not settings.platforms and not Path(FILE_NAME).exists():
        return [
            Finding.bad(FILE_NAME, "not in this directory", "Run `sayso init`, or change to its directory.")
        ]
    words = "none in sayso.toml; programs can ask (sayso ask, agents, the API)"
    return [Finding.note("workflows", words)]


def _check_workflows(service: Service, output: Output) -> list[Finding]:
    findings: list[Finding] = []
    for given in service.settings.workflows:
        try:
            with output.foreign_code():
                workflow = load_workflow(given.workflow, Path.cwd())
        except SaysoError as error:
            findings.append(Finding.bad(given.workflow, str(error), "Fix `workflow` in sayso.toml."))
            continue
        starters = len(given.starters)
        words = f"{workflow.name}; {_starters_words(starters)}"
        findings.append(Finding.good(given.workflow, words))
    return findings


def _check_server(service: Service) -> list[Finding]:
    """What is to be said of the server of a PostgreSQL database; nothing of a file."""
    try:
        server = examine_server(service.location)
    except StoreError as error:
        return [Finding.bad("database", str(error), "Fix `database` in sayso.toml, or start the server.")]
    if server is None:
        return []
    findings = [Finding.good(server.name, f"PostgreSQL {server.version}")]
    if not server.has_tables and not server.may_create:
        findings.append(
            Finding.bad(
                server.name,
                "this user may not create tables",
                "Run: GRANT CREATE ON SCHEMA public TO <user>, or give it a schema of its own.",
            )
        )
    if abs(server.ahead) > _MOST_AHEAD:
        side = "ahead of" if server.ahead > timedelta() else "behind"
        words = f"its clock is {abs(server.ahead).total_seconds():.0f} s {side} this machine's"
        findings.append(
            Finding.bad(server.name, words, "Set both clocks by NTP: deadlines follow this machine's.")
        )
    if server.standbys and not any(server.standbys.values()):
        findings.append(
            Finding.note(
                server.name,
                "no standby is synchronous: a failover may lose answers that were acknowledged just before it. Set "
                "synchronous_standby_names to rule that out",
            )
        )
    return findings


async def _check(service: Service, *, reads: bool) -> list[Finding]:
    findings = await check_platforms(service.settings)
    if not reads or not service.is_there():
        return findings
    async with service.reader() as reader:
        now = datetime.now(UTC)
        dead = [
            Finding.bad(
                place.destination,
                f"unreachable since {instant_words(place.since, now)}, {place.cards} cards waiting: {place.reason}",
                "Fix the cause. `sayso serve` retries when it restarts, or when the bot is added again.",
            )
            for place in await reader.dead_places()
        ]
    return [*findings, *dead]


def _starters_words(count: int) -> str:
    if not count:
        return "nobody can start it from a chat or the inbox"
    return f"{count} {'person' if count == 1 else 'people'} can start it from a chat or the inbox"


def findings_table(findings: Sequence[Finding]) -> Table:
    """Findings, for people."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "Check", "Result", "What to do"):
        table.add_column(name, overflow="fold")
    for one in findings:
        ok = Text("note", style="yellow") if one.is_note else Text("ok", style="green")
        sign = ok if one.is_good else Text("fix", style="red")
        table.add_row(
            sign, Text(visible_line(one.subject)), Text(visible(one.what)), Text(visible(one.remedy))
        )
    return table


def finding_as_dict(finding: Finding) -> dict[str, Any]:
    """A finding, for machines."""
    return {
        "subject": finding.subject,
        "what": finding.what,
        "remedy": finding.remedy,
        "good": finding.is_good,
    }
