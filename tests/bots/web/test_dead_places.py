"""A destination that was given up: operators see it on the page of runs, and have it tried again there."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx

from sayso.testing.slack import LocalSlack
from tests.bots.api.served import ServiceProcess, link, token

FLOW = """
from sayso.engine import Workflow, node, request_input

@node
async def ask(shared):
    await request_input("Release?", ["approve", "reject"], "select", "release", to="slack:#releases")

release = Workflow("release", start=ask)
"""


async def test_a_dead_destination_is_shown_and_revived(tmp_path: Path) -> None:
    async with LocalSlack() as slack:
        channel = slack.add_channel("releases", [slack.add_person("Ana")])
        channel.archive()
        (tmp_path / "flow.py").write_text(FLOW)
        (tmp_path / "sayso.toml").write_text(
            '[[workflows]]\nworkflow = "flow:release"\n[http]\nport = 0\noperators = ["token:operator", "web:olga"]\n'
            f'[slack]\napi_url = "{slack.api_url}"\n'
            f'[destinations."slack:#releases"]\nid = "{channel.id}"\naudience = "members"\n'
        )
        tokens = {"SAYSO_SLACK__BOT_TOKEN": slack.bot_token, "SAYSO_SLACK__APP_TOKEN": slack.app_token}
        service = ServiceProcess(tmp_path, **tokens)
        try:
            await asyncio.to_thread(service.__enter__)
            secret = await asyncio.to_thread(token, tmp_path, "operator", "start", "read", "operate")
            headers = {"Authorization": f"Bearer {secret}"}
            async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
                await client.post("/api/v1/runs", json={"workflow": "release"}, headers=headers)
                after = 0
                while not await dead(client, headers):
                    changes = await client.get(f"/api/v1/changes?after={after}&wait=20", headers=headers)
                    after = changes.json()["last"]
                secret = (await asyncio.to_thread(link, tmp_path, "olga")).rpartition("#")[2]
                await client.post("/sign-in", json={"link": secret})
                page = (await client.get("/runs")).text
                assert "Unreachable destinations" in page
                assert "slack:#releases" in page
                csrf = re.search(r'data-csrf="([0-9a-f]+)"', page)
                assert csrf is not None
                tried = len(slack.calls_of("chat.postMessage"))
                revived = await client.post(
                    "/api/v1/destinations/revive",
                    json={"destinations": ["slack:#releases"]},
                    headers={"X-CSRF-Token": csrf[1]},
                )
                assert revived.json() == {"cards": 1}
                await slack.until(lambda: len(slack.calls_of("chat.postMessage")) > tried)
                channel.archive(archived=False)
                await slack.until(lambda: len(slack.people()[0].messages(channel)) == 1)
                assert await dead(client, headers) == []
        finally:
            await asyncio.to_thread(service.kill)


async def dead(client: httpx.AsyncClient, headers: dict[str, str]) -> list[str]:
    """The destinations that were given up."""
    found = (await client.get("/api/v1/destinations/dead", headers=headers)).json()
    return [one["destination"] for one in found["destinations"]]
