"""The command `sayso`."""

from sayso.bots.cli._app import app, main
from sayso.bots.cli._exit_codes import EXIT_CODES, ExitCode, exit_code_of

__all__ = ["EXIT_CODES", "ExitCode", "app", "exit_code_of", "main"]
