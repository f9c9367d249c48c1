"""The hook that Claude Code calls by itself: `POST /hooks/claude-code`, with a token that may ask.

Claude Code runs the tool after any answer but a verdict, unless its settings say otherwise. So whatever is wrong with a
call is answered with 200 and a refusal.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import httpx
from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from sayso.bots.hooks import (
    Agent,
    Denied,
    Rules,
    ToolCall,
    UnknownEvent,
    Verdict,
    judge,
    read_call,
    refused,
    said,
    seconds,
)
from sayso.bots.http._callers import Caller
from sayso.bots.http._door import TcpDoor
from sayso.bots.http._problems import Problem
from sayso.bots.http._scopes import check_scope
from sayso.client import AsyncClient
from sayso.engine import Scope

logger = logging.getLogger("sayso.http")

_INSIDE = "http://sayso"


class AgentHooks:
    """Judges the calls of agents by the service's rules. It asks people through `api`, the service's own API, with the
    token that came, so that a hook may do what its token may. Once `closing` is set, nobody waits for people any more:
    what is under way is refused, and its question expires.
    """

    def __init__(self, rules: Rules, api: ASGIApp, door: TcpDoor, closing: asyncio.Event) -> None:
        self._rules = rules
        self._api = api
        self._door = door
        self._closing = closing
        self.router = APIRouter()
        self.router.add_api_route("/hooks/claude-code", self._hear, methods=["POST"])

    async def _hear(self, request: Request, wait: Annotated[str, Query()] = "") -> Response:
        try:
            caller = await self._door(request)
            _check(caller)
            call = read_call(Agent.CLAUDE_CODE, await request.body())
            verdict = await self._judge(call, request, seconds(wait) or seconds(self._rules.wait))
        except (Problem, UnknownEvent) as error:
            return _answer(refused(str(error)))
        except ClientDisconnect:
            raise
        except HTTPException as error:  # the guard's, for a body that is too large
            return _answer(refused(error.detail))
        except Exception:
            logger.exception("a hook's call failed; the tool was blocked")
            return _answer(
                refused("sayso failed to judge this call. Nothing was run. The log of sayso says why.")
            )
        return _answer(said(call, verdict))

    async def _judge(self, call: ToolCall, request: Request, wait: float) -> Verdict:
        """The verdict, or a refusal once the service stops. The question is withdrawn when the agent hangs up."""
        token = request.headers["authorization"].partition(" ")[2].strip()
        stopped = asyncio.Event()

        def new_client() -> AsyncClient:
            inside = httpx.ASGITransport(self._api, raise_app_exceptions=False)
            return AsyncClient(_INSIDE, token, transport=inside)

        async def hung_up() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            stopped.set()

        async with asyncio.TaskGroup() as group:
            judging = group.create_task(judge(call, self._rules, new_client, wait, stopped))
            others = [group.create_task(hung_up()), group.create_task(self._closing.wait())]
            await asyncio.wait({judging, others[1]}, return_when=asyncio.FIRST_COMPLETED)
            is_judged = judging.done()
            for one in (judging, *others):
                one.cancel()
        return (
            judging.result()
            if is_judged
            else Denied("sayso is stopping. Nothing was run. Try again in a moment.")
        )


def _check(caller: Caller) -> None:
    if caller.scopes is None:
        raise Problem.not_allowed("Agents call with a token. Create one with `sayso token NAME --scope ask`.")
    check_scope(caller.scopes, caller.person, {Scope.ASK})


def _answer(verdict: bytes) -> Response:
    return Response(verdict, media_type="application/json")
