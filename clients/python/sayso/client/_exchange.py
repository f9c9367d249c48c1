"""One call of the service: what is sent, how its reply is read, and when it is tried again. Pure: nothing is sent here.

A program is a generator that yields calls and pauses and is sent replies, so that it runs blocking and in asyncio.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec

from sayso.client._errors import AlreadyUsed, KeyReused, NotApproved, Refused, SaysoError, Unreachable

T = TypeVar("T")

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0

_MULTIPLE_CHOICES, _BAD_REQUEST, _SERVER_ERROR = 300, 400, 500
_PASSING = frozenset({408, 425, 429})
"""Refusals that say: later (RFC 9110, RFC 8470, RFC 6585)."""

_BY_KIND: Mapping[str, type[Refused]] = {
    "AlreadyUsed": AlreadyUsed,
    "KeyReused": KeyReused,
    "NotApproved": NotApproved,
}


class Call(msgspec.Struct, frozen=True):
    """A call to make. `body` is sent unchanged; `timeout` is how many seconds each part of it may take."""

    method: str
    path: str
    timeout: float
    query: Mapping[str, Any] = {}
    body: bytes | None = None
    headers: Mapping[str, str] = {}


class Pause(msgspec.Struct, frozen=True):
    """Seconds to let pass."""

    seconds: float


class Reply(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes
    location: str | None = None
    retry_after: str | None = None


class NoReply(msgspec.Struct, frozen=True):
    """Nothing came back; why."""

    reason: str


Program: TypeAlias = Generator[Call | Pause, Reply | NoReply | None, T]


def is_passing(error: SaysoError) -> bool:
    """Whether the same call may succeed later."""
    if isinstance(error, Refused):
        return error.status >= _SERVER_ERROR or error.status in _PASSING
    return isinstance(error, Unreachable)


def once(call: Call, wanted: type[T]) -> Program[T]:
    """What one call is answered with. Raises `Refused`, `Unreachable`."""
    reply = yield call
    assert reply is not None
    return read(reply, wanted)


def repeatedly(call: Call, wanted: type[T], patience: float) -> Program[T]:
    """What a call is answered with, tried again for `patience` seconds while nothing is heard or the service cannot
    answer now. The call must be one that is done once however often it comes. Raises `Refused`, `Unreachable`.
    """
    end = time.monotonic() + patience
    pause = FIRST_PAUSE
    while True:
        reply = yield call
        assert reply is not None
        try:
            return read(reply, wanted)
        except (Refused, Unreachable) as error:
            rest = max(pause, _asked_pause(reply))
            if not is_passing(error) or time.monotonic() + rest > end:
                raise
        yield Pause(rest)
        pause = longer(pause)


def longer(pause: float) -> float:
    """The pause after a pause, not the same for all who wait for one service."""
    return min(pause * 2, LONGEST_PAUSE) * random.uniform(0.8, 1.0)  # noqa: S311 - no secret


def read(reply: Reply | NoReply, wanted: type[T]) -> T:
    """The value in a reply. Raises `Refused`, and `Unreachable` for what the service cannot have said."""
    if isinstance(reply, NoReply):
        raise Unreachable(reply.reason)
    if reply.status >= _MULTIPLE_CHOICES:
        raise _refusal(reply)
    try:
        return msgspec.json.decode(reply.body, type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreachable(f"HTTP {reply.status} with a body that is not sayso's: {error}") from error


def _refusal(reply: Reply) -> Refused | Unreachable:
    if reply.status < _BAD_REQUEST:
        detail = f"the address leads to {reply.location or 'another'} (HTTP {reply.status}); use that one"
        return Refused("Redirected", detail, reply.status, {})
    try:
        problem = msgspec.json.decode(reply.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = {}
    match problem:
        case {"kind": str(kind), "detail": str(detail)}:
            return _BY_KIND.get(kind, Refused)(kind, detail, reply.status, problem)
        case _ if reply.status >= _SERVER_ERROR:
            return Unreachable(f"HTTP {reply.status}")
        case _:
            return Refused("NotSayso", f"HTTP {reply.status}, and not from sayso", reply.status, problem)


def _asked_pause(reply: Reply | NoReply) -> float:
    """The seconds that the service asks for (RFC 9110, Retry-After)."""
    text = None if isinstance(reply, NoReply) else reply.retry_after
    return float(text) if text is not None and text.isdecimal() else 0.0
