"""What has to be mended before the Telegram bot works, each with what to do."""

from __future__ import annotations

from telegram import ChatMemberRestricted

from sayso.bots.chats import DeliveryProblem, Finding
from sayso.bots.telegram._api import Api, make_api
from sayso.bots.telegram._chats import PLATFORM, Chats
from sayso.bots.telegram._settings import TelegramSettings
from sayso.config import Destination, Members, Settings

UPDATES = "Telegram updates"
"""What findings about the way that updates come are about."""

_PRESENT = frozenset({"creator", "administrator", "member", "restricted"})


async def check_telegram(
    api: Api, chats: Chats, settings: Settings, telegram: TelegramSettings
) -> list[Finding]:
    """Ask Telegram about the token, the webhook and every configured chat."""
    try:
        with api.calling() as bot:
            me = await bot.get_me()
    except DeliveryProblem as problem:
        return [
            Finding.bad(
                "Telegram token",
                f"rejected by Telegram, or Telegram is unreachable: {problem}",
                "Copy the token from @BotFather (/mybots, API Token), and check telegram.api_url.",
            )
        ]
    findings = [Finding.good("Telegram token", f"valid: @{me.username}")]
    findings.append(await _check_updates(api, telegram))
    places = [one for one in settings.chats() if one.platform == PLATFORM]
    findings += [await _check_chat(api, one, chats.id_of(one), me.id) for one in places]
    found = {name: given.platforms.get(PLATFORM) for name, given in settings.groups.items()}
    groups = {name: group for name, group in found.items() if group is not None}
    return findings + [await _check_group(api, name, chats.now(int(group))) for name, group in groups.items()]


async def _check_updates(api: Api, telegram: TelegramSettings) -> Finding:
    subject = UPDATES
    try:
        with api.calling() as bot:
            info = await bot.get_webhook_info()
    except DeliveryProblem as problem:
        return Finding.bad(subject, str(problem), "Try again.")
    url = info.url
    if telegram.mode == "polling":
        if url:
            return Finding.bad(
                subject,
                f"a webhook is set: {url}",
                "`sayso serve` removes it. If another program uses this bot, create a separate bot for sayso.",
            )
        return Finding.good(subject, "received by polling")
    error = info.last_error_message
    if error and info.pending_update_count:  # an error alone may be long over
        return Finding.bad(
            subject, f"Telegram could not deliver to {url}: {error}", "Check telegram.webhook_url."
        )
    return Finding.good(subject, f"received at {telegram.webhook_url}")


async def _check_group(api: Api, name: str, chat_id: int) -> Finding:
    subject = f"group:{name}"
    try:
        with api.calling(chat_id) as bot:
            found = await bot.get_chat_administrators(chat_id)
    except DeliveryProblem as problem:
        return Finding.bad(
            subject, f"Telegram's {chat_id}: {problem}", "Add the bot to the group, and check the ID."
        )
    count = sum(not one.user.is_bot for one in found)
    return Finding.good(subject, f"Telegram's {chat_id} has {count} administrator{'' if count == 1 else 's'}")


async def _check_chat(api: Api, destination: Destination, chat_id: int, bot_id: int) -> Finding:
    try:
        with api.calling(chat_id) as bot:
            chat = await bot.get_chat(chat_id)
        if destination.is_direct:
            return Finding.good(destination.name, "the person has started the bot")
        with api.calling(chat_id) as bot:
            member = await bot.get_chat_member(chat_id, bot_id)
    except DeliveryProblem as problem:
        what = (
            "Have the person open the bot and press Start."
            if destination.is_direct
            else "Add the bot to the group."
        )
        return Finding.bad(destination.name, str(problem), what)
    title = chat.title or str(chat_id)
    if member.status not in _PRESENT:
        return Finding.bad(destination.name, f"the bot is not in {title!r}", "Add the bot to the group.")
    if isinstance(member, ChatMemberRestricted) and not member.can_send_messages:
        return Finding.bad(
            destination.name, f"the bot may not write in {title!r}", "Give it the right to send messages."
        )
    if isinstance(destination.audience, Members) and member.status != "administrator":
        return Finding.bad(
            destination.name,
            f"the bot is not an administrator of {title!r}, so it cannot look up members",
            'Make it an administrator (no rights are needed), or list people: audience = ["telegram:..."].',
        )
    return Finding.good(destination.name, f"the bot is in {title!r}")


async def check(settings: Settings) -> list[Finding]:
    """What has to be mended before the bot works, asked of Telegram alone. Raises `InvalidSettings`."""
    telegram = settings.needed_section(TelegramSettings)
    async with make_api(telegram) as api:
        return await check_telegram(api, Chats(settings), settings, telegram)
