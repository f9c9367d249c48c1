"""`sayso dev`: what the terminal says while a workflow that is being written runs in the browser."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sayso.adapters.console import findings_table, visible, visible_line
from sayso.bots.cli._loading import load_workflow
from sayso.bots.cli._options import JsonFlag, WorkflowArgument
from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import UsageProblem, exit_code_of, unavailable
from sayso.bots.exit_codes import ExitCode
from sayso.config import host_and_port, needs_extra

if TYPE_CHECKING:
    from sayso.bots.dev import Broken, Event, Loaded, Plan

_SERVE = "from sayso.bots.cli._dev import serve_development; serve_development()"
_HOST = "127.0.0.1"


def dev(
    workflow: WorkflowArgument,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 picks a free one.")] = 0,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="FILE",
            help="Keep runs in FILE, and continue with them next time. Default: a temporary file.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Try out a workflow in the browser, reloaded whenever you save its code.

    The page starts the workflow, shows its graph and runs, and lets you answer every request, whoever it is for. No
    chat gets a message. After each change parked runs are checked as `sayso check-parked` does; code with an error
    is reported, and the previous code keeps running.
    """
    output = Output(as_json=as_json)
    with needs_extra("sayso dev", "web"):
        from sayso.bots.dev import Plan
    with closing(_bound(port)) as bound, _database(database) as used:
        plan = Plan(workflow, str(Path.cwd()), used, secrets.token_urlsafe(16))
        return asyncio.run(_Development(plan, bound, output, opens=open_page, keeps=database).run())


def serve_development() -> None:
    """What the processes run that serve the code."""
    from sayso.bots.dev import serve_code

    sys.exit(serve_code(load_workflow, exit_code_of))


def _bound(port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, port), backlog=1024)
    except OSError as error:
        reason = unavailable(host_and_port(_HOST, port), port, error)
        raise UsageProblem(f"{reason}. Choose another with --port.") from error


@contextmanager
def _database(given: str | None) -> Generator[str]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="sayso-dev-") as folder:
        yield str(Path(folder) / "sayso.db")


class _Development:
    """One `sayso dev`, from its start to Ctrl-C."""

    def __init__(
        self, plan: Plan, bound: socket.socket, output: Output, *, opens: bool, keeps: str | None
    ) -> None:
        self._plan = plan
        self._bound = bound
        self._output = output
        self._opens = opens
        self._keeps = keeps
        self._is_first = True

    async def run(self) -> ExitCode:
        """Serve until Ctrl-C or SIGTERM; a second one does not wait."""
        from sayso.bots.dev import Supervisor

        stop = asyncio.Event()

        def heard() -> None:
            if stop.is_set():
                os._exit(ExitCode.INTERRUPTED)  # what serves the code ends with this process
            stop.set()
            self._output.say("Stopping.", "dim")

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, heard)
        self._output.say(f"Loading {visible_line(self._plan.reference)} ...", "dim")
        await Supervisor((sys.executable, "-c", _SERVE), self._plan, self._bound, self._hear).run(stop)
        return ExitCode.OK

    def _hear(self, event: Event) -> None:
        from sayso.bots.dev import Broken, Ended

        match event:
            case Broken():
                self._say_broken(event)
            case Ended():
                how = f"signal {-event.exit_code}" if event.exit_code < 0 else f"exit code {event.exit_code}"
                then = (
                    "Starting it again." if event.is_restarted else "It starts again when the code changes."
                )
                self._say(f"The process that runs the code ended by itself ({how}). {then}", "yellow")
            case _ if self._is_first:
                self._is_first = False
                self._welcome(event)
            case _:
                self._say_loaded(event)

    def _welcome(self, loaded: Loaded) -> None:
        from sayso.bots.web import development_path

        output, url = self._output, f"http://{_HOST}:{self._bound.getsockname()[1]}"
        link = url + development_path(self._plan.token)
        output.say("")
        output.say("Open this page. The link works as often as you like:", "bold")
        output.say(f"  {link}", "bold green")
        output.say("You can answer every request there, whoever it is for. No chat gets a message.")
        output.say("")
        output.say(
            f"Workflow    {visible_line(loaded.code.workflow)}, from {visible_line(self._plan.reference)}"
        )
        kept = "temporary: deleted when this stops; --database FILE keeps it"
        output.say(f"Database    {kept if self._keeps is None else visible_line(self._keeps)}")
        output.say("Reload      whenever you save a Python file next to it, or sayso.toml")
        output.say("Stop        Ctrl-C")
        output.say("")
        self._say_parked(loaded)
        output.value(
            {"url": url, "link": link, "workflow": loaded.code.workflow, "database": self._plan.database}
        )
        if self._opens:
            # Browsers for terminals return only when they are closed.
            threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()

    def _say_loaded(self, loaded: Loaded) -> None:
        directory = Path(self._plan.directory)
        names = [
            str(one.relative_to(directory) if one.is_relative_to(directory) else one)
            for one in loaded.changed
        ]
        what = f"{', '.join(map(visible_line, names))} changed. Reloaded." if names else "Running again."
        self._say(what, "green")
        self._say_parked(loaded)

    def _say_parked(self, loaded: Loaded) -> None:
        if loaded.code.summary:
            self._output.say(loaded.code.summary, "yellow" if loaded.code.changes else "")
        if loaded.code.changes:
            self._output.show(findings_table(loaded.code.changes))

    def _say_broken(self, broken: Broken) -> None:
        self._say("The code cannot be loaded:", "red")
        self._output.say(visible(broken.problem))
        then = "Fix it and save: it is loaded then."
        self._output.say(
            then if broken.code is None else f"The previous code keeps running. {then}", "yellow"
        )

    def _say(self, line: str, style: str) -> None:
        self._output.say(f"{datetime.now().astimezone():%H:%M:%S}  {line}", style)
