"""The command `sayso`. What only commands need is imported when one is called."""

from typing import TYPE_CHECKING

from sayso.bots.cli._app import app, main
from sayso.bots.exit_codes import EXIT_CODES, ExitCode

if TYPE_CHECKING:
    from sayso.bots.cli._problems import exit_code_of

__all__ = ["EXIT_CODES", "ExitCode", "app", "exit_code_of", "main"]


def __getattr__(name: str) -> object:
    if name == "exit_code_of":
        from sayso.bots.cli._problems import exit_code_of as found

        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
