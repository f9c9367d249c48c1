"""What an answer costs over HTTP: beside the engine's own figure, and beside a bare FastAPI endpoint that commits one
row; each server in a process of its own, one keep-alive client. Once more with 200 open event streams. All callers and
streams come from one address, so the service is told to take that many connections of it (connections_per_address).

    python -m benchmarks.api_latency --answers 300
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path
from statistics import quantiles
from types import FrameType
from typing import Any

import aiohttp

from sayso.engine import Runtime, SQLiteStore, Workflow, node, request_input

STREAMS = 200
CALLERS = 16
CONNECTIONS = 2 * STREAMS
PATIENCE = 60
"""Seconds after which what the service was asked for counts as lost."""

ASKER, ANSWERER = "bench", "answerer"

FLOW = """
from sayso.engine import Workflow, node, request_input

@node
async def ask(shared):
    shared["answer"] = await request_input("Release?", ["approve", "reject"], "select", "release")

workflow = Workflow("bench", start=ask)
"""

BARE = """
import socket, sqlite3, sys
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

connection = sqlite3.connect(sys.argv[1], isolation_level=None, check_same_thread=False)
connection.execute("PRAGMA journal_mode = wal")
connection.execute("PRAGMA synchronous = FULL")
connection.execute("CREATE TABLE answers (id TEXT, value TEXT)")
app = FastAPI()

class Answer(BaseModel):
    revision: int
    value: str

@app.post("/answers/{name}")
async def answer(name: str, body: Answer):
    connection.execute("INSERT INTO answers VALUES (?, ?)", (name, body.value))
    return {"outcome": "resolved"}

server = uvicorn.Server(uvicorn.Config(app, http="h11", log_level="error", access_log=False))
listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listening.bind(("127.0.0.1", 0))
listening.listen(100)
print(listening.getsockname()[1], flush=True)
server.run(sockets=[listening])
"""


@contextlib.contextmanager
def running(command: list[str], folder: Path) -> Generator[str]:
    """A server in a process of its own; the first line that it says. It is ended with the block."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAYSO_")}
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, env=kept) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline()
        finally:
            process.kill()


async def measure(
    call: Callable[[int], Awaitable[None]], count: int, callers: int, pause: float = 0
) -> tuple[float, float, float]:
    """p50 and p99 in milliseconds, and how many a second; with so many seconds between two calls."""
    taken: list[float] = []
    numbers = iter(range(count))

    async def caller() -> None:
        for number in numbers:
            begin = time.perf_counter()
            await call(number)
            taken.append(1000 * (time.perf_counter() - begin))
            await asyncio.sleep(pause)

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
    cuts = quantiles(taken, n=100)
    return cuts[49], cuts[98], count / (time.perf_counter() - begin)


async def of_engine(folder: Path, count: int) -> tuple[float, float, float]:
    """`Runtime.answer`, in this process."""

    @node
    async def ask(shared: dict[str, object]) -> None:
        shared["answer"] = await request_input("Release?", ["approve", "reject"], "select", "release")

    store = SQLiteStore(folder / "engine.db")
    async with store, Runtime(store, [Workflow("bench", start=ask)]) as runtime:
        for _ in range(count):
            await runtime.wait(await runtime.start("bench"))
        ids = [one.id for one in await runtime.pending(limit=count)]

        async def call(number: int) -> None:
            outcome = await runtime.answer(ids[number], 1, "approve", person="local:bench", via="console")
            assert outcome.accepted

        return await measure(call, count, 1)


async def of_bare(
    session: aiohttp.ClientSession, port: str, count: int, callers: int
) -> tuple[float, float, float]:
    """The endpoint that commits a row."""

    async def call(number: int) -> None:
        address = f"http://127.0.0.1:{port.strip()}/answers/{number}"
        async with session.post(address, json={"revision": 1, "value": "approve"}) as response:
            assert response.status == 200
            await response.read()

    return await measure(call, count, callers)


class Service:
    """A running `sayso serve`, with open requests in reserve."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str, answerer: str) -> None:
        self._session = session
        self._answerer = answerer
        self._url = f"{url}/api/v1"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def ask(self, count: int) -> list[str]:
        """So many open requests."""
        runs: list[str] = []
        for _ in range(count):
            started = self._session.post(
                f"{self._url}/runs", json={"workflow": "bench"}, headers=self._headers
            )
            async with started as response:
                runs.append((await response.json())["run_id"])
        for run in runs:
            rests = await self._read(f"runs/{run}?wait={PATIENCE}&until=rests")
            assert rests["status"] == "WAITING_FOR_INPUT", rests
        found: list[str] = []
        after: int | None = 0
        while after is not None:
            page = await self._read(f"requests?after={after}")
            found += [one["id"] for one in page["requests"]]
            after = page["next"]
        assert len(found) == count, f"{count} runs are parked, with {len(found)} open requests"
        return found

    async def _read(self, what: str) -> dict[str, Any]:
        async with self._session.get(f"{self._url}/{what}", headers=self._headers) as response:
            read: dict[str, Any] = await response.json()
            return read

    async def answers(self, count: int, callers: int, pause: float = 0) -> tuple[float, float, float]:
        """Answer so many."""
        ids = await self.ask(count)

        async def call(number: int) -> None:
            address = f"{self._url}/requests/{ids[number]}/answers"
            headers = {
                "Authorization": f"Bearer {self._answerer}",
                "Idempotency-Key": f"bench {ids[number]}",
            }
            body = {"revision": 1, "value": "approve"}
            async with self._session.post(address, json=body, headers=headers) as response:
                assert response.status == 200, await response.text()
                await response.read()

        return await measure(call, count, callers, pause)


FOLLOWERS = """
import asyncio, signal, sys
import aiohttp

