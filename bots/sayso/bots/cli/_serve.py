"""`sayso serve` and `sayso start`: the service that hosts workflows and chat platforms, and a run of one of them."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sayso.adapters.console import visible_line
from sayso.bots.cli._json import read_object
from sayso.bots.cli._loading import load_workflow
from sayso.bots.cli._options import DatabaseOption, JsonFlag
from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import NotFound
from sayso.bots.client import Service
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
    """Host the workflows of sayso.toml, with their cards in Slack and Telegram, until Ctrl-C or SIGTERM.

    It ends within 15 seconds, whatever the code of workflows does. A second signal stops at once; kill -9 is always
    safe: started again, it goes on where it was.
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
    names = ", ".join(visible_line(one.name) for one in workflows) or "no workflow"
    sayso = Sayso(settings, workflows=workflows, new_store=service.new_store)
    try:
        return asyncio.run(_serve(sayso, names, output))
    except OSError as error:
        address = host_and_port(settings.http.host, settings.http.port)
        raise InvalidSettings(
            "sayso.toml",
            "http.port",
            f"{address} cannot be had: {error.strerror}",
            "Write another port, or 0.",
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
    logger.warning("threads do not end (%s): the process ends without them, and loses nothing by it", names)
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
            output.say(f"sayso serves {names} on {sayso.url}. To sign in to the inbox: sayso sign-in {user}")
        else:
            output.say(
                f"sayso serves {names} on {sayso.url}. Sign in to the inbox, once, within ten minutes:"
            )
            output.say(f"  {link}", "green")
        output.value({"url": sayso.url, "socket": sayso.socket, "link": link})
        await stop.wait()
        output.say("Stopping: what is in flight is finished first. Ctrl-C once more stops at once.", "dim")
    last_resort.left()
    return ExitCode.OK


def start(
    workflow: Annotated[str, typer.Argument(metavar="NAME", help="The workflow's name.", show_default=False)],
    shared: Annotated[
        str | None, typer.Argument(metavar="[JSON]", help="The run's initial shared state, a JSON object.")
    ] = None,
    *,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Start a run in the running service. `sayso run` starts one without a service."""
    output = Output(as_json=as_json)
    initial = read_object(shared, "JSON")
    service = Service.build(database)
    client = service.client()
    if client is None:
        raise NotFound(
            f"no service runs on {service.path}. Start one with `sayso serve`, or use `sayso run MODULE:WORKFLOW`."
        )
    with client:
        run_id = client.start(workflow, initial)
    output.say(f"Run {run_id} of {visible_line(workflow)} is started.")
    output.value({"run_id": run_id})
    return ExitCode.OK
