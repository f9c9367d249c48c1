"""The Telegram bot: updates by our own long polling or by webhook, confirmed once what they decide is committed."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from telegram import Update

from sayso.bots.answers import Answering
from sayso.bots.chats import (
    FIRST_BACK_OFF,
    LONGEST_BACK_OFF,
    Afterwards,
    DeliveryProblem,
    Parts,
    Stopping,
    pause_after,
)
from sayso.bots.telegram._api import POLL_TIMEOUT, PollerConflict, is_about_token, make_api
from sayso.bots.telegram._chats import PLATFORM, Chats
from sayso.bots.telegram._check import UPDATES, check_telegram
from sayso.bots.telegram._conversations import Conversations
from sayso.bots.telegram._handler import Handler
from sayso.bots.telegram._intake import Intake
from sayso.bots.telegram._membership import TelegramMembership
from sayso.bots.telegram._messenger import Messenger
from sayso.bots.telegram._platform import Team
from sayso.bots.telegram._settings import TelegramSettings
from sayso.bots.telegram._surface import Connected, TelegramSurface
from sayso.bots.telegram._team import Guest, Host, Shares
from sayso.bots.telegram._webhook import WebhookWatch
from sayso.config import InvalidSettings, read_secret
from sayso.engine import StoreError

logger = logging.getLogger("sayso.telegram")

PRESSES_KEPT = timedelta(seconds=150)
"""How long Telegram keeps a press for a bot that does not fetch it (seen in tdlib's Bot API server)."""

HEARTBEAT = timedelta(seconds=15)
_FAREWELL = 2.0
"""Seconds for the call that confirms the last updates at a stop."""

WEDGED_AFTER = 90.0
"""Seconds without a successful poll after which all connections are made anew."""

_KINDS = ["message", "edited_message", "callback_query", "my_chat_member"]
"""The kinds of updates that sayso reads."""

WEBHOOK_PATH = "/telegram/webhook"
_COMMANDS = (
    ("pending", "what waits for your answer"),
    ("run", "start a workflow"),
    ("answer", "answer without the card"),
    ("status", "the runs that you started"),
    ("help", "what you can write"),
)


class TelegramConnection:
    """One bot token's bot; see `Connection`. Raises `InvalidSettings` where there is no token, and where it is not that
    of the team's application.
    """

    name = PLATFORM

    def __init__(self, parts: Parts, team: Team | None = None) -> None:
        settings = parts.settings.needed_section(TelegramSettings)
        self._settings: TelegramSettings = settings
        self._parts = parts
        api, conversations = make_api(settings), Conversations(parts.store)
        if team is not None and not api.is_of(team.application.bot.token):
            raise InvalidSettings(
                "sayso.toml",
                "telegram.token",
                "the application's bot is another one",
                "Build the application with the token that sayso has.",
            )
        chats = Chats(parts.settings, parts.store, parts.metrics.alarm)
        messenger = Messenger(api, chats, conversations, settings)
        self.surface = TelegramSurface(messenger, chats, parts.store, parts.settings, parts.under_way)
        self.membership = TelegramMembership(api, chats)
        self._connected = Connected(api, chats, conversations, messenger, self.surface)
        self._team = team
        self._ending = ExitStack()

    def listen(self, answers: Answering) -> TelegramListener:
        """What takes updates. Raises `InvalidSettings` where the webhook's secret cannot be read."""
        listener = TelegramListener(self._parts, answers, self._settings, self._connected, self._team)
        self._ending.callback(listener.leave)
        return listener

    async def close(self) -> None:
        """Let go of the connections, and of a team's application."""
        self._ending.close()
        await self._connected.api.close()


class TelegramListener:
    """Takes updates; see `Listener`."""

    def __init__(
        self,
        parts: Parts,
        answers: Answering,
        settings: TelegramSettings,
        connected: Connected,
        team: Team | None,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._store = parts.store
        self._api = connected.api
        self._chats = connected.chats
        self._surface = connected.surface
        self._afterwards = Afterwards(connected.surface.budget, logger, "telegram message")
        self._handler = Handler(parts, answers, connected, self._afterwards)
        host = shares = None
        if team is not None:
            shares = Shares(connected, takes_commands=team.is_host)
            host = Host(team.application, shares, self._handler) if team.is_host else None
        self._intake = Intake(self._handler.handle, parts.store.clock, None if host is None else host.share)
        self._guest: Guest | None = None
        if team is not None and shares is not None and host is None:
            self._guest = Guest(team.application, shares, self._handler, self._intake)
        self._has_team = team is not None
        self._kinds = _KINDS if host is None else Update.ALL_TYPES
        self._secret = read_secret(
            settings.webhook_secret, settings.webhook_secret_file, "telegram.webhook_secret"
        ) or secrets.token_urlsafe(32)
        self._polling: asyncio.Timeout | None = None
        self._stopping = Stopping()
        self._last_beat = parts.store.clock.now()
        is_called = settings.mode == "webhook" and self._guest is None
        self.router = self._make_router() if is_called else None

    def leave(self) -> None:
        """Take nothing any more from a team's application."""
        if self._guest is not None:
            self._guest.leave()

    async def run(self, ready: Callable[[str | None], None]) -> None:
        """Take updates until `stop`."""
        await self._api.open()
        await self._chats.load()
        async with self._afterwards, self._handler.watched(), self._intake:
            await self._stopping.until_it_works(self._ask_who_we_are, "Telegram", ready, logger)
            if self._stopping.is_set():
                return
            await self._note_outage()
            await self._complain_at_start()
            if self._guest is not None:
                await self._visit(self._guest, ready)
            elif self._settings.mode == "webhook":
                await self._serve_webhook(ready)
            else:
                await self._poll(ready)
        if self._settings.mode == "polling":
            await self._confirm()

    def stop(self) -> None:
        """Have `run` end once what is in flight is finished."""
        self._stopping.set()
        if self._polling is not None:
            self._polling.reschedule(asyncio.get_running_loop().time())

    # Updates.

    async def _ask_who_we_are(self) -> None:
        with self._api.calling() as bot:
            me = await bot.get_me()
            self._intake.bot_id, self._handler.username = str(me.id), str(me.username)
            if not self._has_team:
                await bot.set_my_commands(_COMMANDS)

    async def _complain_at_start(self) -> None:
        """Say what `sayso doctor` would say; nothing of it stops the start."""
        for finding in await check_telegram(self._api, self._chats, self._parts.settings, self._settings):
            if not finding.is_good and (self._guest is None or finding.subject != UPDATES):
                logger.warning("%s: %s. %s", finding.subject, finding.what, finding.remedy)

    async def _visit(self, guest: Guest, ready: Callable[[str | None], None]) -> None:
        """Be a guest until the stop: updates come by themselves, while the team's application runs."""
        back_off = FIRST_BACK_OFF
        await self._take_up()
        while not self._stopping.is_set():
            if guest.is_handed_updates:
                await self._beat()
            ready(
                None if guest.is_handed_updates else "the application that sayso is a guest of does not run"
            )
            await self._stopping.pause(back_off)
            back_off = min(back_off * 2, HEARTBEAT.total_seconds())

    async def _poll(self, ready: Callable[[str | None], None]) -> None:
        loop = asyncio.get_running_loop()
        patience = 0
        back_off, succeeded = FIRST_BACK_OFF, loop.time()
        with self._api.calling() as bot:
            await bot.delete_webhook()
        while not self._stopping.is_set():
            try:
                updates = await self._fetch(patience)
                await self._beat()
                ready(None)
                if not patience:
                    await self._take_up()
                await self._intake.take(updates)
            except (DeliveryProblem, StoreError, TimeoutError) as problem:
                if self._stopping.is_set():
                    return
                ready(f"updates cannot be taken: {str(problem) or 'time-out'}")
                patience, pause = 0, pause_after(problem, back_off)
                self._complain(problem, pause)
                if loop.time() - succeeded > WEDGED_AFTER:
                    await self._api.rebuild()
                    succeeded = loop.time()
                await self._stopping.pause(pause)
                back_off = min(back_off * 2, LONGEST_BACK_OFF)
            else:
                # From now on it may wait for news: that it works is known, and said.
                patience, back_off, succeeded = POLL_TIMEOUT, FIRST_BACK_OFF, loop.time()

    async def _take_up(self) -> None:
        """Telegram takes the token, at first or again: so it may at places that were given up because it did not."""
        dead = [one for one in await self._store.reader.dead_places() if is_about_token(one.reason)]
        places = [one.destination for one in dead if one.destination.startswith(f"{PLATFORM}:")]
        if places:
            await self._store.revive(places)

    def _complain(self, problem: Exception, pause: float) -> None:
        if isinstance(problem, PollerConflict):
            logger.error(
                "Telegram: another program is receiving this bot's updates: %s. Stop it: one token allows one poller.",
                problem,
            )
        else:
            logger.warning("Telegram: %s; retrying in %g s", str(problem) or "time-out", pause)

    async def _fetch(self, patience: int) -> Sequence[object]:
        """The next updates, waited for so many seconds; the offset confirms those before it. Raises `TimeoutError`
        at the stop, too.
        """
        try:
            async with asyncio.timeout(POLL_TIMEOUT + 15) as self._polling:
                with self._api.calling() as bot:
                    return await bot.fetch(
                        self._intake.offset,
                        self._kinds,
                        limit=100,
                        seconds=patience,
                        within=POLL_TIMEOUT + 10,
                    )
        finally:
            self._polling = None

    async def _confirm(self) -> None:
        """Have Telegram forget what is committed: else it comes again at the next start, and people hear it twice."""
        if self._intake.offset is None:
            return
        try:
            with self._api.calling() as bot:
                await bot.fetch(self._intake.offset, self._kinds, limit=1, seconds=0, within=_FAREWELL)
        except DeliveryProblem as problem:
            logger.warning("Telegram: the last updates will arrive again after the next start: %s", problem)

    # Outages.

    async def _note_outage(self) -> None:
        """Where presses may have been lost, post the open cards anew with a line that says so."""
        now = self._store.clock.now()
        kept = await self._store.kept(PLATFORM, "heartbeat")
        before = datetime.fromisoformat(kept) if isinstance(kept, str) else now
        if now - before > PRESSES_KEPT:
            await self._post_anew(before, now)
        await self._keep_beat(now)

    async def _beat(self) -> None:
        """Note that updates are taken, at most every 15 s, and whether there was a gap."""
        now = self._store.clock.now()
        if now - self._last_beat >= HEARTBEAT:
            if now - self._last_beat > PRESSES_KEPT:
                await self._post_anew(self._last_beat, now)
            await self._keep_beat(now)

    async def _keep_beat(self, now: datetime) -> None:
        self._last_beat = now
        await self._store.keep(PLATFORM, "heartbeat", now.isoformat())

    async def _post_anew(self, before: datetime, now: datetime) -> None:
        notice = self._surface.in_zone(
            (
                "sayso was offline from ",
                before,
                " to ",
                now,
                ". Buttons pressed then were lost; please press again.",
            )
        )
        count = await self._store.post_anew(PLATFORM, notice)
        logger.warning(
            "no updates were received from %s to %s; posting %d open cards again", before, now, count
        )

    # Webhook.

    async def _serve_webhook(self, ready: Callable[[str | None], None]) -> None:
        try:
            with self._api.calling() as bot:
                await bot.set_webhook(
                    self._settings.webhook_url or "",
                    secret_token=self._secret,
                    allowed_updates=self._kinds,
                )
        except DeliveryProblem as problem:
            ready(f"the webhook could not be set: {problem}")
            raise
        ready(None)
        alarm = self._parts.metrics.alarm
        await self._watch_webhook(
            WebhookWatch(self._api, self._store, self._settings.webhook_url, alarm), ready
        )

    async def _watch_webhook(self, watch: WebhookWatch, ready: Callable[[str | None], None]) -> None:
        """Say whether Telegram reaches it, soon after a start or a change and then more rarely. While it does not,
        updates are not taken: that is an outage like any other.
        """
        back_off, was_well = FIRST_BACK_OFF, True
        while not self._stopping.is_set():
            try:
                problem = await watch.look()
                if problem is None:
                    await self._beat()
            except (DeliveryProblem, StoreError) as error:
                logger.warning("cannot check whether Telegram reaches the webhook: %s", error)
            else:
                ready(problem)
                if (problem is None) is not was_well:
                    back_off, was_well = FIRST_BACK_OFF, not was_well
            await self._stopping.pause(back_off)
            back_off = min(back_off * 2, HEARTBEAT.total_seconds())

    def _make_router(self) -> APIRouter:
        router = APIRouter()

        @router.post(WEBHOOK_PATH)
        async def webhook(request: Request) -> Response:
            given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
            if not hmac.compare_digest(given.encode(), self._secret.encode()):
                return Response(status_code=403)
            if not self._intake.is_taking:
                return Response(status_code=503)  # starting or stopping: Telegram sends it again
            try:
                update = await request.json()
            except (ValueError, RecursionError):
                return Response(status_code=400)
            try:
                await self._intake.take_one(update)
            except StoreError as error:
                logger.error("could not commit an update: %s", error)  # noqa: TRY400 - the reason says it all
                return Response(status_code=503)
            return Response(status_code=200)

        _ = webhook
        return router
