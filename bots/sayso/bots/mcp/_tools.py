"""What the tools do, on the client of a service. A yes is used by the very call that returns it, so it lets one thing
run once, whatever is lost on the way.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from sayso.bots.mcp._arguments import LONGEST, Ask, AskApproval, Named, Wait
from sayso.bots.mcp._results import List, Result, failure, listed, result_of
from sayso.client import AlreadyUsed, AsyncClient, NotApproved, Question, Refused, Request, Unreachable

_KEPT_BACK = 3.0
"""Seconds kept of the time of a tool for using an approval that came at its end."""

_PURPOSE = "mcp"
"""What approvals are used for, as the audit trail names it; keys of others never begin with it."""

_LATER = frozenset({408, 429, 500, 502, 503, 504})
"""Refusals after which the same call may succeed (RFC 9110, RFC 6585)."""

_CONTENT = frozenset({"code", "diff", "link", "markdown", "table"})
"""Details that are shown as what they are, by their `type`."""


class Fixed(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever runs the server has settled, so that no agent can choose it."""

    to: tuple[str, ...] = ()
    policy: str | None = None
    requested_by: str | None = None


class Unheard:
    """Attempts to use an approval of which nobody heard whether they did. The next attempts of the same process repeat
    them under their own keys, so that a yes is not lost and not used twice.
    """

    def __init__(self) -> None:
        self._attempts: dict[str, list[str]] = {}

    def take(self, request_id: str) -> str:
        """An attempt to repeat, else a new one. Two at once are never the same."""
        attempts = self._attempts.pop(request_id, None)
        if attempts is None:
            return uuid.uuid4().hex
        first, *others = attempts
        if others:
            self._attempts[request_id] = others
        return first

    def put_back(self, request_id: str, attempt: str) -> None:
        """Nobody heard what became of an attempt."""
        self._attempts.setdefault(request_id, []).append(attempt)

    def knows(self, request_id: str) -> bool:
        """Whether there is an attempt to repeat."""
        return request_id in self._attempts


