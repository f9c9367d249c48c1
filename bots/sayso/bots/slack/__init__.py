"""The Slack bot: sockets or signed requests, cards, modals, the app's home, commands."""

from sayso.bots.slack._platform import SLACK

__all__ = ["SLACK"]
