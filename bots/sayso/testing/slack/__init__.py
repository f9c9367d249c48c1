"""A strict local Slack: the Web API and Socket Mode over real HTTP, and people who use the bot as people do."""

from sayso.testing.platform import Call, FaultKind, Hold, Impossible, LocalClock
from sayso.testing.slack._limits import SlackLimits
from sayso.testing.slack._people import SlackPerson, SlackPress
from sayso.testing.slack._places import Place, SlackUserGroup
from sayso.testing.slack._schema import check_blocks, check_options, check_view
from sayso.testing.slack._server import LocalSlack
from sayso.testing.slack._view import (
    PressResult,
    SeenButton,
    SeenFile,
    SeenInput,
    SeenMessage,
    SeenSelect,
    SeenView,
)

__all__ = [
    "Call",
    "FaultKind",
    "Hold",
    "Impossible",
    "LocalClock",
    "LocalSlack",
    "Place",
    "PressResult",
    "SeenButton",
    "SeenFile",
    "SeenInput",
    "SeenMessage",
    "SeenSelect",
    "SeenView",
    "SlackLimits",
    "SlackPerson",
    "SlackPress",
    "SlackUserGroup",
    "check_blocks",
    "check_options",
    "check_view",
]
