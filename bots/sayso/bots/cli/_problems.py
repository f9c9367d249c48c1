"""What ends a command, and the exit code for it."""

from __future__ import annotations

from sayso.bots.cli._exit_codes import ExitCode
from sayso.bots.cli._loading import UnknownWorkflow
from sayso.bots.client import MissingExtra, NoDatabase, ServiceRefused
from sayso.config import InvalidSettings, UnknownDestination
from sayso.engine import SaysoError, StoreError, StoreInUse, UnknownRun


class UsageProblem(SaysoError):
    """An argument cannot be used; the text says which and what to write instead."""


class NotFound(SaysoError):
    """What was named does not exist here."""


def exit_code_of(error: SaysoError) -> ExitCode:
    """The exit code for an error that ends a command."""
    match error:
        case ServiceRefused():
            return ExitCode(error.exit_code)
        case UsageProblem() | InvalidSettings() | UnknownDestination() | MissingExtra():
            return ExitCode.USAGE
        case UnknownRun() | UnknownWorkflow() | NoDatabase() | NotFound():
            return ExitCode.NOT_FOUND
        case StoreInUse():
            return ExitCode.STORE_IN_USE
        case StoreError():
            return ExitCode.STORE_ERROR
        case _:
            return ExitCode.FAILED
