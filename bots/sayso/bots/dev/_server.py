"""The process that serves somebody's code: it loads it, says what came of that, and serves once it is told to."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from sayso.bots.dev._files import folders_of_code
from sayso.bots.dev._messages import (
    HEARD,
    LONGEST,
    PLAN,
    Found,
    Plan,
    Refused,
    Said,
    Serving,
    line,
    read_line,
)
from sayso.bots.exit_codes import ExitCode
from sayso.bots.service import Hosted, Sayso, set_up_logging
from sayso.bots.web import CodeNews, Development
from sayso.config import HttpSettings, LogSettings, Settings, load_settings, secrets_of
from sayso.engine import (
    AuthorError,
    Finding,
    SaysoError,
    Workflow,
    check_parked,
    local_person,
    open_reader,
    open_store,
)

_COLLEAGUES = ("bo", "chris", "dana", "eli")
"""As whom an author can answer beside themselves, so that several can approve."""

_OWN_FOLDERS = ("<frozen importlib", str(Path(importlib.__file__).parent), str(Path(__file__).parents[2]))
"""What of a traceback is Python's way to the author's code, and sayso's."""


def serve_code(load: Callable[[str, Path], Workflow], exit_code_of: Callable[[SaysoError], int]) -> ExitCode:
    """Serve what the supervisor says, over a socket whose number is this process's first argument; the second is that
    of the one to serve on, which is bound. `load` finds a workflow by its reference, `exit_code_of` says what a command
    ends with that fails so. The end of the supervisor is the end of this process, whatever ended it.
    """
    ours, bound = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    bound.setblocking(False)  # noqa: FBT003 - the standard library's signature
    with ours.makefile("rb") as said:  # waits, all imports done, until there is something to load
        given = said.readline()
    if not given:
        return ExitCode.INTERRUPTED
    plan = PLAN.decode(given)
    # What is written is older than a second only by luck: Python would take it for what it compiled before.
    sys.dont_write_bytecode = True
    try:
        settings = _settings()
        set_up_logging(LogSettings(level="warning"), secrets_of(settings))
        workflow = load(plan.reference, Path(plan.directory))
        asyncio.run(_Server(plan, settings, workflow, ours).run(bound))
    except SaysoError as error:
        ours.sendall(line(_refused(error, Path(plan.directory), exit_code_of(error))))
        return ExitCode.FAILED
    return ExitCode.OK


def _settings() -> Settings:
    """Policies, people and groups as they are set for the real service; no chats, and an address of its own."""
    return load_settings().model_copy(update={"http": HttpSettings(), "operator": None})


def _refused(error: SaysoError, directory: Path, code: int) -> Refused:
    cause, is_code = error.__cause__, isinstance(error, AuthorError)
    text, files = str(error), list[str]()
    if is_code and cause is not None:
        told = traceback.TracebackException.from_exception(cause)
        files = [frame.filename for frame in told.stack]
        told.stack[:] = [frame for frame in told.stack if not frame.filename.startswith(_OWN_FOLDERS)]
        text = "".join(told.format()).strip()
    return Refused(type(error).__name__, text, code, is_code, folders_of_code(directory, files))


class _Server:
    """Serves a workflow that is loaded, once the supervisor says so."""

    def __init__(self, plan: Plan, settings: Settings, workflow: Workflow, ours: socket.socket) -> None:
        self._plan = plan
        self._settings = settings
        self._workflow = workflow
        self._ours = ours

    async def run(self, bound: socket.socket) -> None:
        """Serve until SIGTERM. Raises what entering a `Sayso` raises."""
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        reader, writer = await asyncio.open_connection(sock=self._ours.dup(), limit=LONGEST)

        async def say(message: Said) -> None:
            writer.write(line(message))
            await writer.drain()

        findings, directory = await self._findings(), Path(self._plan.directory)
        await say(Found(self._workflow.name, tuple(findings), folders_of_code(directory)))
        news = CodeNews(HEARD.decode(await self._hear(reader)))
        async with self._sayso(Development(bound, self._plan.token, _people(), news)):
            await say(Serving())
            async with asyncio.TaskGroup() as group:
                following = group.create_task(self._follow(reader, news))
                await stop.wait()
                following.cancel()
        writer.close()

    def _sayso(self, development: Development) -> Sayso:
        plan, listed = self._plan, self._settings.workflows
        to = next((one.to for one in listed if one.workflow == plan.reference), ())
        return Sayso(
            self._settings,
            workflows=[Hosted(self._workflow, to=to)],
            platforms=(),
            new_store=lambda: open_store(plan.database),
            http=development,
        )

    async def _findings(self) -> list[Finding]:
        database = self._plan.database
        if not open_store(database).is_there():
            return []
        async with open_reader(database) as reader:
            return await check_parked(reader, self._workflow)

    async def _follow(self, reader: asyncio.StreamReader, news: CodeNews) -> None:
        while True:
            news.tell(HEARD.decode(await self._hear(reader)))

    async def _hear(self, reader: asyncio.StreamReader) -> bytes:
        """What the supervisor says; with its end, that of this process."""
        said = await read_line(reader)
        if not said:
            os._exit(ExitCode.INTERRUPTED)  # as safe as kill -9
        return said


def _people() -> tuple[str, ...]:
    """The author first."""
    own = local_person().partition(":")[2].casefold()
    return (own, *(name for name in _COLLEAGUES if name != own))
