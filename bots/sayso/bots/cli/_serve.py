"""`sayso serve` and `sayso start`: the service that hosts workflows and chat platforms, and a run of one of them."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.adapters.console import visible_line
from sayso.bots.cli._json import read_object
from sayso.bots.cli._loading import load_workflow
from sayso.bots.cli._options import DatabaseOption, JsonFlag
from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import NotFound, unavailable
from sayso.bots.cli._reading import read_inputs
from sayso.bots.cli._terminal import EndOfInput, Terminal
from sayso.bots.client import Service, ServiceClient
from sayso.bots.exit_codes import ExitCode
from sayso.config import InvalidSettings, forget_secrets, host_and_port, needs_extra, secrets_of
from sayso.engine import local_person

if TYPE_CHECKING:
    from sayso.bots.service import Sayso


logger = logging.getLogger("sayso.serve")

_ENDS_WITHIN = 15.0
"""Seconds from the first signal on: more than the parts of the service have together for ending in order."""

_LEAVES_WITHIN = 3.0
"""Seconds that threads have for ending once all parts have."""


def serve(*, database: DatabaseOption = None, as_json: JsonFlag = False) -> ExitCode:
    """Run the service: workflows, chats, web inbox and API, as set up in sayso.toml.

    Ctrl-C or SIGTERM stops it within 15 seconds, even if workflow code hangs; a second signal stops it at once. kill -9
    is always safe: the next start resumes where it left off.
    """
    output = Output(as_json=as_json)
    service = Service.build(database)
    with needs_extra("sayso serve", "web"):
        from sayso.bots.service import Hosted, Sayso, set_up_logging
    settings = service.settings
    set_up_logging(settings.log, secrets_of(settings))
    forget_secrets()
    workflows = [
        Hosted(load_workflow(given.workflow, Path.cwd()), frozenset(given.starters), given.to)
        for given in settings.workflows
    ]
    names = ", ".join(visible_line(one.name) for one in workflows) or "no workflows"
    sayso = Sayso(settings, workflows=workflows, new_store=service.new_store)
    try:
        return asyncio.run(_serve(sayso, names, output))
    except OSError as error:
        address = host_and_port(settings.http.host, settings.http.port)
        raise InvalidSettings(
            "sayso.toml",
            "http.port",
            unavailable(address, settings.http.port, error),
            "Stop the other program, or set another port (0 picks a free one).",
        ) from error


class _LastResort:
    """Ends the process when something that nobody can stop keeps it from ending: what was acknowledged is stored."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def begin(self) -> None:
        """The end was asked for."""
        self._set(_ENDS_WITHIN, ExitCode.FAILED)

    def left(self) -> None:
        """All parts of the service have ended; what may still run are threads of others."""
        self._set(_LEAVES_WITHIN, ExitCode.OK)

    def _set(self, seconds: float, code: ExitCode) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, _end, (code,))
        self._timer.daemon = True
        self._timer.start()


def _end(code: ExitCode) -> None:
    this = threading.current_thread()
    names = ", ".join(one.name for one in threading.enumerate() if one is not this)
    logger.warning("threads are still running (%s); exiting without them. Nothing is lost", names)
    sys.stderr.flush()
    os._exit(code)


async def _serve(sayso: Sayso, names: str, output: Output) -> ExitCode:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    last_resort = _LastResort()

    def heard() -> None:
        if stop.is_set():
            os._exit(ExitCode.INTERRUPTED)  # whoever asks twice means at once; kill -9 would be as safe
        stop.set()
        last_resort.begin()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, heard)
    async with sayso:
        # A link signs an operator in: it is for eyes, and not for a journal that others may read.
        link = await sayso.make_link() if output.is_seen else None
        if link is None:
            user = local_person().partition(":")[2]
            output.say(
                f"sayso is running on {sayso.url}, serving {names}. To sign in to the inbox, run: sayso sign-in {user}"
            )
        else:
            output.say(f"sayso is running on {sayso.url}, serving {names}.")
            output.say("Sign in to the inbox with this link, once, within ten minutes:")
            output.say(f"  {link}", "green")
        output.value({"url": sayso.url, "socket": sayso.socket, "link": link})
        await stop.wait()
        output.say("Stopping; finishing work in progress. Press Ctrl-C again to stop now.", "dim")
    last_resort.left()
    return ExitCode.OK


def start(
    workflow: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the workflow.", show_default=False)
    ],
    shared: Annotated[
        str | None, typer.Argument(metavar="[JSON]", help="Initial state of the run, a JSON object.")
    ] = None,
    *,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Start a workflow in the running service. Without a service, use `sayso run`.

    Asks for the workflow's inputs, unless you pass them as JSON.
    """
    output = Output(as_json=as_json)
    initial = read_object(shared, "JSON")
    service = Service.build(database)
    client = service.client()
    if client is None:
        raise NotFound(
            f"No service is running on {service.name}. Start one with `sayso serve`, or use `sayso run`."
        )
    with client:
        if initial is None and output.has_reader:
            try:
                initial = _ask_inputs(client, workflow, output)
            except (KeyboardInterrupt, EndOfInput):
                output.say("")
                output.say("Stopped before a run was started.")
                return ExitCode.INTERRUPTED
        run_id = client.start(workflow, initial)
    output.say(f"Started run {run_id} of {visible_line(workflow)}.")
    output.value({"run_id": run_id})
    return ExitCode.OK


def _ask_inputs(client: ServiceClient, workflow: str, output: Output) -> dict[str, Any] | None:
    """What a workflow with inputs is started with, typed here; None where it has none, or is none of theirs."""
    schemas = {one["name"]: one["inputs"] for one in client.workflows()}
    schema = schemas.get(workflow)
    if schema is None:
        return None
    return asyncio.run(read_inputs(workflow, schema, Terminal(sys.stdin.fileno()), output))
