"""What goes wrong in the chats meanwhile: faults of both local platforms, drawn at random."""

from __future__ import annotations

import random

from sayso.testing.platform import FaultKind
from sayso.testing.slack import LocalSlack
from sayso.testing.telegram import LocalTelegram

KINDS = (
    FaultKind.SERVER_ERROR,
    FaultKind.BAD_GATEWAY,
    FaultKind.RESET,
    FaultKind.RESET_AFTER,
    FaultKind.HANG,
    FaultKind.TOO_MANY_REQUESTS,
)
SLACK_METHODS = ("chat.postMessage", "chat.update", "apps.connections.open", "users.info")
TELEGRAM_METHODS = ("sendMessage", "editMessageText", "getUpdates", "answerCallbackQuery")
RETRY_AFTER = 2


def break_something(chance: random.Random, slack: LocalSlack, telegram: LocalTelegram) -> None:
    """Plan one fault for the next call of some method."""
    kind = chance.choice(KINDS)
    if chance.random() < 0.5:
        slack.fail(kind, chance.choice(SLACK_METHODS), retry_after=RETRY_AFTER)
    else:
        telegram.fail(kind, chance.choice(TELEGRAM_METHODS), retry_after=RETRY_AFTER)
