"""The service, put together: workflows, platforms, outbox and HTTP as one object.

What each part does is its own room's.
"""

from sayso.bots.service._logs import MOST_ALIKE, REPEATS_WITHIN, Repeats, set_up_logging
from sayso.bots.service._operators import OperatorDesk
from sayso.bots.service._platforms import check_platforms, make_platforms
from sayso.bots.service._press_check import check_presses
from sayso.bots.service._sayso import Plan, serve

__all__ = [
    "MOST_ALIKE",
    "REPEATS_WITHIN",
    "OperatorDesk",
    "Plan",
    "Repeats",
    "check_platforms",
    "check_presses",
    "make_platforms",
    "serve",
    "set_up_logging",
]
