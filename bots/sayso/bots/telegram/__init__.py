"""The Telegram bot: connections, updates, cards."""

from sayso.bots.telegram._platform import TELEGRAM, guest, host
from sayso.bots.telegram._settings import TelegramSettings

__all__ = ["TELEGRAM", "TelegramSettings", "guest", "host"]
