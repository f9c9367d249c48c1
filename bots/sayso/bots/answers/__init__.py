"""From a press, a command or a typed reply to an answer: who it is, whether they may, and what they are told.

How it came and how its words get back is the platform's, the inbox's or the API's.
"""

from sayso.bots.answers._answering import Answering
from sayso.bots.answers._commands import Command, Commands, Reply, has_voted
from sayso.bots.answers._desk import Answered, Desk, choice_of, granting
from sayso.bots.answers._links import SURE, Links, called
from sayso.bots.answers._offers import Offers
from sayso.bots.answers._stand_ins import StandIns
from sayso.bots.answers._starts import Start, Starts
from sayso.bots.answers._ways_in import WaysIn

__all__ = [
    "SURE",
    "Answered",
    "Answering",
    "Command",
    "Commands",
    "Desk",
    "Links",
    "Offers",
    "Reply",
    "StandIns",
    "Start",
    "Starts",
    "WaysIn",
    "called",
    "choice_of",
    "granting",
    "has_voted",
]
