"""The local Telegram: one server on 127.0.0.1 with a bot's API, people who use it, faults and a clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from sayso.testing.platform import Answer, Fault, FaultKind, LocalServer, is_gone
from sayso.testing.telegram._control import TelegramControl
from sayso.testing.telegram._groups import Group
from sayso.testing.telegram._http import answer, file_answer, refusal
from sayso.testing.telegram._limits import TelegramLimits
from sayso.testing.telegram._methods import BotMethods
from sayso.testing.telegram._people import Person
from sayso.testing.telegram._refusals import Refused, too_many_requests
from sayso.testing.telegram._state import Account, CallbackQueryMode, PendingUpdate, TelegramState
from sayso.testing.telegram._webhook import WebhookMethods, WebhookSender
from sayso.testing.telegram._world import World

TOKEN = "700000001:local-telegram-token"  # noqa: S105 - opens nothing but this server
BOT = Account(700_000_001, "sayso", "sayso_bot", is_bot=True)


class LocalTelegram(LocalServer[TelegramState]):
    """A local Telegram for one bot, as strict as the real one.

    `async with LocalTelegram() as telegram:` serves the Bot API at `base_url + token`. `problems` lists what a correct
    bot never does (and faults of the server itself), so end a test with `assert telegram.problems == []`. With
    `state_file` the chats survive the process. It never contacts the real Telegram.
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
        super().__init__(TelegramState(BOT), port=port, state_file=state_file)
        self.token = token
        self._world = World(
            self._state, limits or TelegramLimits(), self.clock.now, self.changed, self.problems.append,
            privacy_mode=privacy_mode,
        )  # fmt: skip
        self._methods = BotMethods(self._world, WebhookMethods(self._world))
        self.control = TelegramControl(self)
        self._polls: list[web.Request] = []
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

    def _add_routes(self, app: web.Application) -> None:
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        self.control.add_routes(app)
        app.router.add_get("/file/bot{token}/{path:.+}", self._handle_file)

    @property
    def base_url(self) -> str:
        """The address of the Bot API, up to the token, which follows directly."""
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        """The address of files, up to the token, which follows directly."""
        return f"{self.url}/file/bot"

    # --- people and chats --------------------------------------------------------------------------

    def add_person(
        self, name: str, *, username: str | None = None, language: str | None = "en", has_started: bool = True
    ) -> Person:
        """A new person. With `has_started` they already have a chat with the bot; the bot gets no update about it."""
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
        """A new group of these people, created by the first. The bot joins last, and gets an update about it."""
        chat = self._world.add_group(title, supergroup=supergroup or forum, forum=forum)
        group = Group(self._world, chat.id)
        await group.add(*members)
        if has_bot:
            await group.add_bot()
        return group

    def people(self) -> list[Person]:
        """All people, in the order in which they were added."""
        return [Person(self._world, account_id, self.until) for account_id in self._world.state.accounts]

    def groups(self) -> list[Group]:
        """All groups, except those that were upgraded to another."""
        chats = self._world.state.chats.values()
        return [Group(self._world, chat.id) for chat in chats if chat.title and chat.migrated_to is None]

    @property
    def callback_query_mode(self) -> CallbackQueryMode:
        """How presses reach the bot: with their message, or (`AUTO`, `INLINE`) with only an `inline_message_id`."""
        return self._world.callback_query_mode

    @callback_query_mode.setter
    def callback_query_mode(self, mode: CallbackQueryMode) -> None:
        self._world.callback_query_mode = mode

    @property
    def webhook_is_cut(self) -> bool:
        """Whether pushes to the webhook fail, as through a broken tunnel; the bot learns of it when it asks."""
        return self._world.webhook_is_cut

    @webhook_is_cut.setter
    def webhook_is_cut(self, is_cut: bool) -> None:
        self._world.webhook_is_cut = is_cut

    @property
    def knows_exact_names_alone(self) -> bool:
        """Whether methods are case-sensitive (`sendMessage`, not `sendmessage`), as on servers that are stricter than
        Telegram's.
        """
        return self._methods.knows_exact_names_alone

    @knows_exact_names_alone.setter
    def knows_exact_names_alone(self, alone: bool) -> None:
        self._methods.knows_exact_names_alone = alone

    # --- what the bot does -------------------------------------------------------------------------

    @property
    def is_polled(self) -> bool:
        """Whether a long poll is waiting now, and its client is still connected."""
        return self._world.updates.is_polled and not all(is_gone(poll) for poll in self._polls)

    @property
    def pending_updates(self) -> list[PendingUpdate]:
        """The updates that the bot has not confirmed and can still get."""
        return self._world.updates.pending()

    @property
    def lost_updates(self) -> list[PendingUpdate]:
        """The updates that expired before the bot confirmed them: presses and messages that nobody will answer."""
        self._world.updates.pending()
        return self._world.state.lost_updates

    @property
    def webhook_failures(self) -> int:
        """The number of failed pushes to the present webhook."""
        hook = self._world.state.webhook
        return hook.failures if hook else 0

    # --- HTTP --------------------------------------------------------------------------------------

    async def _handle_file(self, request: web.Request) -> web.Response:
        return file_answer(self._world.state, self.token, request)

    async def _answer(self, method: str, request: web.Request) -> Answer:
        if method.lower() != "getupdates":
            return await answer(self._methods, self.token, method, request)
        self._polls.append(request)
        try:
            return await answer(self._methods, self.token, method, request)
        finally:
            self._polls.remove(request)

    def _planned(self, fault: Fault) -> Answer | None:
        match fault.kind:
            case FaultKind.SERVER_ERROR | FaultKind.SERVER_ERROR_AFTER:
                return refusal(Refused(500, "Internal Server Error"))
            case FaultKind.TOO_MANY_REQUESTS:
                return refusal(too_many_requests(fault.retry_after))
            case FaultKind.REFUSED:
                code, _, words = fault.error.partition(" ")
                return refusal(Refused(int(code), words))
            case _:
                return None
