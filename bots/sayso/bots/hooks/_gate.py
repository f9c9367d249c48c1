"""From a tool call to a verdict: by a rule, or by people. Nothing is allowed unless a rule says so, or people said yes
and their yes was used for this call.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

import msgspec

from sayso.bots.hooks._calls import ToolCall
from sayso.bots.hooks._card import question_for
from sayso.bots.hooks._rules import Rules, seconds
from sayso.bots.hooks._verdicts import Allowed, Deferred, Denied, Verdict
from sayso.client import AlreadyUsed, AsyncClient, KeyReused, Refused, Request, SaysoError, Unreachable

GRACE = 60.0
"""Seconds for which a question outlives its hook, if that dies before it can withdraw it."""

_NEVER = "Nothing was run."


class Gate(msgspec.Struct, frozen=True):
    """How calls are judged. `wait` is in seconds. `why_not` says why a call cannot be deferred, or None where it can;
    without it nothing is deferred.
    """

    client: AsyncClient
    rules: Rules
    wait: float
    why_not: Callable[[ToolCall], str | None] | None = None

    async def judge(self, call: ToolCall, stopped: asyncio.Event) -> Verdict:
        """The verdict about a call that the rules leave to people. Once `stopped` is set, the question is withdrawn."""
        keeps = self.why_not is not None and not call.is_permission_request
        expires_after = seconds(self.rules.keep) if keeps else self.wait + GRACE
        question = question_for(call, self.rules, expires_after)
        end = time.monotonic() + self.wait
        key = key_of(call)
        try:
            request = await self.client.ask(question, key=key)
            if request.is_open and not stopped.is_set():
                request = await self._closed(request, end, stopped)
            if stopped.is_set():
                if request.is_open:
                    await self._withdrawn(request)
                return Denied(f"The agent is no longer waiting. {_NEVER}")
            return await self._verdict(call, request, key)
        except Unreachable as error:
            return self._deferred(call) or Denied(
                f"{_sentence(error)} {_NEVER} Try again when sayso is running."
            )
        except KeyReused:
            return Denied(f"This call was asked about before, in other words or under other rules. {_NEVER}")
        except SaysoError as error:
            return Denied(f"sayso refused to ask: {_sentence(error)} {_NEVER}")

    async def _closed(self, request: Request, end: float, stopped: asyncio.Event) -> Request:
        """The request once it is closed, or as it was when the time was over or the wait was stopped. Raises
        `SaysoError`.
        """

        async def closed() -> Request | SaysoError:
            try:
                return await self.client.wait(request.id, timeout=max(0.0, end - time.monotonic()))
            except SaysoError as error:
                return error

        async with asyncio.TaskGroup() as group:
            waiting, stopping = group.create_task(closed()), group.create_task(stopped.wait())
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            is_closed = waiting.done()
            waiting.cancel()
            stopping.cancel()
        found = waiting.result() if is_closed else request
        if isinstance(found, SaysoError):
            raise found
        return found

    async def _verdict(self, call: ToolCall, request: Request, key: str) -> Verdict:
        if request.is_open:
            deferred = self._deferred(call)
            if deferred is not None:
                return deferred
            request = await self._withdrawn(request)
            if not request.approved:
                return Denied(f"Nobody approved it in time. {_NEVER}{self._why(call)}")
        decision = request.decision
        assert decision is not None
        comment = f": {decision.comment}" if decision.comment else ""
        by = f" by {', '.join(decision.by)}" if decision.by else ""
        if not decision.approved:
            return Denied(f"{decision.outcome.capitalize()}{by}{comment}. {_NEVER}")
        try:
            await self.client.consume(request.id, key=key)
        except AlreadyUsed:
            return Denied(f"This call was approved, and the approval has been used. {_NEVER} Ask again.")
        return Allowed(f"Approved{by}{comment}")

    def _deferred(self, call: ToolCall) -> Deferred | None:
        if self.why_not is None or self.why_not(call) is not None:
            return None
        return Deferred(f"Waiting for people. To continue, run: sayso resume claude {call.session}")

    def _why(self, call: ToolCall) -> str:
        why = None if self.why_not is None else self.why_not(call)
        return "" if why is None else f" It was not deferred: {why}."

    async def _withdrawn(self, request: Request) -> Request:
        """The request once it is closed: withdrawn, or decided just before."""
        try:
            return await self.client.withdraw(request.id)
        except Refused:
            return await self.client.request(request.id)


def key_of(call: ToolCall) -> str:
    """The key of a call's question. A dialog has no id, so each has a question of its own: with a key from its input,
    one yes would cover a repeat.
    """
    last = secrets.token_hex(16) if call.is_permission_request or call.use_id is None else call.use_id
    return f"{call.agent.key}:{call.session}:{last}"


def _sentence(error: SaysoError) -> str:
    text = str(error).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
