"""A bot without a library: raw calls over HTTP, so that a test says exactly what is sent."""

from __future__ import annotations

from typing import Any

import aiohttp

from sayso.testing.slack import LocalSlack


class Client:
    """Calls the Web API with JSON."""

    def __init__(self, slack: LocalSlack, session: aiohttp.ClientSession) -> None:
        self._slack = slack
        self._session = session

    async def call(self, method: str, *, token: str | None = None, **given: Any) -> dict[str, Any]:
        """What comes back: the body, with the status and the seconds to wait in `status` and `wait`."""
        headers = {"Authorization": f"Bearer {token or self._slack.bot_token}"}
        async with self._session.post(self._slack.api_url + method, json=given, headers=headers) as response:
            body: dict[str, Any] = await response.json()
            return {**body, "status": response.status, "wait": response.headers.get("Retry-After")}

    async def ok(self, method: str, *, token: str | None = None, **given: Any) -> dict[str, Any]:
        """The same for a call that succeeds."""
        answer = await self.call(method, token=token, **given)
        assert answer["ok"], answer
        return answer
