"""Grants in words: what an approver may choose, what that covers, and how a grant stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sayso.adapters.cards._text import cut
from sayso.adapters.cards._words import Words
from sayso.adapters.console import SHORTEST, person_name, visible_line
from sayso.engine import (
    ANY,
    CardRecord,
    CastVote,
    GrantRecord,
    Grants,
    Offer,
    RequestRecord,
    batch_number,
    differences,
    offered,
)

_LONGEST_NAME = 60
_MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class Longer:
    """One way to approve beyond this one request. `index` is its position, which buttons carry; `key` what an answer
    says.
    """

    index: int
    key: str
    label: str


def longer(record: CardRecord) -> tuple[Longer, ...]:
    """What an approver may choose beside one approval, while the request is open."""
    return _offered(record.request)


def _offered(request: RequestRecord) -> tuple[Longer, ...]:
    found = offered(request.policy, request.question) if request.open else ()
    return tuple(Longer(position, one.key, _label(one)) for position, one in enumerate(found))


def _label(offer: Offer) -> str:
    match offer.kind:
        case "session":
            return "Approve for this session"
        case "duration":
            return f"Approve for {long_duration(offer.lasts)}"
        case _:
            return f"Approve this and {offer.uses} more"


def covers(record: CardRecord) -> Words | None:
    """What longer approvals of an open request cover; None where none are offered."""
    # Beside other questions, "this" could be any of them.
    like = "this one" if batch_number(record) is None else "the one you approve"
    return _covers(record.request, longer(record), like)


def _covers(request: RequestRecord, found: Sequence[Longer], like: str) -> Words | None:
    if not found or request.policy is None or request.policy.grants is None:
        return None
    of_session = [one.key for one in found] == ["session"]
    ends = long_duration(request.policy.grants.longest)
    scope = grant_scope(
        request, of_session=of_session, is_session_offered=found[0].key == "session", like=like
    )
    return (f"A longer approval covers {scope}. It ends within {ends}, and you can revoke it.",)


def longer_command(request: RequestRecord) -> tuple[str, str] | None:
    """The command that approves beyond a request, with the ways that are offered, and what that covers; None where
    nothing is.
    """
    found = _offered(request)
    words = _covers(request, found, "this one")
    if words is None:
        return None
    ways = "|".join(one.key for one in found)
    yes = "yes" if request.question.input_type == "confirm" else "approve"
    return f"sayso answer {request.id}@{request.revision} {yes} --grant {ways}", str(words[0])


def grant_scope(
    request: RequestRecord, *, of_session: bool, is_session_offered: bool = False, like: str = "this one"
) -> str:
    """What a grant of a request covers, as the rest of a sentence that calls it `like`; nothing where the policy offers
    none any more.
    """
    grants = None if request.policy is None else request.policy.grants
    if grants is None:
        return ""
    asker = cut(person_name(grants.asked_by, {}), _LONGEST_NAME)
    differ = differences(grants, request.question.details, of_session=of_session)
    parts = [_difference(grants, name, pattern, is_session_offered) for name, pattern in differ[:_MOST_NAMED]]
    parts += [f"{len(differ) - _MOST_NAMED} others by their patterns"] if len(differ) > _MOST_NAMED else []
    apart = f", apart from {', '.join(parts)}" if parts else ""
    return f"later requests from {asker} that are exactly like {like}{apart}"


def _difference(grants: Grants, name: str, pattern: str, is_session_offered: bool) -> str:  # noqa: FBT001
    shown = cut(visible_line(name), _LONGEST_NAME)
    if name == grants.session:
        return f"{shown} (any, unless it is for this session)" if is_session_offered else f"{shown} (any)"
    return f"{shown} (any)" if pattern == ANY else f"{shown} ({cut(visible_line(pattern), _LONGEST_NAME)})"


def granted(record: CardRecord) -> list[Words]:
    """A line for each grant that was made with a request: how it stands, and how to end it."""
    return [_granted(record, one) for one in record.grants]


def _granted(record: CardRecord, grant: GrantRecord) -> Words:
    if grant.revoked_at is not None:
        by = person_name(grant.revoked_by or "", record.names)
        return (f"Longer approval revoked by {cut(by, _LONGEST_NAME)} ", grant.revoked_at)
    if grant.is_used_up:
        return (f"Longer approval used up: {grant.used} of {grant.uses}",)
    asker = cut(person_name(grant.asked_by, {}), _LONGEST_NAME)
    times = "" if grant.uses is None else f", {grant.uses} at most"
    how = f"{times} · revoke it under Grants in the inbox, or: sayso grants revoke {grant.id[:SHORTEST]}"
    said: list[str | datetime] = [f"The same from {asker} is approved until ", grant.expires_at, how]
    return tuple(said)


def granted_words(record: CardRecord, account: str, offer: str) -> Words:
    """What somebody is told who granted this just now, behind the words about their approval."""
    made = [one for one in record.grants if (one.account, one.offer) == (account, offer)]
    if not made:
        return ()
    asker = cut(person_name(made[-1].asked_by, {}), _LONGEST_NAME)
    times = "" if made[-1].uses is None else f", {made[-1].uses} at most"
    return (f" The same from {asker} is approved until ", made[-1].expires_at, f"{times}.")


def used_words(record: CardRecord, vote: CastVote) -> str:
    """By which grant a vote came, as its voter."""
    assert vote.grant is not None
    whose = cut(person_name(vote.grant.granted_by, record.names), _LONGEST_NAME)
    which = f"{vote.grant.use}" if vote.grant.of is None else f"{vote.grant.use} of {vote.grant.of}"
    return f"by {whose}'s grant {vote.grant.id[:SHORTEST]}, use {which},"


def long_duration(duration: timedelta) -> str:
    """A duration in words: 1 day, 4 hours, 30 minutes."""
    seconds = int(duration.total_seconds())
    parts: list[str] = []
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, size)
        parts += [f"{count} {unit}{'' if count == 1 else 's'}"] if count else []
    return " ".join(parts)
