"""A bot without a library: raw calls over HTTP, so that a test says exactly what is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from sayso.testing.telegram import LocalTelegram


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the Bot API."""

    status: int
    body: dict[str, Any]
    headers: httpx.Headers

    @property
    def result(self) -> Any:
        assert self.body["ok"], self.body
        return self.body["result"]

    @property
    def refusal(self) -> tuple[int, str]:
        assert self.body["ok"] is False, self.body
        assert self.body["error_code"] == self.status
        return self.status, self.body["description"]


class RawBot:
    """Sends JSON; `offset` is confirmed only when the test says so."""

    def __init__(self, client: httpx.AsyncClient, telegram: LocalTelegram) -> None:
        self.client = client
        self.telegram = telegram

    async def call(self, method: str, /, **parameters: Any) -> Reply:
        response = await self.client.post(f"{self.url}/{method}", json=parameters)
        return Reply(response.status_code, response.json(), response.headers)

    @property
    def url(self) -> str:
        return f"{self.telegram.base_url}{self.telegram.token}"

    async def send(self, chat_id: int, text: str = "Publish?", **parameters: Any) -> Any:
        return (await self.call("sendMessage", chat_id=chat_id, text=text, **parameters)).result

    async def updates(self, offset: int = 0, **parameters: Any) -> list[Any]:
        updates: list[Any] = (await self.call("getUpdates", offset=offset, **parameters)).result
        return updates

    async def confirm_all(self) -> list[Any]:
        updates = await self.updates()
        if updates:
            await self.updates(updates[-1]["update_id"] + 1)
        return updates


def keyboard(*rows: list[str]) -> dict[str, Any]:
    """Inline buttons whose data is their label in lower case."""
    return {
        "inline_keyboard": [
            [{"text": label, "callback_data": label.lower()} for label in row] for row in rows
        ]
    }


YES_NO = keyboard(["Approve", "Reject"])
