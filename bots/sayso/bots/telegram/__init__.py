"""The Telegram bot: connections, updates, cards."""

from sayso.bots.telegram._platform import TELEGRAM

__all__ = ["TELEGRAM"]
