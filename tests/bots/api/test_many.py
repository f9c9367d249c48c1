"""The API beside many open requests, runs and rows of the trail: pages, each of them bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from sayso.bots.client import ServiceClient
from sayso.engine import SQLiteStore
from tests.bots.api.served import ServiceProcess, token
from tests.bots.crowd import crowd


def fill(folder: Path, *parts: tuple[int, Sequence[str]], prompt: str = "Go?") -> list[list[str]]:
    """How many open requests, asked of whom: the ids of each part, each of a run of its own."""

    async def put() -> list[list[str]]:
        async with SQLiteStore(folder / "sayso.db") as store:
            return [
                await crowd(store, many, to, prompt=prompt, run_id=f"crowd-{number}")
                for number, (many, to) in enumerate(parts)
            ]

    return asyncio.run(put())


def pages(http: httpx.Client, path: str, **query: Any) -> list[list[str]]:
    """The ids on every page, as the cursors lead from one to the next."""
    found: list[list[str]] = []
    after: int | None = 0
    while after is not None:
        said = http.get(path, params={**query, "after": after}).raise_for_status().json()
        found.append([one["id"] for one in said["requests"]])
        after = said["next"]
    return found


def test_requests_come_in_pages_that_leave_nothing_out(folder: Path) -> None:
    others, mine, more = fill(folder, (300, ["person:bo"]), (130, ["token:ci"]), (300, ["person:bo"]))
    with ServiceProcess(folder) as service:
        headers = {"Authorization": f"Bearer {token(folder, 'ci')}"}
        with httpx.Client(base_url=f"{service.url}/api/v1", headers=headers) as http:
            found = pages(http, "/requests", limit=50)
            assert [len(page) for page in found] == [50, 50, 30]
            assert [one for page in found for one in page] == mine
            assert pages(http, "/requests", limit=100, run_id="crowd-1") == [mine[:100], mine[100:]]
            assert pages(http, "/runs/crowd-1/requests", limit=100) == [mine[:100], mine[100:]]
            assert http.get("/runs/crowd-0/requests").status_code == 404
        secret = token(folder, "operator", "operate", "read", "answer")
        with ServiceClient.connect(service.url, secret) as operator:
            assert [one["id"] for one in operator.pending()] == [*others, *mine, *more]
            assert [one["id"] for one in operator.run_requests("crowd-2")] == more


def test_a_page_carries_a_bounded_number_of_bytes(folder: Path) -> None:
    (ids,) = fill(folder, (20, ["token:ci"]), prompt="word " * 96_000)
    with ServiceProcess(folder) as service:
        headers = {"Authorization": f"Bearer {token(folder, 'ci')}"}
        with httpx.Client(base_url=f"{service.url}/api/v1", headers=headers, timeout=30) as http:
            assert len(http.get("/requests").content) < 5_000_000
            assert [one for page in pages(http, "/requests") for one in page] == ids


def test_a_look_at_what_happened_takes_a_bounded_part_of_the_trail(folder: Path) -> None:
    """Nothing found is no end: `last` says where to go on; and nobody reads the trail over and over."""
    fill(folder, (2600, ["person:bo"]), (3, ["token:ci"]))
    with ServiceProcess(folder) as service:
        headers = {"Authorization": f"Bearer {token(folder, 'ci')}"}
        with httpx.Client(base_url=f"{service.url}/api/v1", headers=headers) as http:
            kinds: list[str] = []
            lasts = [0]
            while len(lasts) == 1 or lasts[-1] > lasts[-2]:
                said = http.get("/changes", params={"after": lasts[-1], "wait": 0}).raise_for_status().json()
                kinds += [one["kind"] for one in said["changes"]]
                lasts.append(said["last"])
            assert kinds == ["run_started", *["requested"] * 3]
            assert len(lasts) > 5
            early = http.get("/changes", params={"after": 0, "wait": 30})
            assert early.json()["changes"] == [], "it goes on at once where there is more to look at"
            answers = [http.get("/changes", params={"after": lasts[-1]}) for _ in range(400)]
            refused = next(one for one in answers if one.status_code == 429)
            assert int(refused.headers["Retry-After"]) >= 1
