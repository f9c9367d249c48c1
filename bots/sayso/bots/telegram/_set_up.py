"""Setting up Telegram: the token, and the group by a message that a person writes there."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any, Final, cast

from telegram import Chat, User

from sayso.bots.chats import AnswerUnusable, DeliveryProblem, Questions, SetUp
from sayso.bots.telegram._api import POLL_TIMEOUT, Api, make_api
from sayso.bots.telegram._settings import TelegramSettings
from sayso.config import DestinationSettings, Settings

_MAKE_BOT: Final = """\
Telegram
  1. Write /newbot to @BotFather, and give the bot a name. The answer contains the token."""

_GROUP: Final = "telegram.group"


@dataclass(frozen=True, slots=True)
class _Written:
    """The group that the message was written in, and by whom; nobody where the group was given."""

    chat_id: int
    person: int | None


async def set_up(settings: Settings, questions: Questions) -> SetUp:
    """See `HasSetUp`."""
    section = settings.section(TelegramSettings) or TelegramSettings()
    questions.say(_MAKE_BOT)
    token = await questions.ask(
        "telegram.token", "Token of the bot", lambda given: _read_token(section, given), is_secret=True
    )
    async with _api_of(section, token) as api:
        try:
            with api.calling() as bot:
                me = await bot.get_me()
            given = questions.given(_GROUP)
            written = await _wait(api, me, questions) if given is None else _Written(_read_id(given), None)
            return await _found(api, me, written, questions)
        except DeliveryProblem as problem:
            raise AnswerUnusable(_GROUP, f"{problem}.") from problem


def _api_of(section: TelegramSettings, token: str) -> Api:
    return make_api(TelegramSettings.model_validate({**section.model_dump(), "token": token}))


async def _read_token(section: TelegramSettings, given: str) -> str:
    async with _api_of(section, given) as api:
        try:
            with api.calling() as bot:
                await bot.get_me()
        except DeliveryProblem as problem:
            raise AnswerUnusable("telegram.token", f"Telegram refused it: {problem}.") from problem
    return given


def _read_id(given: str) -> int:
    try:
        return int(given)
    except ValueError:
        raise AnswerUnusable(_GROUP, f"{given!r} is not the ID of a group, such as -1001234567890.") from None


async def _wait(api: Api, me: User, questions: Questions) -> _Written:
    """Until somebody writes the words that this terminal alone shows. Updates before it are dropped."""
    words = f"/start@{me.username} {secrets.token_hex(3)}"
    questions.say(
        f"Connected as @{me.username}. Add it to the group for its cards, and write there:\n\n    {words}\n\n"
        "Waiting for that message."
    )
    try:
        async with asyncio.timeout(questions.patience.total_seconds()):
            offset: int | None = None
            while True:
                with api.calling() as bot:
                    updates = await bot.fetch(
                        offset, ["message"], limit=100, seconds=POLL_TIMEOUT, within=POLL_TIMEOUT + 10
                    )
                for update in cast("list[dict[str, Any]]", updates):
                    offset = int(update["update_id"]) + 1
                    if (found := _read_message(update.get("message") or {}, words)) is not None:
                        return found
    except TimeoutError:
        raise AnswerUnusable(_GROUP, "the message did not arrive in time. Run `sayso init` again.") from None


def _read_message(message: dict[str, Any], words: str) -> _Written | None:
    if str(message.get("text", "")).strip() != words:
        return None
    chat = message["chat"]
    if chat["type"] not in (Chat.GROUP, Chat.SUPERGROUP):
        return None
    is_anonymous = "sender_chat" in message
    return _Written(int(chat["id"]), None if is_anonymous else int(message["from"]["id"]))


async def _found(api: Api, me: User, written: _Written, questions: Questions) -> SetUp:
    chat_id = written.chat_id
    with api.calling(chat_id) as bot:
        chat = await bot.get_chat(chat_id)
    with api.calling(chat_id) as bot:
        status = (await bot.get_chat_member(chat_id, me.id)).status
    person = None if written.person is None else f"telegram:{written.person}"
    questions.say(f"Found {chat.title!r} ({chat_id}){'' if person is None else f', and you ({person})'}.")
    if status == "administrator":
        audience: dict[str, Any] = {"audience": "members"}
    elif person is not None:
        audience = {"audience": (person,)}
        questions.say(
            "Only you may answer there. To let all members answer, make the bot an administrator (it needs no "
            'rights) and write audience = "members" in sayso.toml.'
        )
    else:
        raise AnswerUnusable(_GROUP, "make the bot an administrator (it needs no rights), then try again.")
    return SetUp(f"telegram:{chat_id}", DestinationSettings(name=chat.title, **audience), person)
