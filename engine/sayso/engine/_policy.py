"""Who may answer, and when a set of votes decides. Pure values and one pure function.

Until team policies exist there is one policy: the first answer of somebody who was asked. Somebody was asked when
they come in by a surface or destination that the request was sent to, or when the audience names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from sayso.engine._values import Json
from sayso.engine.errors import InvalidRequest

OPERATOR = "operator"
"""In an audience: whoever is let in at one of this machine's own surfaces."""

LOCAL_SURFACES = frozenset({"console", "web", "api"})
"""The surfaces that `operator` stands for."""

CODE = "code"
"""The way in of trusted code in the process: input by name, `WorkflowEngine.run({...})`."""

_PERSON_KINDS = frozenset({"local", "web", "token"})
_CHAT_KINDS = frozenset({"slack", "telegram"})


@dataclass(frozen=True, slots=True)
class Fact:
    """Something looked up outside before the answer's transaction, such as a group's membership, with its age."""

    name: str
    value: Json
    as_of: datetime


class Policy(msgspec.Struct, frozen=True, gc=False):
    """The policy of a request as stored with it: the first answer from its audience decides."""

    audience: tuple[str, ...]


class Vote(msgspec.Struct, frozen=True, gc=False):
    """One person's say. `via` is the surface or destination it came in by."""

    person: str
    via: str
    value: Json
    at: datetime
    comment: str | None = None
    facts: tuple[Fact, ...] = ()


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What a set of votes amounts to: the deciding value if `decided`, and who may not vote and why."""

    decided: bool
    value: Json
    refused: dict[str, str]


def evaluate(policy: Policy, votes: Sequence[Vote], now: datetime) -> Verdict:  # noqa: ARG001 - for times to come
    """Decide by the set of current votes (one a person), not by their order.

    Votes of people who were not asked are refused and do not count. An empty audience is nobody. Where several
    count, the earliest decides, and of two at the same instant that of the person whose id sorts first.
    `now` is for the policies with times; this one has none.
    """
    refused: dict[str, str] = {}
    first: Vote | None = None
    for vote in votes:
        if not _was_asked(policy, vote):
            refused[vote.person] = _refusal(policy)
        elif first is None or (vote.at, vote.person) < (first.at, first.person):
            first = vote
    return Verdict(decided=first is not None, value=None if first is None else first.value, refused=refused)


def _was_asked(policy: Policy, vote: Vote) -> bool:
    audience = policy.audience
    if vote.via in audience or vote.person in audience:
        return True
    if vote.via == CODE:
        return bool(audience)
    return vote.via in LOCAL_SURFACES and OPERATOR in audience


def _refusal(policy: Policy) -> str:
    asked = ", ".join(policy.audience) or "nobody"
    return f"This is not yours to answer. It was asked of {asked}."


def parse_audience(to: str | Sequence[str] | None) -> tuple[str, ...]:
    """The audience of `to=`: destinations, people, or `operator`, which it is when nothing is named.

    An empty list is nobody. Raises `InvalidRequest` for what names neither a destination nor a person.
    """
    if to is None:
        return (OPERATOR,)
    entries = (to,) if isinstance(to, str) else tuple(to)
    for entry in entries:
        if not _is_audience(entry):
            raise InvalidRequest(
                "to",
                f"{entry!r} names nobody. Use console, web, api, operator, a chat such as slack:#releases or "
                "telegram:-100123, or a person such as local:ana",
            )
    return tuple(dict.fromkeys(entries))


def _is_audience(entry: object) -> bool:
    if not isinstance(entry, str):
        return False
    if entry == OPERATOR or entry in LOCAL_SURFACES:
        return True
    kind, _, name = entry.partition(":")
    return bool(name) and (kind in _PERSON_KINDS or kind in _CHAT_KINDS or kind.isidentifier())


def destinations(audience: Sequence[str]) -> list[str]:
    """Those of an audience that are places for messages: chats and people there. The terminal and the web inbox list
    what is open and need none.
    """
    return [entry for entry in audience if ":" in entry and entry.partition(":")[0] not in _PERSON_KINDS]
