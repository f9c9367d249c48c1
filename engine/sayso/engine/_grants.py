"""Grants: an approval that holds for a while. What a policy offers, what a grant covers, and what may differ. Pure.

An approver who may approve a question alone can grant it: later questions of the same asker that are exactly like it
are approved without asking people, until an instant and, if so chosen, a number of times. Two questions are alike if
their coverage is the same text: the policy with its version, who asks, what is asked, and every detail, as canonical
JSON. Numbers are compared as they are written: 1 is not 1.0.

| a detail | in the coverage |
|---|---|
| that names the session, in a grant that is not for the session alone | that it may be any |
| that is a plain text and matches the policy's pattern for it | the pattern |
| any other | itself |
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias, cast

import msgspec

from sayso.engine._values import Json, decode_dict, digest, encode_sorted
from sayso.engine.errors import InvalidRequest

GRANT: Final = "grant"
"""The way by which the answer of a grant comes, and what its name begins with: `grant:ID`."""

ANY: Final = "*"
"""The pattern of a detail that may be anything."""

LONGEST_GRANT = timedelta(days=7)
"""No grant lasts longer."""

_SHORTEST = timedelta(minutes=1)
_MOST_TIMES = 1000
_MOST_DURATIONS = 4
_WORD = "[A-Za-z0-9_][A-Za-z0-9_.-]*"
"""What a star in a pattern stands for: it begins no option, and is no path, no second word and nothing for a shell."""

_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


class Grants(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What approvers may grant beyond one approval. Every grant ends after `longest`, at most 7 days, or sooner:
    `durations` are offered as times, `times` as a number of uses. `session` is the name of the detail that names the
    asker's session, and has "for this session" offered. `patterns` say which other details may differ and how: `*`
    alone is anything, and a star within a text is letters, digits, `_`, `.` and `-`.

    Filled in when a question is asked: `asked_by`, the program whose questions it is about. Raises `InvalidRequest`.
    """

    longest: timedelta
    durations: Sequence[timedelta] = ()
    times: int | None = None
    session: str | None = None
    patterns: Mapping[str, str] = {}
    asked_by: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "durations", tuple(sorted(set(self.durations))))
        msgspec.structs.force_setattr(self, "patterns", dict(self.patterns))
        if not _SHORTEST <= self.longest <= LONGEST_GRANT:
            raise _invalid(f"longest={duration_text(self.longest)} must be between 1m and 7d")
        if not (self.durations or self.times is not None or self.session is not None):
            raise _invalid("nothing is offered; set durations, times or session")
        if len(self.durations) > _MOST_DURATIONS:
            raise _invalid(f"{len(self.durations)} durations are too many; offer at most {_MOST_DURATIONS}")
        for one in self.durations:
            if not _SHORTEST <= one <= self.longest:
                raise _invalid(f"the duration {duration_text(one)} must be between 1m and longest")
        if self.times is not None and not 1 <= self.times <= _MOST_TIMES:
            raise _invalid(f"times={self.times} must be between 1 and {_MOST_TIMES}")
        for name, pattern in self.patterns.items():
            if name == self.session:
                raise _invalid(f"{name!r} names the session, so it has no pattern")
            if ANY not in pattern:
                raise _invalid(
                    f"the pattern {pattern!r} of {name!r} has no *, and every detail is exact anyway"
                )


class Offer(msgspec.Struct, frozen=True, gc=False):
    """One way to grant a question: for how long at most and, if so limited, how often. Its `key` says which it is."""

    key: str
    kind: Literal["session", "duration", "times"]
    lasts: timedelta
    uses: int | None = None


class GrantUse(msgspec.Struct, frozen=True, gc=False):
    """The use of a grant that answered a question: which grant, by whom, the how many-eth use of how many (None: not
    limited), and when the grant ends.
    """

    id: str
    granted_by: str
    use: int
    of: int | None
    expires_at: datetime

    @property
    def person(self) -> str:
        """Its id among those of people."""
        return f"{GRANT}:{self.id}"


class GrantRecord(msgspec.Struct, frozen=True, gc=False):
    """A grant as stored: the request on which it was made, with what that asked and of which policy; who granted it, by
    which account and way; and its uses and end. `offer` is the key of what was chosen.
    """

    id: str
    request_id: str
    run_id: str
    prompt: str | None
    asked_by: str
    policy: str
    version: str
    granted_by: str
    account: str
    via: str
    offer: str
    comment: str | None
    made_at: datetime
    expires_at: datetime
    uses: int | None
    used: int
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    @property
    def is_used_up(self) -> bool:
        """Whether no use is left."""
        return self.uses is not None and self.used >= self.uses

    def stands(self, now: datetime) -> bool:
        """Whether it can answer questions at an instant, as far as it knows itself."""
        return self.status(now) == "active"

    def status(self, now: datetime) -> Literal["active", "used_up", "expired", "revoked"]:
        """Its state at an instant, in a word."""
        if self.revoked_at is not None:
            return "revoked"
        return "used_up" if self.is_used_up else "active" if now < self.expires_at else "expired"


