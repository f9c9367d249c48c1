"""A strict local Telegram: the Bot API over real HTTP, and people who use the bot as people do."""

from sayso.testing.platform import Call, FaultKind, Hold, Impossible, LocalClock
from sayso.testing.telegram._groups import Group
from sayso.testing.telegram._limits import TelegramLimits
from sayso.testing.telegram._people import Person, Press
from sayso.testing.telegram._server import LocalTelegram
from sayso.testing.telegram._state import CallbackQueryMode, PendingUpdate
from sayso.testing.telegram._view import PressResult, SeenButton, SeenDocument, SeenEntity, SeenMessage

__all__ = [
    "Call",
    "CallbackQueryMode",
    "FaultKind",
    "Group",
    "Hold",
    "Impossible",
    "LocalClock",
    "LocalTelegram",
    "PendingUpdate",
    "Person",
    "Press",
    "PressResult",
    "SeenButton",
    "SeenDocument",
    "SeenEntity",
    "SeenMessage",
    "TelegramLimits",
]
