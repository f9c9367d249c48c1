"""A program that asks a running service what can be granted."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from sayso.bots.http import Credentials
from sayso.engine import Scope, verify_audit
from tests.bots.chat_service import ChatService

DETAILS = {"Command": "npm test", "Session": "s1"}
COMMANDS = ("ls", "npm test", "git push")
LONGER = "Approve this and 5 more"


def question(command: str) -> dict[str, Any]:
    """What a program asks under the policy `tools`."""
    return {"prompt": f"Run “{command}”?", "details": {**DETAILS, "Command": command}, "policy": "tools"}


def granting(given: dict[str, Any], place: str) -> dict[str, Any]:
    """What the worker is told that asks about three commands under the policy `tools`, which offers grants."""
    policy = {"stages": [{"approvers": [place]}], "grants": {"longest": "8h", "times": 5}}
    settings = {**given["settings"], "policies": {"tools": policy}}
    return {**given, "settings": settings, "batch": [question(one) for one in COMMANDS]}


async def check_grants(service: ChatService) -> None:
    """Each command was asked about once, and each answer that counted made the one grant of its request, which answers
    as often as was said and no more.
    """
    rows = [row async for row in service.store.reader.audit()]
    asked = [row.request_id for row in rows if row.kind == "requested"]
    accepted = [row.request_id for row in rows if row.kind == "answer_accepted"]
    made = [row.request_id for row in rows if row.kind == "grant_made"]
    assert sorted(map(str, made)) == sorted(map(str, accepted))
    assert len(made) == len(asked) == len(set(asked)) == len(COMMANDS)
    grants = await service.store.reader.grants()
    async with Asker.of(service) as asker:
        for command in COMMANDS:
            found = await asker.ask_together(*[command] * 6)
            assert [one["status"] for one in found] == ["ANSWERED"] * 5 + ["PENDING"]
            ((by,),) = {tuple(one["decision"]["by"]) for one in found[:5]}
            assert by in {f"grant:{one.id}" for one in grants}
    assert [one.used for one in await service.store.reader.grants()] == [5] * 3
    assert (await verify_audit(service.store.reader)).problems == ()


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
        body = {"requests": [question(one) for one in commands]}
        headers = {} if key is None else {"Idempotency-Key": key}
        asked = await self.http.post("/batches", json=body, headers=headers)
        assert asked.status_code in (200, 201), asked.text
        requests: list[dict[str, Any]] = asked.json()["requests"]
        return requests
