"""A program that asks a running service what can be granted."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from sayso.bots.http import Credentials
from sayso.engine import Scope
from tests.bots.chat_service import ChatService

DETAILS = {"Command": "npm test", "Session": "s1"}


@dataclass
class Asker:
    """Asks under the policy `tools`, with a token that may ask and nothing else."""

    http: httpx.AsyncClient

    @classmethod
    @asynccontextmanager
    async def of(cls, service: ChatService) -> AsyncGenerator[Asker]:
        made = Credentials(service.store, (), "local:nobody")
        secret, _ = await made.make_token("agent", [Scope.ASK], timedelta(days=1))
        headers = {"Authorization": f"Bearer {secret}"}
        async with httpx.AsyncClient(base_url=f"{service.url}/api/v1", headers=headers, timeout=30) as http:
            yield cls(http)

    async def ask(self, **details: str) -> dict[str, Any]:
        """The request as it stands once it is asked, and decided if a grant does that."""
        body = {"prompt": "Run “npm test”?", "details": DETAILS | details, "policy": "tools"}
        asked = await self.http.post("/requests", json=body)
        assert asked.status_code == 201, asked.text
        request: dict[str, Any] = asked.json()
        return request

    async def ask_together(self, *commands: str, key: str | None = None) -> list[dict[str, Any]]:
        """A batch with a request for each command, as they stand once they are asked."""
        body = {
            "requests": [
                {"prompt": f"Run “{one}”?", "details": {**DETAILS, "Command": one}, "policy": "tools"}
                for one in commands
            ]
        }
        headers = {} if key is None else {"Idempotency-Key": key}
        asked = await self.http.post("/batches", json=body, headers=headers)
        assert asked.status_code in (200, 201), asked.text
        requests: list[dict[str, Any]] = asked.json()["requests"]
        return requests
