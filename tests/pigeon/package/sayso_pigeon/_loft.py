"""The loft's HTTP API, and what its refusals mean to sayso."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx

from sayso.bots.chats import (
    ContentRefused,
    MessageGone,
    Throttled,
    Unclear,
    Undeliverable,
    UnknownRefusal,
)

_WITHIN = 3.0
"""Seconds for a call; a person who pressed a button is waiting for it."""


class Loft:
    """A connection with the bot's token. Every call raises `DeliveryProblem`, of the kind that says what follows."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=_WITHIN)

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def me(self) -> Any:
        """The bot itself."""
        return await self._call("GET", "/me")

    async def place(self, place: str) -> Any:
        """A place with its `members`."""
        return await self._call("GET", f"/places/{place}")

    async def person(self, person: str) -> Any:
        """Somebody, while they have an account."""
        return await self._call("GET", f"/people/{person}")

    async def post(self, place: str, shown: dict[str, Any]) -> Any:
        """Send a message; the message as the loft keeps it."""
        return await self._call("POST", f"/places/{place}/messages", shown)

    async def edit(self, message: str, shown: dict[str, Any]) -> Any:
        """Show something else in a message; the message as the loft keeps it."""
        return await self._call("PUT", f"/messages/{message}", shown)

    async def reply(self, event: str, text: str) -> None:
        """Tell the person behind an event its result; nobody else reads it."""
        await self._call("POST", f"/events/{event}/reply", {"text": text})

    async def events(self, after: int, wait: float) -> Any:
        """What people did after that event, as soon as there is something. Earlier events are confirmed by it."""
        return await self._call("GET", f"/events?after={after}&wait={wait}")

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            response = await self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise Unclear(f"{method} {path}: {type(error).__name__}") from error
        match response.status_code:
            case 200:
                return response.json()
            case 401 | 403:
                raise Undeliverable(response.text)
            case 404:
                raise MessageGone
            case 422:
                raise ContentRefused(response.text)
            case 429:
                raise Throttled(timedelta(seconds=float(response.headers["Retry-After"])))
            case status if status >= 500:
                raise Unclear(f"{method} {path}: {status}")
            case _:
                raise UnknownRefusal(response.text)
