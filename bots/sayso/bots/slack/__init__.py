"""The Slack bot: sockets or signed requests, cards, modals, the app's home, commands."""

from sayso.bots.slack._bot import REQUEST_PATH, SlackBot, check

__all__ = ["REQUEST_PATH", "SlackBot", "check"]
