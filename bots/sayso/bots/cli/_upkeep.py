"""`sayso check-parked`, `prune`, `backup`, `restore`: before a deploy, and keeping the database in order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from sayso.adapters.console import findings_table, visible_line
from sayso.bots.cli._acting import read, write
from sayso.bots.cli._conversation import CONSOLE
from sayso.bots.cli._loading import load_workflow
from sayso.bots.cli._options import DatabaseOption, JsonFlag, WorkflowArgument
from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import UsageProblem
from sayso.bots.client import Service
from sayso.bots.exit_codes import ExitCode
from sayso.engine import Finding, Severity, check_parked, local_person, restore_backup

_AGE = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def check_parked_runs(
    workflow: WorkflowArgument,
    *,
    replay: Annotated[
        bool, typer.Option("--replay", help="Also run each parked node, on a copy, up to its open question.")
    ] = False,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Before a deploy: say what the code here would mean for the runs that are parked now. Stores nothing.

    Compares names, edges and code. With --replay nodes do run: whatever stands before their first question or
    unrecorded step happens again.
    """
    output = Output(as_json=as_json)
    service = Service.build(database)
    if replay:
        output.warn(
            "--replay runs the nodes: raw code before an await, such as sending or writing something, DOES happen. "
            "Nothing is stored, and steps and questions that are not recorded are not run."
        )
    with output.foreign_code():
        loaded = load_workflow(workflow, Path.cwd())
        policies = service.settings.named_policies()
        findings = read(
            service, lambda reader: check_parked(reader, loaded, replay=replay, policies=policies)
        )
    if findings:
        output.show(findings_table(findings))
    _sum_up(findings, output, replayed=replay)
    output.value({"workflow": loaded.name, "replay": replay, "findings": msgspec.to_builtins(findings)})
    is_broken = any(one.severity is Severity.BROKEN for one in findings)
    return ExitCode.WAITING if is_broken else ExitCode.OK


def _sum_up(findings: Sequence[Finding], output: Output, *, replayed: bool) -> None:
    """How many runs each finding is of, and what was not looked at."""
    count = Counter(one.severity for one in findings)
    broken, changed, same = count[Severity.BROKEN], count[Severity.CHANGED], count[Severity.SAME]
    colour = "red" if broken else "green" if replayed and not changed else "yellow"
    parked = f"{len(findings)} parked"
    if replayed or not findings:
        output.say(f"{parked}: {broken} would need attention, {changed} changed, {same} the same.", colour)
        return
    output.say(f"{parked}: {broken} lost their node, {changed} changed, {same} look the same.", colour)
    output.say(
        "What their nodes ask was not looked at: words that come from other functions or from settings may have "
        "changed, and answers would then need attention. --replay looks at that.",
        "yellow",
    )


def prune(
    older_than: Annotated[
        str,
        typer.Option(
            metavar="AGE", help="How long ago a run must have ended: 90m, 12h, 30d, 8w.", show_default=False
        ),
    ],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many there are.")] = False,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Delete runs that ended long ago, with all that belongs to them. Runs that have not ended are never touched.

    The audit trail stays; `sayso audit redact RUN` empties a run's rows.
    """
    output = Output(as_json=as_json)
    service = Service.build(database)
    before = datetime.now(UTC) - read_age(older_than)
    if dry_run:
        runs = read(service, lambda reader: reader.ended_before(before))
    else:
        runs = write(service, lambda store: store.prune(before, local_person(), CONSOLE))
    counted, was = ("1 run", "was") if runs == 1 else (f"{runs} runs", "were")
    output.say(f"{counted} {'would be' if dry_run else was} deleted.")
    output.value({"runs": runs, "dry_run": dry_run, "ended_before": before.isoformat()})
    return ExitCode.OK


def read_age(text: str) -> timedelta:
    """A duration as people type it. Raises `UsageProblem`."""
    match = _AGE.fullmatch(text.strip())
    if match is None:
        raise UsageProblem(f"{text!r} is no age; write a number and s, m, h, d or w, for example 30d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def backup(
    target: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The new file; an existing one is refused.", show_default=False),
    ],
    *,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Copy the database, as it is at one instant, into a new file. Works while another process writes it."""
    output = Output(as_json=as_json)
    read(Service.build(database), lambda reader: reader.backup(target))
    output.say(f"Copied to {target}.")
    output.value({"file": str(target.absolute())})
    return ExitCode.OK


def restore(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="What `sayso backup` wrote. It stays as it is.", show_default=False
        ),
    ],
    *,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Put a backup in the place of the database, once it is checked. Refused while anything has the database open.

    The former database is kept under another name. Whatever happened since the backup is undone: people are asked
    again, and links, sessions and tokens that were removed since let in again.
    """
    output = Output(as_json=as_json)
    path = Service.build(database).path
    restored = restore_backup(path, source, local_person(), CONSOLE)
    output.say(f"Restored {path.name} from {visible_line(str(source))}.")
    if restored.former is not None:
        output.say(f"The former database is kept as {restored.former.name}.")
    output.say(
        "Look at who is let in: sayso access. Then start the service: it brings the open cards up to date."
    )
    former = None if restored.former is None else str(restored.former)
    output.value(
        {"file": str(path), "former": former, "former_head": restored.former_head, "head": restored.head}
    )
    return ExitCode.OK