class Tools:
    """The tools for one caller of a service, as `client` calls it. With `is_service`, this process is the service:
    there is no waiting for it to come back.
    """

    def __init__(
        self, client: AsyncClient, fixed: Fixed, unheard: Unheard, *, is_service: bool = False
    ) -> None:
        self._client = client
        self._fixed = fixed
        self._unheard = unheard
        self._is_service = is_service

    async def ask_approval(self, given: AskApproval, key: str) -> Result:
        """Ask whether an action may run, and wait. Cancelled, the question stays: its key finds it."""
        if self._fixed.policy is not None and given.policy not in (None, self._fixed.policy):
            return failure(
                "refused", f"The policy is always {self._fixed.policy!r} here. Leave `policy` out."
            )
        question = Question(
            prompt=given.action,
            details=given.details,
            rich=_rich(given.details),
            to=self._fixed.to or None,
            policy=self._fixed.policy or given.policy,
            requested_by=self._fixed.requested_by,
        )
        return await self._asked(question, key, given.wait_seconds)

    async def permit(self, prompt: str, details: dict[str, Any], key: str) -> Result:
        """Ask whether a tool may be called once, and wait as long as any tool may."""
        question = Question(
            prompt=prompt,
            details=details,
            to=self._fixed.to or None,
            policy=self._fixed.policy,
            requested_by=self._fixed.requested_by,
        )
        return await self._asked(question, key, LONGEST)

    async def ask(self, given: Ask, key: str) -> Result:
        """Ask for a value, and wait; never `approved`."""
        if given.options is not None and given.schema is not None:
            return failure("refused", "Give either `options` or `schema`, not both.")
        if self._fixed.to and given.to is not None:
            return failure("refused", "The approvers are fixed here. Leave `to` out.")
        question = Question(
            prompt=given.question,
            kind="input",
            input_type="select" if given.options else "form" if given.schema else "text",
            options=given.options,
            schema=given.schema,
            to=self._fixed.to or given.to,
            requested_by=self._fixed.requested_by,
        )
        return await self._asked(question, key, given.wait_seconds)

    async def _asked(self, question: Question, key: str, seconds: float) -> Result:
        """Ask a question, or find it under its key, and wait."""
        end = time.monotonic() + seconds

        async def act(known: MutableMapping[str, str]) -> Result:
            request = await self._client.ask(question, key=f"{_PURPOSE}:{key}")
            known["request"] = request.id
            return await self._wait(request, end, key)

        return await _heard(act, key)

    async def wait(self, given: Wait) -> Result:
        """Wait for the answer to a request."""
        end = time.monotonic() + given.wait_seconds

        async def act(known: MutableMapping[str, str]) -> Result:
            known["request"] = given.request
            request = await self._client.request(given.request)
            return await self._wait(request, end, None)

        return await _heard(act)

    async def status(self, given: Named) -> Result:
        """A request as it stands. It uses nothing, and so returns no yes."""

        async def act(known: MutableMapping[str, str]) -> Result:
            known["request"] = given.request
            return result_of(await self._client.request(given.request))

        return await _heard(act)

    async def withdraw(self, given: Named) -> Result:
        """Withdraw a request; one that is decided stays as it is."""

        async def act(known: MutableMapping[str, str]) -> Result:
            known["request"] = given.request
            try:
                return result_of(await self._client.withdraw(given.request))
            except Refused as error:
                request = await self._client.request(given.request)
                if request.is_open:
                    raise
                return msgspec.structs.replace(
                    result_of(request), message=f"{error} {result_of(request).message}"
                )

        return await _heard(act)

    async def list_mine(self) -> List | Result:
        """The open requests that the caller asked."""
        try:
            async with asyncio.timeout(LONGEST):
                return List(requests=tuple(listed(one) for one in await self._client.requests(mine=True)))
        except (Refused, Unreachable, TimeoutError) as error:
            return _failed(error, None, None)

    async def _wait(self, request: Request, end: float, key: str | None) -> Result:
        """A request that was found, once it is decided or the time is over."""
        left = end - _KEPT_BACK - time.monotonic()
        if request.is_open and left > 0:
            if self._is_service:
                request = await self._client.request(request.id, wait=left)
            else:
                request = await self._client.wait(request.id, timeout=left)
        if request.decision is None or request.decision.outcome != "approved":
            return result_of(request, key=key)
        return await self._use(request)

    async def _use(self, request: Request) -> Result:
        """The one result that is a yes, or `used`: where all is known that this process has tried, and none did it."""
        while True:
            attempt = self._unheard.take(request.id)
            try:
                await self._client.call(
                    "POST",
                    f"/api/v1/requests/{request.id}/consumption",
                    body={"key": _PURPOSE},
                    key=attempt,
                )
            except AlreadyUsed:
                if self._unheard.knows(request.id):
                    continue
                return result_of(request, "used")
            except NotApproved:
                raise
            except BaseException:  # cancelled as well: it may have been used
                self._unheard.put_back(request.id, attempt)
                raise
            return result_of(request, "approved")


Act = Callable[[MutableMapping[str, str]], Awaitable[Result]]


async def _heard(act: Act, key: str | None = None) -> Result:
    """What became of a call within the time of a tool; `act` notes the `request` as soon as it knows it."""
    known: dict[str, str] = {}
    try:
        async with asyncio.timeout(LONGEST):
            return await act(known)
    except (Refused, Unreachable, TimeoutError) as error:
        return _failed(error, known.get("request"), key)


def _failed(error: Refused | Unreachable | TimeoutError, request: str | None, key: str | None) -> Result:
    if isinstance(error, Refused) and error.status not in _LATER:
        return failure("refused", f"{error}", request=request)
    why = error.reason if isinstance(error, Unreachable) else f"{error}" or "timeout"
    return failure("unreachable", why, request=request, key=key)


def _rich(details: dict[str, Any] | None) -> tuple[str, ...]:
    return tuple(name for name, value in (details or {}).items() if _is_content(value))


def _is_content(value: Any) -> bool:
    match value:
        case {"type": str(kind)}:
            return kind in _CONTENT
        case _:
            return False
