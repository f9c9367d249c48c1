"""Calls of the Bot API, with the library's errors as what follows from them."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Self, cast

from telegram import Bot
from telegram import error as telegram_error

from sayso.bots.chats import (
    ContentRefused,
    DeliveryProblem,
    MessageGone,
    Throttled,
    Unclear,
    Undeliverable,
    UnknownRefusal,
    proxy_for,
)
from sayso.bots.telegram._request import Request
from sayso.bots.telegram._settings import TelegramSettings
from sayso.config import InvalidSettings, read_secret

POLL_TIMEOUT = 50
"""Seconds of one long poll; the Bot API takes at most 50."""

_TIMEOUT = 10.0
_OTHERS = "calls about no chat"
"""The budget key of calls that are no messages: no message waits for them."""

_GONE = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message to delete not found",
)
_PASSING = (
    "chat not found",
    "not enough rights",
    "have no rights",
    "chat_write_forbidden",
)
"""What Telegram says too while a server of its own starts, or somebody changes rights."""
_DEAD = (
    *_PASSING,
    "group chat was deactivated",
    "message thread not found",
    "topic_closed",
    "topic_deleted",
    "user not found",
    "peer_id_invalid",
)
_UNFIT = (
    "can't parse entities",
    "message is too long",
    "message_too_long",
    "message text is empty",
    "message must be non-empty",
    "text must be encoded in utf-8",
    "caption is too long",
    "media_caption_too_long",
    "entities_too_long",
    "entity_",
    "button_",
    "inline keyboard",
    "reply markup",
    "reply_markup_",
)
"""How Telegram says that it takes a message nowhere (tdlib and the Bot API server: status 400)."""


_PAGE = ". Parsing the server response"
"""How the library goes on where an error came with a page of HTML: with all of it."""


def is_about_token(reason: str) -> bool:
    """Whether a destination was given up because Telegram refused the token, which concerns all of them alike."""
    return reason.startswith("Unauthorized")


class Moved(DeliveryProblem):
    """The group has another id now."""

    def __init__(self, chat_id: int) -> None:
        self.chat_id = chat_id
        super().__init__(f"the group moved to {chat_id}")


class TooLate(DeliveryProblem):
    """A press can no longer be acknowledged; what it decided stands."""


class PollerConflict(DeliveryProblem):
    """Somebody else takes this bot's updates."""


class NotModified(DeliveryProblem):
    """A message says already what it should."""

    def __init__(self) -> None:
        super().__init__("the message is as it should be")


class _Bot(Bot):
    """The library's, but that updates are fetched as they come: one that the library cannot read is none of the others'
    business (its own `get_updates` fails for all of them, again and again).
    """

    async def fetch(
        self, offset: int | None, kinds: Sequence[str], *, limit: int, seconds: int, within: float
    ) -> Sequence[object]:
        """The updates of some kinds from an offset on, which confirms those before it; waited for so many seconds."""
        asked = {"offset": offset, "limit": limit, "timeout": seconds, "allowed_updates": kinds}
        return cast("Sequence[object]", await self._post("getUpdates", asked, read_timeout=within))


class Api:
    """One bot's calls. `open` before the first, `close` after the last; `async with` does both. `rebuild` when nothing
    gets through.
    """

    def __init__(self, token: str, base_url: str, base_file_url: str) -> None:
        self._token = token
        self._base_url = base_url
        self._base_file_url = base_file_url
        self._bot: _Bot | None = None
        self._request: Request | None = None

    def is_of(self, token: str) -> bool:
        """Whether this is the bot of a token."""
        return self._token == token

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Make the connections' pool; the network is not used."""
        if self._bot is None:
            self._request = Request(_TIMEOUT, proxy_for(self._base_url))
            self._bot = _Bot(
                token=self._token,
                base_url=self._base_url,
                base_file_url=self._base_file_url,
                request=self._request,
                get_updates_request=self._request,
            )
            await self._request.initialize()  # the bot's own initialize() would ask the network

    async def close(self) -> None:
        """Close the connections; harmless when they are closed."""
        self._bot = None
        request, self._request = self._request, None
        if request is not None:
            await request.shutdown()

    async def rebuild(self) -> None:
        """Begin with new connections."""
        await self.close()
        await self.open()

    @contextmanager
    def calling(self, chat_id: int | None = None) -> Generator[_Bot]:
        """The bot, for one call, about a chat if it is. What goes wrong is raised as `DeliveryProblem`, of which
        `Moved`, `NotModified`, `TooLate` and `PollerConflict` are kinds too.
        """
        assert self._bot is not None, "open() comes first"
        try:
            yield self._bot
        except telegram_error.TelegramError as error:
            raise _translate(error, chat_id) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # The library raises whatever comes of an answer that is not as it knows them: what was asked is done.
            raise Unclear(f"the answer cannot be read: {type(error).__name__}: {error}") from error


def _translate(error: telegram_error.TelegramError, chat_id: int | None) -> DeliveryProblem:
    text = error.message.partition(_PAGE)[0]
    if _PAGE in error.message:
        return Unclear(text)  # of whoever stands in between, and not of Telegram
    match error:
        case telegram_error.RetryAfter():
            return Throttled(_retry_after(error), _OTHERS if chat_id is None else f"chat:{chat_id}")
        case telegram_error.ChatMigrated():
            return Moved(error.new_chat_id)
        case telegram_error.Conflict():
            return PollerConflict(text)
        case telegram_error.Forbidden():
            return Undeliverable(text)
        case telegram_error.InvalidToken():
            return Undeliverable(f"Unauthorized: {text}", may_pass=True)
        case telegram_error.BadRequest():
            return _translate_bad_request(text, chat_id)
        case _:
            return Unclear(text)


def _translate_bad_request(text: str, chat_id: int | None) -> DeliveryProblem:
    lowered = text.lower()
    if "message is not modified" in lowered:
        return NotModified()
    if "query is too old" in lowered or "query id is invalid" in lowered:
        return TooLate(text)
    if any(words in lowered for words in _GONE):
        return MessageGone()
    if any(words in lowered for words in _DEAD):
        is_person = chat_id is not None and chat_id > 0  # "chat not found": they never started the bot
        return Undeliverable(text, may_pass=not is_person and any(words in lowered for words in _PASSING))
    if any(words in lowered for words in _UNFIT):
        return ContentRefused(text)
    return UnknownRefusal(text)


def _retry_after(error: telegram_error.RetryAfter) -> timedelta:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library announces that it will be a timedelta
        wait = error.retry_after
    return wait if isinstance(wait, timedelta) else timedelta(seconds=wait)


def make_api(settings: TelegramSettings) -> Api:
    """The Bot API of the configured bot. Raises `InvalidSettings` where there is no token."""
    token = read_secret(settings.token, settings.token_file, "telegram.token")
    if token is None:
        raise InvalidSettings(
            "sayso.toml",
            "telegram.token",
            "it is missing",
            "Set SAYSO_TELEGRAM__TOKEN in the environment, or telegram.token_file. @BotFather gives one.",
        )
    base = settings.api_url.rstrip("/")
    return Api(token, f"{base}/bot", f"{(settings.file_url or f'{base}/file').rstrip('/')}/bot")
