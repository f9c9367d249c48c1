"""`sayso audit`: checking, exporting and redacting the trail."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated

import msgspec
import typer

from sayso.adapters.console import SHORTEST, audit_table, csv_cell, visible_line
from sayso.bots.cli._acting import read, write
from sayso.bots.cli._conversation import CONSOLE
from sayso.bots.cli._ids import find_request, find_run
from sayso.bots.cli._options import DatabaseOption, JsonFlag, RunArgument
from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import NotFound, UsageProblem
from sayso.bots.client import Service
from sayso.bots.exit_codes import ExitCode
from sayso.engine import (
    NOT_COVERED,
    AuditReport,
    AuditRow,
    Json,
    Reader,
    Store,
    UnknownRun,
    export_row,
    local_person,
    verify_audit,
)

audit = typer.Typer(name="audit", help="Verify, export and redact the audit trail.", no_args_is_help=False)


class ExportFormat(StrEnum):
    """How the trail is written."""

    JSONL = "jsonl"
    CSV = "csv"


@audit.command()
def verify(
    *,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="SEQ:HASH",
            help="A head you saved earlier: detects rows missing at the end and a rewritten trail.",
            show_default=False,
        ),
    ] = None,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Verify that no row of the audit trail was changed, removed or inserted, and print its head.

    Every request, answer, account and credential is compared with the trail.

    Save the head somewhere else: without it, rows missing at the end cannot be detected.
    """
    output = Output(as_json=as_json)
    try:
        report = read(Service.build(database), lambda reader: verify_audit(reader, head))
    except ValueError as error:
        raise UsageProblem(str(error)) from error
    if report.found:
        output.say(
            f"Verification FAILED: {report.found} {'problem' if report.found == 1 else 'problems'} found.",
            "bold red",
        )
        output.show(audit_table(report.problems))
        if report.found > len(report.problems):
            output.say(f"Only the first {len(report.problems)} are listed.")
    else:
        output.say(f"The audit trail is intact: {report.rows} rows, {report.redacted} redacted.", "green")
    _say_what_was_checked(output, report)
    output.say(
        f"Anchors: {report.anchors}. Rows of runs since the last one, which the head does not cover:"
        f" {report.since_anchor}."
    )
    output.say(f"Head: {report.head}")
    output.value(_shown(report))
    return ExitCode.FAILED if report.found else ExitCode.OK


def _say_what_was_checked(output: Output, report: AuditReport) -> None:
    compared = ", ".join(f"{table} {number}" for table, number in report.checked.items())
    output.say(f"Compared with the trail: {compared or 'nothing, the database is empty'}.")
    if report.before and report.sealed_since is None:
        output.say(f"{report.before} of them are older than digests in the trail.")
    elif report.before and report.sealed_since is not None:
        sequence, at = report.sealed_since
        output.say(
            f"{report.before} of them are older than digests in the trail (which start at row {sequence},"
            f" {at:%Y-%m-%d %H:%M} UTC), so only their texts are compared."
        )
    output.say("Not covered:")
    for line in NOT_COVERED:
        output.say(f"- {line}")


def _shown(report: AuditReport) -> dict[str, Json]:
    since = report.sealed_since
    return {
        "ok": not report.found,
        "rows": report.rows,
        "redacted": report.redacted,
        "head": report.head,
        "anchors": report.anchors,
        "since_anchor": report.since_anchor,
        "checked": dict(report.checked),
        "before": report.before,
        "digests_since": None if since is None else {"sequence": since[0], "at": since[1].isoformat()},
        "not_covered": list(NOT_COVERED),
        "found": report.found,
        "problems": [msgspec.structs.asdict(problem) for problem in report.problems],
    }


@audit.command()
def export(
    *,
    run_id: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Only rows of this run.", show_default=False)
    ] = None,
    request_id: Annotated[
        str | None,
        typer.Option(
            "--request",
            metavar="ID",
            help="Only rows of this request: what was shown where, who voted, and what decided it.",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[
        ExportFormat, typer.Option("--format", help="jsonl (one row per line), or csv for spreadsheets.")
    ] = ExportFormat.JSONL,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Write the audit trail to standard output. In CSV, cells that look like formulas are quoted."""
    if run_id is not None and request_id is not None:
        raise UsageProblem("--run and --request cannot be used together.")
    if as_json and format_ is ExportFormat.CSV:
        raise UsageProblem("--json and --format csv cannot be used together.")
    print_rows = _write_csv if format_ is ExportFormat.CSV else _write_jsonl

    async def copy(reader: Reader) -> None:
        if request_id is not None:
            await print_rows(_of_request(reader, request_id))
        elif run_id is not None:
            found = await find_run(reader, run_id)
            await _check_known(reader, found)
            await print_rows(reader.audit(found))
        else:
            await print_rows(reader.audit(None))

    read(Service.build(database), copy)
    return ExitCode.OK


async def _of_request(reader: Reader, request_id: str) -> AsyncIterator[AuditRow]:
    """The rows of a request; of one that was pruned they are still in the trail. Raises `NotFound`."""
    ids = await reader.request_ids(request_id) if len(request_id) >= SHORTEST else []
    record = await find_request(reader, request_id) if ids else None
    wanted = request_id if record is None else record.id
    found = False
    async for row in reader.audit(None if record is None else record.run_id):
        if row.request_id == wanted:
            found = True
            yield row
    if not found:
        raise NotFound(
            f"The audit trail has no request {request_id!r}. For a pruned request, give the whole ID."
        )


async def _write_jsonl(rows: AsyncIterator[AuditRow]) -> None:
    async for row in rows:
        sys.stdout.write(json.dumps(export_row(row)) + "\n")


async def _write_csv(rows: AsyncIterator[AuditRow]) -> None:
    writer: csv.DictWriter[str] | None = None
    async for row in rows:
        cells = export_row(row)
        for nested in ("payload", "facts"):
            cells[nested] = "" if cells[nested] is None else json.dumps(cells[nested])
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(cells), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: csv_cell(value) for name, value in cells.items()})


async def _check_known(reader: Reader, run_id: str) -> None:
    """A run that was pruned is known by its rows."""
    async for _ in reader.audit(run_id):
        return
    raise UnknownRun(run_id)


@audit.command()
def redact(run_id: RunArgument, *, database: DatabaseOption = None, as_json: JsonFlag = False) -> ExitCode:
    """Permanently remove a run's texts and values from the audit trail. The trail still verifies.

    The run itself keeps them until it is pruned.
    """
    output = Output(as_json=as_json)

    async def act(store: Store) -> tuple[str, int]:
        found = await find_run(store.reader, run_id)
        await _check_known(store.reader, found)
        return found, await store.redact(found, local_person(), CONSOLE)

    found, changed = write(Service.build(database), act)
    output.say(f"Redacted {changed} rows of run {visible_line(found)}.")
    output.value({"run_id": found, "rows": changed})
    return ExitCode.OK
