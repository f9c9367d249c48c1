"""The Slack bot: sockets or signed requests, cards, modals, the app's home, commands."""

from sayso.bots.slack._bot import SlackBot, check

__all__ = ["SlackBot", "check"]
