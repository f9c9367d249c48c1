"""A team's own bot, built with python-telegram-bot, and the two ways in which its program gets updates."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    MessageHandler,
    filters,
)

AnyApplication = Application[Any, Any, Any, Any, Any, Any]


@dataclass
class Weather:
    """A team's bot. `/weather` sends a message with a button; what else it hears, it keeps."""

    token: str
    url: str
    heard: list[str] = field(default_factory=list[str])
    pressed: list[str | None] = field(default_factory=list[str | None])

    def application(self, *, polls: bool = False, concurrent: bool = False) -> AnyApplication:
        """Its application, not yet running."""
        builder: Any = ApplicationBuilder().token(self.token).base_url(f"{self.url}/bot")
        builder = builder.concurrent_updates(concurrent)
        application: AnyApplication = (builder if polls else builder.updater(None)).build()
        application.add_handler(CommandHandler("weather", self.weather))
        application.add_handler(CommandHandler(["start", "help", "status"], self.hear))
        application.add_handler(CallbackQueryHandler(self.press))
        application.add_handler(MessageHandler(filters.TEXT, self.hear))
        return application

    async def weather(self, update: Update, _: object) -> None:
        assert update.effective_message is not None
        more = InlineKeyboardMarkup([[InlineKeyboardButton("More", callback_data="weather:more")]])
        await update.effective_message.reply_text("Rain.", reply_markup=more)

    async def press(self, update: Update, _: object) -> None:
        assert update.callback_query is not None
        self.pressed.append(update.callback_query.data)
        await update.callback_query.answer("More rain.")

    async def hear(self, update: Update, _: object) -> None:
        assert update.effective_message is not None
        self.heard.append(update.effective_message.text or "")
        await update.effective_message.reply_text("I heard you.")


@asynccontextmanager
async def started(application: AnyApplication) -> AsyncGenerator[None]:
    """A team's application, as its own program runs it."""
    async with application:
        await application.start()
        if application.updater is not None:
            await application.updater.start_polling(timeout=50)
        yield
        if application.updater is not None:
            await application.updater.stop()
        await application.stop()


@asynccontextmanager
async def called(application: AnyApplication, port: int) -> AsyncGenerator[None]:
    """A team's own webhook."""

    async def take(request: web.Request) -> web.Response:
        await application.update_queue.put(Update.de_json(await request.json(), application.bot))
        return web.Response()

    app = web.Application()
    app.router.add_post("/theirs", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await application.bot.set_webhook(f"http://127.0.0.1:{port}/theirs")
    yield
    await runner.cleanup()
