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
from sayso.engine import (
    Finding,
    Reader,
    Severity,
    SQLiteReader,
    SQLiteStore,
    check_parked,
    local_person,
    move_store,
    restore_backup,
)

_AGE = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def check_parked_runs(
    workflow: WorkflowArgument,
    *,
    replay: Annotated[
        bool, typer.Option("--replay", help="Also run each parked node on a copy, up to its open request.")
    ] = False,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Before a deploy, check whether parked runs can continue with the code here. Changes nothing.

    Compares names, edges and code. With --replay, nodes do run: any code before their first question or unrecorded
    step runs again.
    """
    output = Output(as_json=as_json)
    service = Service.build(database)
    if replay:
        output.warn(
            "--replay runs your nodes: code outside steps, such as sending or writing something, DOES run. "
            "Nothing is stored, and unrecorded steps and questions are not run."
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
    parked = f"{len(findings)} parked {'run' if len(findings) == 1 else 'runs'}"
    if replayed or not findings:
        output.say(f"{parked}: {broken} would need attention, {changed} changed, {same} unchanged.", colour)
        return
    output.say(f"{parked}: {broken} lost their node, {changed} changed, {same} look unchanged.", colour)
    output.say(
        "Questions were not compared: text that comes from other functions or settings may have changed, and answers "
        "would then need attention. Add --replay to compare them.",
        "yellow",
    )


def prune(
    older_than: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="Delete runs that ended longer ago than this: 90m, 12h, 30d, 8w.",
            show_default=False,
        ),
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only report how many runs would be deleted.")
    ] = False,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Delete old runs and everything that belongs to them. Runs that are still open are never deleted.

    The audit trail is kept; `sayso audit redact RUN` removes a run's texts from it.
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
        raise UsageProblem(
            f"invalid duration: {text!r}. Use a number followed by s, m, h, d or w, for example 30d."
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def backup(
    target: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The file to create; it must not exist.", show_default=False),
    ],
    *,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Back up the database to a new file. Safe while the service is running."""
    output = Output(as_json=as_json)
    read(Service.build(database), lambda reader: _copy(reader, target))
    output.say(f"Backed up to {target}.")
    output.value({"file": str(target.absolute())})
    return ExitCode.OK


async def _copy(reader: Reader, target: Path) -> None:
    if not isinstance(reader, SQLiteReader):
        raise UsageProblem(
            "This database is on a server: back it up with PostgreSQL's own tools, such as pg_dump."
        )
    await reader.backup(target)


def restore(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A file written by `sayso backup`. It is not changed.", show_default=False
        ),
    ],
    *,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Check a backup and replace the database with it. Refused while the database is in use.

    The previous database is kept under another name. Everything since the backup is undone: people are asked again,
    and links, sessions and tokens that were revoked since work again.
    """
    output = Output(as_json=as_json)
    store = Service.build(database).new_store()
    if not isinstance(store, SQLiteStore):
        raise UsageProblem(
            f"{store.name} is on a server: restore it with PostgreSQL's own tools, such as pg_restore."
        )
    path = store.path
    restored = restore_backup(path, source, local_person(), CONSOLE)
    output.say(f"Restored {path.name} from {visible_line(str(source))}.")
    if restored.former is not None:
        output.say(f"The previous database was kept as {restored.former.name}.")
    output.say(
        "Next, check who has access with `sayso access`, then start the service; it updates the open cards."
    )
    former = None if restored.former is None else str(restored.former)
    output.value(
        {"file": str(path), "former": former, "former_head": restored.former_head, "head": restored.head}
    )
    return ExitCode.OK


def migrate_store(
    target: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="An empty PostgreSQL database: postgresql://user@host:port/database.",
            show_default=False,
        ),
    ],
    *,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Move the database file to PostgreSQL. Refused while the database is in use.

    Every row is copied and compared in one transaction; then the file is renamed, so that nothing starts on it by
    mistake. If this is interrupted, run it again.
    """
    output = Output(as_json=as_json)
    store = Service.build(database).new_store()
    if not isinstance(store, SQLiteStore):
        raise UsageProblem(
            f"{store.name} is on a server already. Only a database file can be moved to PostgreSQL."
        )
    moved = move_store(store.path, target, local_person(), CONSOLE)
    rows = sum(moved.rows.values())
    output.say(f"Moved {rows} rows of {len(moved.rows)} tables; each was compared with the file.")
    output.say(f"The file was kept as {moved.former.name}.")
    output.say("Next, set `database` in sayso.toml to the new database, then start the service.")
    output.value({"rows": moved.rows, "head": moved.head, "former": str(moved.former)})
    return ExitCode.OK
