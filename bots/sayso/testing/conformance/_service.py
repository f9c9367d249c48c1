"""`sayso serve` in a process of its own, driven from outside: by its API, by its command line, by signals."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

SAYSO = str(Path(sys.executable).with_name("sayso"))
PATIENCE = 30.0
"""Seconds after which a test says what it waited for."""

DATABASE = "sayso.db"
_LOG = "service.log"
_TOLD_OF_LOG = 4000


class Refused(AssertionError):
    """The service refused a call of the suite's."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service of a folder with a `sayso.toml`. `url` is its HTTP server; calls go to its Unix socket."""

    folder: Path
    url: str
    _process: asyncio.subprocess.Process
    _client: httpx.AsyncClient

    @classmethod
    async def start(cls, folder: Path, variables: Mapping[str, str], database: str = DATABASE) -> Self:
        """Start it, and return once it says that it serves."""
        with (folder / _LOG).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                SAYSO, "serve", "--json", "--database", database,
                cwd=folder, env=_environment(variables),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE):
                said = json.loads(await process.stdout.readline())
        except (TimeoutError, ValueError):
            if process.returncode is None:
                process.kill()
            await process.wait()
            raise AssertionError(f"the service did not start:\n{log_of(folder)}") from None
        transport = httpx.AsyncHTTPTransport(uds=said["socket"])
        client = httpx.AsyncClient(transport=transport, base_url="http://sayso/api/v1", timeout=2 * PATIENCE)
        return cls(folder, said["url"], process, client)

    async def stop(self) -> None:
        """Stop it in order. Harmless when it has ended."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """`kill -9`. Harmless when it has ended."""
        await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> None:
        await self._client.aclose()
        if self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            await self._process.wait()

    async def get(self, path: str, **query: Any) -> Any:
        """Ask the API. Raises `Refused`."""
        return _read(await self._client.get(path, params=query))

    async def post(self, path: str, **body: Any) -> Any:
        """Have the API do something. Raises `Refused`."""
        return _read(await self._client.post(path, json=body))


async def run_sayso(folder: Path, variables: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """Run a command to its end; its exit code, and what it said."""
    process = await asyncio.create_subprocess_exec(
        SAYSO, *arguments, cwd=folder, env=_environment(variables), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


def log_of(folder: Path) -> str:
    """The end of what the services of a folder have logged."""
    return (folder / _LOG).read_text(encoding="utf-8")[-_TOLD_OF_LOG:]


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAYSO_")}
    return kept | {"TZ": "UTC"} | dict(variables)


def _read(response: httpx.Response) -> Any:
    if response.is_error:
        raise Refused(f"{response.request.method} {response.request.url.path}: {response.text}")
    return response.json()
