"""What the exit code of `sayso` says. Scripts may rely on it."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """The exit codes; `EXIT_CODES` says what each means."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    STORE_IN_USE = 4
    STORE_ERROR = 5
    WAITING = 6
    INTERRUPTED = 130


EXIT_CODES: Final[dict[ExitCode, str]] = {
    ExitCode.OK: "success",
    ExitCode.FAILED: "refused or failed: an answer or action was refused, a run failed or was cancelled, `sayso ask` "
    "got a no or nobody answered in time, or the audit trail does not verify",
    ExitCode.USAGE: "invalid arguments or settings",
    ExitCode.NOT_FOUND: "no such run, request, workflow, person or database, or no service is running",
    ExitCode.STORE_IN_USE: "another process is using the database",
    ExitCode.STORE_ERROR: "the database is full, unreadable, was replaced while open, or was written by a newer sayso",
    ExitCode.WAITING: "the run is waiting for people or an operator, `sayso ask` has no answer yet, or check-parked "
    "found runs that would need an operator",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C; a run stays parked and can be resumed",
}
"""Every exit code with its meaning, as `sayso --help` and the documentation show it."""
