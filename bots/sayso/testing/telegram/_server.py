"""The local Telegram: one server on 127.0.0.1 with a bot's API, people who use it, faults and a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

from sayso.testing.platform import (
    AFTER,
    SILENT,
    Call,
    Fault,
    FaultKind,
    FaultPlan,
    LocalClock,
    News,
    deliver,
)
from sayso.testing.telegram._control import ControlApi
from sayso.testing.telegram._groups import Group
from sayso.testing.telegram._http import MAX_BODY, answer, file_answer, named_parameters, refusal
from sayso.testing.telegram._limits import TelegramLimits
from sayso.testing.telegram._methods import BotMethods
from sayso.testing.telegram._people import Person
from sayso.testing.telegram._refusals import Refused, too_many_requests
from sayso.testing.telegram._state import Account, PendingUpdate, TelegramState
from sayso.testing.telegram._webhook import WebhookMethods, WebhookSender
from sayso.testing.telegram._world import World

TOKEN = "700000001:local-telegram-token"  # noqa: S105 - opens nothing but this server
BOT = Account(700_000_001, "sayso", "sayso_bot", is_bot=True)


class LocalTelegram:
    """A Telegram for one bot, as strict as the real one.

    `async with LocalTelegram() as telegram:` serves the Bot API at `base_url + token`. `problems` lists what a correct
    bot never does (and what the server itself got wrong): end a test with `assert telegram.problems == []`. With
    `state_file` the chats survive the process. Nothing here talks to the real Telegram.
    """

    def __init__(
        self,
        *,
        limits: TelegramLimits | None = None,
        privacy_mode: bool = True,
        port: int = 0,
        state_file: Path | None = None,
        token: str = TOKEN,
    ) -> None:
        self.token = token
        self.problems: list[str] = []
        self.calls: list[Call] = []
        self._port = port
        self._state_file = state_file
        self._news = News()
        self.clock = LocalClock(self._changed)
        self.faults = FaultPlan(self._changed)
        self._is_unsaved = False
        self._revision = 0
        self._world = World(
            self._load(), limits or TelegramLimits(), self.clock.now, self._changed, self.problems.append,
            privacy_mode=privacy_mode,
        )  # fmt: skip
        self._methods = BotMethods(self._world, WebhookMethods(self._world))
        self.control = ControlApi(self)
        self._runner: web.AppRunner | None = None
        self._stack = AsyncExitStack()

    # --- life --------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        server_group = await self._stack.enter_async_context(asyncio.TaskGroup())
        sender = server_group.create_task(WebhookSender(self._world, self._wait).run())
        self._stack.callback(sender.cancel)
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        await self._stack.aclose()

    async def start(self) -> None:
        """Listen again, on the port of the first time. Harmless when it listens."""
        if self._runner is not None:
            return
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        self.control.add_routes(app)
        app.router.add_get("/file/bot{token}/{path:.+}", self._handle_file)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = runner.addresses[0][1]
        self._runner = runner

    async def stop(self) -> None:
        """Go away: connections are cut, new ones refused. Everything is kept for `start`."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        await runner.cleanup()
        self._save()

    async def restart(self) -> None:
        """`stop` and `start`: the same port, the same chats, the same unconfirmed updates."""
        await self.stop()
        await self.start()

    @property
    def url(self) -> str:
        """The server's root, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """What python-telegram-bot takes as `base_url`: the token follows directly."""
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        """What python-telegram-bot takes as `base_file_url`."""
        return f"{self.url}/file/bot"

    # --- people and chats --------------------------------------------------------------------------

    def add_person(
        self, name: str, *, username: str | None = None, language: str | None = "en", has_started: bool = True
    ) -> Person:
        """A new person. With `has_started` they have a chat with the bot already, of which the bot hears nothing."""
        account = self._world.add_account(name, username, language)
        if has_started:
            self._world.start_private_chat(account.id)
        return Person(self._world, account.id, self.until)

    async def add_group(
        self,
        title: str,
        members: Iterable[Person] = (),
        *,
        supergroup: bool = True,
        forum: bool = False,
        has_bot: bool = True,
    ) -> Group:
        """A new group of these people, the first of whom is its creator. The bot joins last and hears of that."""
        chat = self._world.add_group(title, supergroup=supergroup or forum, forum=forum)
        group = Group(self._world, chat.id)
        await group.add(*members)
        if has_bot:
            await group.add_bot()
        return group

    def people(self) -> list[Person]:
        """Everybody, the first added first."""
        return [Person(self._world, account_id, self.until) for account_id in self._world.state.accounts]

    def groups(self) -> list[Group]:
        """Every group that has not become another."""
        chats = self._world.state.chats.values()
        return [Group(self._world, chat.id) for chat in chats if chat.title and chat.migrated_to is None]

    # --- what the bot does -------------------------------------------------------------------------

    def calls_of(self, method: str) -> list[Call]:
        """The calls of one method, oldest first."""
        return [call for call in self.calls if call.method.lower() == method.lower()]

    @property
    def is_polled(self) -> bool:
        """Whether a long poll waits at this moment."""
        return self._world.updates.is_polled

    @property
    def pending_updates(self) -> list[PendingUpdate]:
        """What the bot has not confirmed and can still get."""
        return self._world.updates.pending()

    @property
    def lost_updates(self) -> list[PendingUpdate]:
        """What expired before the bot confirmed it: presses and messages that nobody will ever answer."""
        self._world.updates.pending()
        return self._world.state.lost_updates

    @property
    def webhook_failures(self) -> int:
        """How many pushes to the present webhook have failed."""
        hook = self._world.state.webhook
        return hook.failures if hook else 0

    @property
    def revision(self) -> int:
        """Counts changes of anything that can be seen."""
        return self._revision

    async def until(self, condition: Callable[[], bool], *, by: datetime | None = None) -> None:
        """Wait until the condition holds, or until the server's clock shows `by`. Looked at after every change."""
        while not condition() and (by is None or self.clock.now() < by):
            await self._wait(by)

    def fail(
        self,
        kind: FaultKind,
        method: str | None = None,
        *,
        times: int = 1,
        retry_after: int = 30,
        delay: timedelta = timedelta(seconds=1),
    ) -> None:
        """Let the next calls of `method` (any, if `None`) fail in this way."""
        self.faults.add(Fault(kind, method, times, retry_after, delay))

    # --- inside ------------------------------------------------------------------------------------

    async def _wait(self, by: datetime | None) -> None:
        await self._news.wait(None if by is None else self.clock.real_seconds_until(by))

    def _changed(self) -> None:
        if self._state_file is not None and not self._is_unsaved:
            asyncio.get_running_loop().call_soon(self._save)  # once for all changes of this turn of the loop
        self._is_unsaved = True
        self._revision += 1
        self._news.tell()

    def _load(self) -> TelegramState:
        if self._state_file is None or not self._state_file.exists():
            return TelegramState(BOT)
        return msgspec.json.decode(self._state_file.read_bytes(), type=TelegramState)

    def _save(self) -> None:
        if self._state_file is None or not self._is_unsaved:
            return
        new = self._state_file.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(self._world.state))
        new.replace(self._state_file)
        self._is_unsaved = False

    async def _handle_file(self, request: web.Request) -> web.Response:
        return file_answer(self._world.state, self.token, request)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        received_at, method = self.clock.now(), request.match_info["method"]
        fault = self.faults.take(method)
        given: dict[str, Any] = {}
        response: web.Response | None = None
        error: str | None = None
        if fault is None or fault.kind in AFTER:
            response, refused, given = await answer(self._methods, self.token, request)
            if refused is not None:
                error = refused.description
                if refused.bug:
                    self.problems.append(f"{method}: {refused.description}")
            self._save()
        if fault is not None and (planned := _refusal_of(fault)) is not None:
            response, error = refusal(planned), planned.description
        silent = fault is not None and fault.kind in SILENT
        status = None if silent or response is None else response.status
        call = Call(
            method,
            named_parameters(given),
            received_at,
            self.clock.now(),
            status,
            error,
            fault.kind if fault else None,
        )
        self.calls.append(call)
        self._news.tell()
        return await deliver(request, response, fault)


def _refusal_of(fault: Fault) -> Refused | None:
    """The answer of the kinds that answer in the Bot API's own form."""
    match fault.kind:
        case FaultKind.SERVER_ERROR | FaultKind.SERVER_ERROR_AFTER:
            return Refused(500, "Internal Server Error")
        case FaultKind.TOO_MANY_REQUESTS:
            return too_many_requests(fault.retry_after)
        case _:
            return None
