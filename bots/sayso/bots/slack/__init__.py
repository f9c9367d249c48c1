"""The Slack bot: sockets or signed requests, cards, modals, home, commands; also within a team's own Bolt app."""

from sayso.bots.slack._platform import SLACK, guest, host
from sayso.bots.slack._settings import SlackSettings

__all__ = ["SLACK", "SlackSettings", "guest", "host"]
