"""By what lists find the open requests of somebody: the entries that mean them. What is theirs to answer, the policy
says.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from sayso.engine._audience import LOCAL_SURFACES, OPERATOR, is_program
from sayso.engine._policy import Vote


class Role(StrEnum):
    """How an open request concerns somebody: they may answer it, now or later, or they asked for it."""

    ANSWERS = "ANSWERS"
    ASKED = "ASKED"


Interest: TypeAlias = "tuple[Role, str]"
"""A role and an entry: open requests are listed by those."""


def interests(vote: Vote, *, asked: bool = True) -> tuple[Interest, ...]:
    """Keys for finding the requests that somebody may come to answer, and those that they `asked` for. Every
    request on which `evaluate` would take their vote is among them.
    """
    ids = (vote.person, *vote.accounts)
    entries = [*ids, vote.via, *(fact.name for fact in vote.facts if fact.value is True)]
    if vote.via in LOCAL_SURFACES and not any(map(is_program, ids)):
        entries.append(OPERATOR)
    found = [(Role.ANSWERS, entry) for entry in entries]
    return tuple(dict.fromkeys([*found, *((Role.ASKED, one) for one in ids if asked)]))
