"""Listings as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from sayso.adapters.console._cards import audience_words, instant_words
from sayso.adapters.console._escaping import visible_line
from sayso.engine import AuditProblem, Finding, RequestRecord, RunSummary, Severity, WorkflowStatus

_SHORTEST_ID = 8

_STATUS_STYLES = {
    WorkflowStatus.COMPLETED: "green",
    WorkflowStatus.FAILED: "red",
    WorkflowStatus.CANCELLED: "dim",
    WorkflowStatus.NEEDS_ATTENTION: "yellow",
    WorkflowStatus.WAITING_FOR_INPUT: "cyan",
}
_STATUS_WORDS = {
    WorkflowStatus.RUNNING: "running",
    WorkflowStatus.WAITING_FOR_INPUT: "waiting",
    WorkflowStatus.COMPLETED: "completed",
    WorkflowStatus.FAILED: "failed",
    WorkflowStatus.CANCELLED: "cancelled",
    WorkflowStatus.NEEDS_ATTENTION: "needs attention",
}
_SEVERITY_STYLES = {Severity.SAME: "green", Severity.CHANGED: "yellow", Severity.BROKEN: "red"}


def runs_table(runs: Iterable[RunSummary], now: datetime) -> Table:
    """Runs, the newest first."""
    table = _table("run", "workflow", "status", "node", "since", "what")
    for run in runs:
        what = run.error or ("" if run.attention is None else f"{run.attention.kind}: {run.attention.name}")
        table.add_row(
            Text(visible_line(run.run_id)),
            Text(visible_line(run.workflow)),
            Text(_STATUS_WORDS[run.status], style=_STATUS_STYLES.get(run.status, "")),
            Text(visible_line(run.node_id or "")),
            Text(instant_words(run.updated_at, now)),
            Text(visible_line(what)),
        )
    return table


def requests_table(requests: Iterable[RequestRecord], now: datetime) -> Table:
    """Open requests, the oldest first; `answer with` is what `sayso answer` takes: as much of each id as tells them
    apart.
    """
    shown = list(requests)
    length = _telling_length([request.id for request in shown])
    table = _table("answer with", "request", "question", "assigned to", "due", "run")
    for request in shown:
        question = request.question
        choices = " / ".join(option.value for option in question.choices)
        prompt = visible_line(question.prompt or "")
        table.add_row(
            Text(f"{request.id[:length]}@{request.revision}"),
            Text(visible_line(request.name)),
            Text(f"{prompt} [{visible_line(choices) or question.input_type}]"),
            Text(audience_words(request)),
            Text("" if request.deadline is None else instant_words(request.deadline, now)),
            Text(visible_line(request.run_id)),
        )
    return table


def _telling_length(ids: Sequence[str]) -> int:
    length = _SHORTEST_ID
    while len({one[:length] for one in ids}) < len(ids) and length < max(map(len, ids)):
        length += 1
    return length


def findings_table(findings: Iterable[Finding]) -> Table:
    """What the present code means for parked runs."""
    table = _table("run", "node", "finding", "what")
    for finding in findings:
        table.add_row(
            Text(visible_line(finding.run_id)),
            Text(visible_line(finding.node_id)),
            Text(finding.severity, style=_SEVERITY_STYLES[finding.severity]),
            Text(visible_line(finding.text)),
        )
    return table


def audit_table(problems: Sequence[AuditProblem]) -> Table:
    """Rows of the audit trail and of other tables that are not as they were written."""
    table = _table("table", "row", "problem", "what to do")
    for problem in problems:
        cells = (problem.table, problem.name, problem.reason, problem.next_step)
        table.add_row(*(Text(visible_line(cell)) for cell in cells))
    return table


def _table(first: str, *others: str) -> Table:
    """A table whose first column, a name to copy, is never cut."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, overflow="fold")
    return table
