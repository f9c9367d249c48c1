"""`main`: the root command, and what errors become."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from sayso.bots.cli._commands import Commands, list_on
from sayso.bots.exit_codes import EXIT_CODES, ExitCode

_HELP = (
    "Workflows that pause for a person's approval or answer, in Slack, Telegram, the web and the terminal.\n\n"
    "New here? Run: sayso demo --chat"
)
_EPILOG = "\n\n".join(["Exit codes:", *(f"{code.value}: {meaning}" for code, meaning in EXIT_CODES.items())])

app = typer.Typer(
    name="sayso",
    cls=Commands,
    help=_HELP,
    epilog=_EPILOG,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it by position
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"sayso {version('sayso')}\n")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    del version
    if context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


list_on(app)


class _LogFormatter(logging.Formatter):
    """Log lines and tracebacks hold texts of workflows and of people: shown as text, never obeyed by the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        from sayso.adapters.console import visible

        return visible(super().format(record))


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, by default this process's, and exit with one of `EXIT_CODES`."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    handler = logging.StreamHandler()
    handler.setFormatter(_LogFormatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    try:
        code = _run(given)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as end:
        # Typer turns a broken pipe into an exit of its own.
        if isinstance(end, SystemExit) and not isinstance(end.__context__, BrokenPipeError):
            raise
        # Whoever read our output has had enough; what was done is done.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.OK
    sys.exit(code)


def _run(given: list[str]) -> int:
    as_json = "--json" in given
    try:
        returned = app(args=given, prog_name="sayso", standalone_mode=False)
    except typer.TyperException as error:
        _report_usage(error, as_json=as_json)
        return ExitCode.USAGE
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except Exception as error:
        code = _report(error, as_json=as_json)
        if code is None:
            raise
        return code
    return returned if isinstance(returned, int) else ExitCode.OK


def _report(error: Exception, *, as_json: bool) -> int | None:
    """Report the error that ended a command; None if the error is not one of sayso's."""
    from sayso.bots.cli._output import report_error
    from sayso.bots.cli._problems import exit_code_of
    from sayso.engine import SaysoError

    if not isinstance(error, SaysoError):
        return None
    code = exit_code_of(error)
    report_error(error, code, as_json=as_json)
    return code


def _report_usage(error: typer.TyperException, *, as_json: bool) -> None:
    message = error.format_message()
    if as_json:
        problem = {"kind": "UsageProblem", "message": message, "exit_code": ExitCode.USAGE}
        sys.stdout.write(json.dumps({"error": problem}) + "\n")
        return
    context = getattr(error, "ctx", None)
    path = "sayso" if context is None else context.command_path
    sys.stderr.write(f"Error: {message}\nFor help, run: {path} --help\n")
