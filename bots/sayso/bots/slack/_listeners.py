"""Payloads on their way through slack-bolt: its listeners acknowledge with what the handler returns, and only then.

Bolt runs them before it responds (`process_before_response`), so that an acknowledgement leaves once what it tells is
committed; where the handler raises, the response is a 500, which a socket does not send and a request carries. What no
listener matches comes to the handler as well.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from sayso.adapters.slack import ChannelReturned, is_own, parse_event
from sayso.engine import StoreError

logger = logging.getLogger("sayso.slack")

Answer = dict[str, Any]
Handle = Callable[[str, dict[str, Any]], Awaitable[Answer | None]]
"""Takes an envelope's type and payload; what goes back with the acknowledgement. Raises where there shall be none."""

_NAME = "sayso.slack.bolt"
"""Of the app, which Bolt takes for a logger's name, too."""

_KIND = "sayso_envelope"
_ANYTHING = re.compile("")
_VERIFICATION = "url_verification"


class Listeners:
    """A Bolt app of which every listener is the handler. What is not sayso's own is handed on to the app of `others`,
    where there is one; a channel that can be written to again concerns both.
    """

    def __init__(self, handle: Handle, others: AsyncApp | None = None) -> None:
        self._handle = handle
        self._others = others
        self.app = AsyncApp(
            name=_NAME,
            logger=logging.getLogger(_NAME),
            process_before_response=True,
            raise_error_for_unhandled_request=True,
            authorize=_authorize,
            # Requests are looked at before they come here, more strictly; a bot's own events are nothing to it.
            request_verification_enabled=False,
            ssl_check_enabled=False,
            ignoring_self_events_enabled=False,
        )
        self._listen()

    async def take(
        self, kind: str, payload: dict[str, Any], headers: Mapping[str, str | Sequence[str]] | None = None
    ) -> BoltResponse:
        """The response to a payload as a socket brings it, with the envelope's type as its `kind`; 500 where nothing
        shall be acknowledged.
        """
        app = self.app
        if self._others is not None and not is_own(kind, payload) and payload.get("type") != _VERIFICATION:
            if isinstance(parse_event(kind, payload), ChannelReturned):
                await self._take_unmatched(kind, payload)
            app = self._others
        try:
            request = AsyncBoltRequest(
                mode="socket_mode", body=payload, headers=dict(headers or {}), context={_KIND: kind}
            )
            return await app.async_dispatch(request)
        except Exception as error:  # noqa: BLE001 - Bolt looks for things where none can be, and meets anything
            return _say_failed(error) if app is self._others else await self._take_unmatched(kind, payload)

    def _listen(self) -> None:
        async def acknowledge(ack: AsyncAck, body: dict[str, Any], context: dict[str, str]) -> BoltResponse:
            try:
                answer = await self._handle(context[_KIND], body)
            except Exception as error:  # noqa: BLE001 - the unit of work is the payload
                return _say_failed(error)
            return await ack(answer or "")

        async def take_unmatched(body: dict[str, Any], context: dict[str, str]) -> BoltResponse:
            return await self._take_unmatched(context[_KIND], body)

        app: Any = self.app  # its decorators are typed in part
        for listen in (app.action, app.options, app.view, app.command, app.event):
            listen(_ANYTHING)(acknowledge)
        app.error(take_unmatched)

    async def _take_unmatched(self, kind: str, payload: dict[str, Any]) -> BoltResponse:
        """What Bolt has no listener for, or cannot read: the handler knows what to ignore and whom it can tell."""
        try:
            return BoltResponse(status=200, body=await self._handle(kind, payload) or "")
        except Exception as error:  # noqa: BLE001 - the unit of work is the payload
            return _say_failed(error)


def _say_failed(error: Exception) -> BoltResponse:
    """Without an acknowledgement the person sees that it failed, and an event comes again."""
    if isinstance(error, StoreError):
        logger.error("could not commit a payload: %s", error)
    else:
        logger.error("could not handle a payload", exc_info=error)
    return BoltResponse(status=500)


async def _authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    """One token for whatever comes: nothing has to be asked, and nobody is turned away by a payload's word."""
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)
