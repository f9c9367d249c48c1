"""The Telegram bot: connections, updates, cards."""

from sayso.bots.telegram._api import Api
from sayso.bots.telegram._bot import PRESSES_KEPT, WEBHOOK_PATH, TelegramBot, check

__all__ = ["PRESSES_KEPT", "WEBHOOK_PATH", "Api", "TelegramBot", "check"]