heard = 0

async def follow(response):
    global heard
    async for line in response.content:
        heard += line.startswith(b"data: ")
    raise SystemExit("a stream ended")

async def main(url, token, streams):
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers, raise_for_status=True) as session,
        asyncio.TaskGroup() as group,
    ):
        tasks = [group.create_task(follow(await session.get(url))) for _ in range(streams)]
        print("open", flush=True)
        await stop.wait()
        print(heard / streams, flush=True)
        for task in tasks:
            task.cancel()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@contextlib.asynccontextmanager
async def followed(folder: Path, url: str, token: str) -> AsyncGenerator[None]:
    """So many open event streams, in a process of their own; at the end it says what they brought."""
    (folder / "followers.py").write_text(FOLLOWERS)
    command = [sys.executable, "followers.py", f"{url}/api/v1/events", token, str(STREAMS)]
    followers = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=subprocess.PIPE)
    assert followers.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            assert await followers.stdout.readline() == b"open\n"
        yield
        followers.terminate()
        async with asyncio.timeout(PATIENCE):
            heard = float(await followers.stdout.readline())
            await followers.wait()
        print(f"each of {STREAMS} streams brought {heard:.0f} events")
    finally:
        if followers.returncode is None:
            followers.kill()
            await followers.wait()


def make_token(sayso: str, folder: Path, name: str, *scopes: str) -> str:
    """A token of the running service."""
    wanted = [word for scope in scopes for word in ("--scope", scope)]
    command = [sayso, "token", name, *wanted, "--json"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return str(json.loads(made.stdout)["token"])


async def compare(folder: Path, count: int) -> None:
    """Everything in one run, and the ratios."""
    (folder / "flow.py").write_text(FLOW)
    (folder / "bare.py").write_text(BARE)
    (folder / "sayso.toml").write_text(
        '[[workflows]]\nworkflow = "flow:workflow"\n[http]\nport = 0\nanswers_per_minute = 1000000\n'
        f"connections = {CONNECTIONS}\nconnections_per_address = {CONNECTIONS}\n"
        f'operators = ["token:{ASKER}", "token:{ANSWERER}"]\n[log]\nlevel = "error"\n'
    )
    sayso = str(Path(sys.executable).with_name("sayso"))
    connector = aiohttp.TCPConnector(limit=0)
    rows: dict[str, tuple[float, float, float]] = {"engine, in its process": await of_engine(folder, count)}
    async with aiohttp.ClientSession(connector=connector, raise_for_status=True) as session:
        with running([sys.executable, "bare.py", "bare.db"], folder) as port:
            await of_bare(session, port, 50, 1)
            rows["bare endpoint"] = await of_bare(session, port, count, 1)
            rows[f"bare endpoint, {CALLERS} callers"] = await of_bare(session, port, count, CALLERS)
        with running([sayso, "serve", "--json"], folder) as said:
            token = await asyncio.to_thread(make_token, sayso, folder, ASKER, "operate", "start", "read")
            answerer = await asyncio.to_thread(make_token, sayso, folder, ANSWERER, "operate", "answer")
            url = json.loads(said)["url"]
            service = Service(session, url, token, answerer)
            await service.answers(50, 1)
            rows["sayso"] = await service.answers(count, 1)
            rows[f"sayso, {CALLERS} callers"] = await service.answers(count, CALLERS)
            async with followed(folder, url, token):
                rows[f"sayso, {STREAMS} streams, 20/s"] = await service.answers(count // 3, 1, 0.05)
                rows[f"sayso, {STREAMS} streams"] = await service.answers(count, 1)
    floor = rows["bare endpoint"][0]
    for name, (middle, slow, rate) in rows.items():
        print(
            f"{name:28} p50 {middle:6.2f} ms  p99 {slow:6.2f} ms  {rate:6.0f}/s  {middle / floor:5.2f} bare p50"
        )


def end_in_order(number: int, _frame: FrameType | None) -> None:
    """Leave by an exception, so that whatever was started is ended with the block that started it."""
    raise SystemExit(128 + number)


def main() -> None:
    """The command line."""
    signal.signal(signal.SIGTERM, end_in_order)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(Path(folder), given.answers))


if __name__ == "__main__":
    main()
