"""`sayso demo --chat`: two local chats in the browser, and the service in a process of its own."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from aiohttp import web

from sayso.bots.client import ServiceClient
from sayso.bots.demo._cast import ROLES, Cast
from sayso.bots.demo._guide import Guide
from sayso.bots.demo._process import ServiceProcess
from sayso.engine import SaysoError

DATABASE = "sayso.db"
_WORKFLOW = "release.py"
_DOWN = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>sayso is not running</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
</head>
<body>
<main class="down">
<h1>sayso is not running.</h1>
<p>Start it again in the guide. This page then opens the inbox.</p>
</main>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A demo that runs: where its page is, where the inbox is reached from it, and where its files are."""

    url: str
    folder: Path
    log: Path

    @property
    def inbox(self) -> str:
        """Signs whoever opens it in to the inbox, as often as they like."""
        return f"{self.url}/inbox"


@contextmanager
def demo_folder(given: Path | None) -> Generator[Path]:
    """Where the demo's files are: where somebody wants them, else a new folder that goes away with the demo."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given.resolve()
        return
    made = Path(tempfile.mkdtemp(prefix="sayso-demo-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@asynccontextmanager
async def running_demo(folder: Path, port: int, command: Sequence[str]) -> AsyncGenerator[Running]:
    """The demo, while it is entered. `command` serves the `sayso.toml` of its working directory until its standard
    input ends. With port 0 the page and the inbox get any free one, else this one and the next.

    Raises `OSError` for a port that is in use, and `ServiceEnded`.
    """
    from sayso.testing.page import ChatPage
    from sayso.testing.slack import LocalSlack
    from sayso.testing.telegram import LocalTelegram

    inbox_port = _free_port(port + 1 if port else 0)
    database, log = folder / DATABASE, folder / "service.log"
    async with (
        LocalTelegram(state_file=folder / "telegram.json") as telegram,
        LocalSlack(state_file=folder / "slack.json") as slack,
    ):
        cast = await Cast.gather(slack, telegram)
        cast.write_settings(folder / "sayso.toml", database, inbox_port)
        story = files("sayso.bots.demo") / "_release.py"
        (folder / _WORKFLOW).write_bytes(story.read_bytes())
        service = ServiceProcess(command, folder, cast.secrets, log, slack.changed)
        guide = Guide(cast, service, database)
        routes = {"slack": slack.control.add_routes, "telegram": telegram.control.add_routes}
        page = ChatPage(routes, port=port, guide=_GuideRoutes(guide, database).add)
        async with page, service:
            await guide.until_it_listens()
            if not await guide.has_begun():
                await guide.ask()
            yield Running(page.url, folder, log)


class _GuideRoutes:
    """What the page's server has beside the chats."""

    def __init__(self, guide: Guide, database: Path) -> None:
        self._guide = guide
        self._database = database

    def add(self, app: web.Application) -> None:
        """Add them."""
        app.router.add_get("/guide", self._state)
        app.router.add_post("/guide/{action}", self._act)
        app.router.add_get("/inbox", self._inbox)

    async def _state(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._guide.state())

    async def _act(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise web.HTTPForbidden  # so that no page of somebody else's can press a button here
        if not await self._guide.act(request.match_info["action"]):
            raise web.HTTPNotFound
        return web.json_response({})

    async def _inbox(self, request: web.Request) -> web.Response:
        """A link that never grows old: each time it is opened, a new one that works once is made behind it."""
        name = request.query.get("as", "Ana")
        if name not in ROLES:
            raise web.HTTPNotFound(text="Nobody here has that name.")
        try:
            link = await asyncio.to_thread(self._link, name.lower())
        except SaysoError:
            link = None
        if link is None:
            raise web.HTTPServiceUnavailable(text=_DOWN, content_type="text/html", headers={"Refresh": "2"})
        raise web.HTTPSeeOther(link)

    def _link(self, name: str) -> str | None:
        client = ServiceClient.find(self._database)
        if client is None:
            return None
        with client:
            return client.sign_in_link(name)


def _free_port(wanted: int) -> int:
    """A port that is free at this moment: the wanted one, or with 0 any. Raises `OSError`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", wanted))
        return int(probe.getsockname()[1])