class UsedGrant(msgspec.Struct, frozen=True, gc=False):
    """One use of a grant: its number, the request that it answered, and when."""

    use: int
    request_id: str
    at: datetime


Exactness: TypeAlias = tuple[tuple[str, str], ...]
"""The details that may differ: the name of each, and its pattern."""


def check_grants(
    grants: Grants | None,
    four_eyes: Sequence[str],
    stages: Sequence[tuple[int | str, bool]],
    comment: Sequence[str],
) -> None:
    """Raise `InvalidRequest` where a policy offers grants, and has something that asks for more than one person's yes
    each time, or for words of theirs. `four_eyes` are the settings that say which people may approve; a stage has how
    many it needs, and whether somebody may veto.
    """
    if grants is None:
        return
    others = {
        "other than one stage": len(stages) != 1,
        "need other than 1": any(need != 1 for need, _ in stages),
        "veto": any(may_veto for _, may_veto in stages),
        "a comment required to approve": "approve" in comment,
    }
    found = [*four_eyes, *(name for name, is_so in others.items() if is_so)]
    if found:
        raise _invalid(
            f"they approve without people, which does not go with {' and '.join(found)}: leave grants out, or move "
            "them to another policy"
        )


def offers(grants: Grants | None, details: Json) -> tuple[Offer, ...]:
    """What may be granted about a question with these details; nothing where it is not known who asks."""
    if grants is None or not grants.asked_by:
        return ()
    found: list[Offer] = []
    if _session(grants, details) is not None:
        found.append(Offer("session", "session", grants.longest))
    found += [Offer(duration_text(one), "duration", one) for one in grants.durations]
    if grants.times is not None:
        found.append(Offer(f"{grants.times}x", "times", grants.longest, grants.times))
    return tuple(found)


def find_offer(grants: Grants | None, details: Json, key: str) -> Offer | None:
    """The offer of this key, if it is one for these details."""
    return next((one for one in offers(grants, details) if one.key == key), None)


def differences(grants: Grants, details: Json, *, of_session: bool) -> Exactness:
    """The details that may differ in what a grant covers, in their order."""
    if not isinstance(details, dict):
        return ()
    found: list[tuple[str, str]] = []
    for name, value in details.items():
        if name == grants.session:
            found += [] if of_session or not isinstance(value, str) else [(name, ANY)]
        elif name in grants.patterns and isinstance(value, str) and fits(grants.patterns[name], value):
            found.append((name, grants.patterns[name]))
    return tuple(found)


def coverage(
    grants: Grants,
    question: str,
    note: str | None,
    requested_by: str | None,
    policy: tuple[str | None, str],
    *,
    of_session: bool,
) -> str:
    """The digest of what a grant of a question covers: the same for every question that it answers. `question` is its
    text as stored, `policy` the name and version of the policy.
    """
    asked = decode_dict(question)
    details = asked["details"]
    differ = dict(differences(grants, details, of_session=of_session))
    if isinstance(details, dict):
        asked["details"] = {
            name: [0, differ[name]] if name in differ else [1, value] for name, value in details.items()
        }
    covered: dict[str, object] = {
        "asked": asked,
        "note": note,
        "requested_by": requested_by,
        "asked_by": grants.asked_by,
        "policy": list(policy),
        "session": of_session,
    }
    return digest(encode_sorted(covered))


def coverages(
    grants: Grants, question: str, note: str | None, requested_by: str | None, policy: tuple[str | None, str]
) -> tuple[str, ...]:
    """The digests of all that may cover a question: what is for its session alone, and what is not."""
    details = decode_dict(question)["details"]
    kinds = (True, False) if _session(grants, details) is not None else (False,)
    return tuple(coverage(grants, question, note, requested_by, policy, of_session=one) for one in kinds)


def fits(pattern: str, value: str) -> bool:
    """Whether a text is one of those that a pattern means."""
    if pattern == ANY:
        return True
    if ".." in value and ".." not in pattern:
        return False
    return re.fullmatch(_WORD.join(map(re.escape, pattern.split(ANY))), value) is not None


def duration_text(duration: timedelta) -> str:
    """A duration as settings say it: `1h30m`."""
    seconds, parts = int(duration.total_seconds()), ""
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        parts += f"{count}{unit}" if count else ""
    return parts or "0s"


def _session(grants: Grants, details: Json) -> str | None:
    """The session that the details name; None where they do not."""
    if grants.session is None or not isinstance(details, dict):
        return None
    found = cast("dict[str, Any]", details).get(grants.session)
    return found if isinstance(found, str) and found.strip() else None


def _invalid(reason: str) -> InvalidRequest:
    return InvalidRequest("policy", f"grants: {reason}")
