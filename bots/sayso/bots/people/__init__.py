"""What platforms and settings say of people: who belongs to a chat or a group, looked up at once under one deadline.

What follows from it is for `answers`.
"""

from sayso.bots.people._groups import Belonging, Groups
from sayso.bots.people._look_ups import (
    Arrival,
    Known,
    at_once,
    both,
    in_time,
    known,
    look_up_deadline,
)
from sayso.bots.people._membership import CLOSED, NOBODY, LookUpFailed, LookUpThrottled, Members, Membership
from sayso.bots.people._turns import Turn, Turns

__all__ = [
    "CLOSED",
    "NOBODY",
    "Arrival",
    "Belonging",
    "Groups",
    "Known",
    "LookUpFailed",
    "LookUpThrottled",
    "Members",
    "Membership",
    "Turn",
    "Turns",
    "at_once",
    "both",
    "in_time",
    "known",
    "look_up_deadline",
]
