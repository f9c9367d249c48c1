"""The inbox beside many open questions, and with very long ones: page by page, and nobody answers half a question."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from sayso.engine import SQLiteStore
from sayso.engine.store import AnswerAttempt
from tests.bots.api.served import ServiceProcess, link
from tests.bots.crowd import crowd

_CARD = re.compile(r'<article class="card open[^"]*" id="card-([0-9a-f]{32})"')
_OLDER = re.compile(r'<a href="(/\?before=\d+)">Older requests waiting for you</a>')


def fill(folder: Path, *parts: tuple[int, list[str], str], first: int = 0) -> list[list[str]]:
    """Open requests in the file of a service that does not run yet: how many, asked of whom, with which text."""

    async def put() -> list[list[str]]:
        async with SQLiteStore(folder / "sayso.db") as store:
            return [
                await crowd(store, many, to, prompt=prompt, run_id=f"crowd-{number}")
                for number, (many, to, prompt) in enumerate(parts, first)
            ]

    return asyncio.run(put())


def answer_all(folder: Path, ids: list[str]) -> None:
    """Have all of them answered by trusted code."""

    async def answer() -> None:
        async with SQLiteStore(folder / "sayso.db") as store:
            attempts = [AnswerAttempt(one, 1, "approve", "local:code", "code") for one in ids]
            outcomes = await asyncio.gather(*(store.answer(one) for one in attempts))
            assert all(one.accepted for one in outcomes)

    asyncio.run(answer())


@contextmanager
def visiting(folder: Path, name: str) -> Generator[httpx.Client]:
    """Somebody who is signed in to the service that runs while inside."""
    with ServiceProcess(folder) as service, httpx.Client(base_url=service.url, timeout=30) as client:
        secret = link(folder, name).rpartition("#")[2]
        assert client.post("/sign-in", json={"link": secret}).status_code == 200
        yield client


def test_a_persons_inbox_is_whole_page_by_page_beside_everybody_elses(folder: Path) -> None:
    _, hers, _ = fill(
        folder, (1200, ["person:bo"], "Go?"), (120, ["web:ana"], "Go?"), (1200, ["person:bo"], "Go?")
    )
    with visiting(folder, "ana") as ana:
        found: list[str] = []
        address: str | None = "/"
        while address is not None:
            page = ana.get(address).text
            found += _CARD.findall(page)
            older = _OLDER.search(page)
            address = None if older is None else older[1]
        assert found == hers[::-1]


def test_what_is_very_long_is_answered_on_a_page_of_its_own_alone(folder: Path) -> None:
    """A page carries a bounded number of bytes, and no button for what it does not show whole."""
    long = "word " * 90_000
    (ids,) = fill(folder, (60, ["web:ana"], f"Pay this?\n{long}\nIBAN DE00 1234"))
    with visiting(folder, "ana") as ana:
        page = ana.get("/").text
        assert len(_CARD.findall(page)) == 50
        assert len(page) < 200_000
        assert 'class="answer"' not in page
        assert page.count("This is too long to be shown here whole.") == 50
        assert f'href="/requests/{ids[-1]}"' in page
        own = ana.get(f"/requests/{ids[-1]}").text
        assert "IBAN DE00 1234" in own
        assert f'action="/requests/{ids[-1]}/answers"' in own
        run = ana.get("/runs/crowd-0").text
        assert len(run) < 1_500_000
        assert 'class="answer"' not in run
        assert "Earlier requests" in run


def test_an_operators_page_of_a_run_is_bounded_too(folder: Path) -> None:
    """The rows of its trail hold every question whole."""
    fill(folder, (60, ["web:ana"], "word " * 96_000))
    with visiting(folder, "olga") as olga:
        page = olga.get("/runs/crowd-0").text
        assert len(page) < 1_500_000
        assert "more characters: sayso audit export)" in page
        assert "the latest 100 rows" not in page


@pytest.mark.slow
def test_what_was_decided_lately_is_found_behind_the_decisions_of_others_or_said_to_be_cut(
    folder: Path,
) -> None:
    (hers,) = fill(folder, (1, ["web:ana"], "Hers?"))
    answer_all(folder, hers)
    answer_all(folder, *fill(folder, (600, ["web:bo"], "Go?"), first=1))
    with visiting(folder, "ana") as ana:
        page = ana.get("/").text
        assert hers[0] in page
        assert "Only the newest" not in page
    answer_all(folder, *fill(folder, (500, ["web:bo"], "Go?"), first=2))
    with visiting(folder, "ana") as ana:
        page = ana.get("/").text
        assert "Only the newest 1000 decisions of everybody were looked at." in page
