"""The Slack bot: sockets or signed requests, cards, modals, the app's home, commands."""

from sayso.bots.slack._platform import SLACK
from sayso.bots.slack._settings import SlackSettings

__all__ = ["SLACK", "SlackSettings"]
