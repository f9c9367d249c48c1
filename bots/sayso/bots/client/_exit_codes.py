"""Which error means which exit code: of everything below the command line, and so in the API's problems too."""

from __future__ import annotations

from sayso.bots.client._client import ServiceRefused
from sayso.bots.client._database import NoDatabase
from sayso.bots.exit_codes import ExitCode
from sayso.config import InvalidSettings, MissingExtra, UnknownDestination
from sayso.engine import InvalidInputs, SaysoError, StoreError, StoreInUse, UnknownRun


def exit_code_of(error: SaysoError) -> ExitCode:
    """The exit code for an error that is not of the command line itself."""
    match error:
        case ServiceRefused():
            return ExitCode(error.exit_code)
        case InvalidSettings() | UnknownDestination() | MissingExtra() | InvalidInputs():
            return ExitCode.USAGE
        case UnknownRun() | NoDatabase():
            return ExitCode.NOT_FOUND
        case StoreInUse():
            return ExitCode.STORE_IN_USE
        case StoreError():
            return ExitCode.STORE_ERROR
        case _:
            return ExitCode.FAILED
