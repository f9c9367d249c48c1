"""What ends a command, and the exit code for it."""

from __future__ import annotations

import errno

from sayso.bots import client
from sayso.bots.cli._loading import UnknownWorkflow
from sayso.bots.exit_codes import ExitCode
from sayso.engine import SaysoError


class UsageProblem(SaysoError):
    """An argument cannot be used; the text says which and what to write instead."""


class NotFound(SaysoError):
    """What was named does not exist here."""


def exit_code_of(error: SaysoError) -> ExitCode:
    """The exit code for an error that ends a command."""
    match error:
        case UsageProblem():
            return ExitCode.USAGE
        case UnknownWorkflow() | NotFound():
            return ExitCode.NOT_FOUND
        case _:
            return client.exit_code_of(error)


def unavailable(address: str, port: int, error: OSError) -> str:
    """Why nothing can listen on an address."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is already in use"
    return f"cannot listen on {address}: {error.strerror}"
