"""What a person's lists, a press and reads over the API cost beside few and beside many open requests of others: two
services in processes of their own, asked in turns by one client, and the ratio of their medians.

    python -m benchmarks.beside_many --many 100000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import aiohttp

from benchmarks.api_latency import make_token, running
from sayso.engine import Question, SQLiteStore
from sayso.engine._questions import question_digest
from sayso.engine.store import Ask, NewRun, Park

HERS = 250
"""Questions to the person whose list it is, beside those that she answers, and to the program: more than a page."""

_OF_A_RUN = 50
_TEXT = Question("Release?", ["approve", "reject"], "select", None, None).text()

FLOW = """
from sayso.engine import Workflow, node

@node
def nothing(shared):
    pass

workflow = Workflow("idle", start=nothing)
"""

CONFIGURATION = """
[[workflows]]
workflow = "flow:workflow"
[http]
port = 0
answers_per_minute = 1000000
[log]
level = "error"
"""


def an_ask(number: int, to: str) -> Ask:
    """A question to somebody, without cards in chats."""
    return Ask(
        id=secrets.token_hex(16), name=f"question-{number}", attempt=0, text=_TEXT, digest=question_digest(_TEXT),
        audience=(to,), requested_by="token:ci", note=None, expires_after=None, default=None, known=False,
    )  # fmt: skip


async def fill(store: SQLiteStore, many: int, to: str) -> list[str]:
    """Open requests, 50 of a run; their ids."""
    definition = await store.define("elsewhere", "{}")
    ids: list[str] = []
    while len(ids) < many:
        asks = [an_ask(number, to) for number in range(min(_OF_A_RUN, many - len(ids)))]
        run_id = secrets.token_hex(16)
        place = await store.start(NewRun(run_id, "elsewhere", definition, "ask", "{}", "token:ci"))
        await store.ask(place, asks, Park(None, 0))
        ids += [one.id for one in asks]
    return ids


def write(folder: Path) -> None:
    """Make the folder of a service."""
    folder.mkdir()
    (folder / "flow.py").write_text(FLOW)
    (folder / "sayso.toml").write_text(CONFIGURATION)


@dataclass
class Beside:
    """A service beside so many open requests of others, and somebody who is signed in to it."""

    url: str
    session: aiohttp.ClientSession
    csrf: str
    token: str
    answerable: list[str]
    taken: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    async def page(self) -> None:
        """The inbox: a person's list."""
        await self._get("/", {})

    async def read(self) -> None:
        """What waits for a program."""
        await self._get("/api/v1/requests?limit=20", {"Authorization": f"Bearer {self.token}"})

    async def look(self) -> None:
        """What happened, from the trail's beginning."""
        await self._get("/api/v1/changes?after=0&limit=20", {"Authorization": f"Bearer {self.token}"})

    async def press(self) -> None:
        """An answer in the inbox."""
        address = f"{self.url}/requests/{self.answerable.pop()}/answers"
        body = {"revision": 1, "key": secrets.token_hex(8), "fields": {"choice": ["0"]}}
        async with self.session.post(address, json=body, headers={"X-CSRF-Token": self.csrf}) as response:
            said = await response.json()
            assert said["outcome"] in ("resolved", "held"), said

    async def _get(self, path: str, headers: dict[str, str]) -> None:
        async with self.session.get(f"{self.url}{path}", headers=headers) as response:
            assert response.status == 200, await response.text()
            await response.read()

    async def timed(self, name: str, call: Callable[[], Awaitable[None]]) -> None:
        """Do it, and keep how many milliseconds it took."""
        begin = time.perf_counter()
        await call()
        self.taken.setdefault(name, []).append(1000 * (time.perf_counter() - begin))


@asynccontextmanager
async def beside(folder: Path, others: int, presses: int) -> AsyncGenerator[Beside]:
    """A service whose database holds half of the others' requests before the person's and half behind them."""
    write(folder)
    async with SQLiteStore(folder / "sayso.db") as store:
        await fill(store, others // 2, "person:bo")
        answerable = await fill(store, presses + HERS, "web:ana")
        await fill(store, HERS, "token:reader")
        await fill(store, others - others // 2, "person:bo")
    sayso = str(Path(sys.executable).with_name("sayso"))
    with running([sayso, "serve", "--json"], folder) as said:
        url = str(json.loads(said)["url"])
        token = await asyncio.to_thread(make_token, sayso, folder, "reader", "read")
        command = [sayso, "sign-in", "ana", "--json"]
        made = await asyncio.to_thread(
            lambda: subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        )
        secret = json.loads(made.stdout)["url"].rpartition("#")[2]
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.post(f"{url}/sign-in", json={"link": secret}) as response:
                assert response.status == 200, await response.text()
            async with session.get(f"{url}/") as response:
                csrf = (await response.text()).partition('data-csrf="')[2].partition('"')[0]
            yield Beside(url, session, csrf, token, answerable[-presses:])


async def compare(folder: Path, few: int, many: int, repeats: int) -> dict[str, float]:
    """The ratios of the medians."""
    async with (
        beside(folder / "few", few, repeats + 1) as small,
        beside(folder / "many", many, repeats + 1) as large,
    ):
        for number in range(repeats + 1):
            for one in (small, large) if number % 2 else (large, small):
                for name, call in (
                    ("a person's inbox", one.page),
                    ("a press", one.press),
                    ("a read over the API", one.read),
                    ("a look at what happened", one.look),
                ):
                    await one.timed(name, call)
    ratios: dict[str, float] = {}
    for name, taken in small.taken.items():
        before, after = median(taken[1:]), median(large.taken[name][1:])
        ratios[name] = after / before
        print(f"{name:24} {before:7.2f} ms with {few}  {after:7.2f} ms with {many}  {ratios[name]:5.2f}")
    return ratios


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=100)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=50)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(Path(folder), given.few, given.many, given.repeats))


if __name__ == "__main__":
    main()
