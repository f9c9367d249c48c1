"""The service, put together: workflows, platforms, outbox and HTTP as one object.

What each part does is its own room's.
"""

from sayso.bots.service._hosted import Hosted
from sayso.bots.service._logs import MOST_ALIKE, REPEATS_WITHIN, Repeats, set_up_logging
from sayso.bots.service._operators import OperatorDesk
from sayso.bots.service._press_check import check_presses, try_first_card
from sayso.bots.service._sayso import NotServing, Sayso

__all__ = [
    "MOST_ALIKE",
    "REPEATS_WITHIN",
    "Hosted",
    "NotServing",
    "OperatorDesk",
    "Repeats",
    "Sayso",
    "check_presses",
    "set_up_logging",
    "try_first_card",
]
