"""What the supervisor and a process that serves code say to each other: one JSON object a line, over a socket."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

import msgspec

from sayso.adapters.web import LoadedCode
from sayso.engine import Finding

LONGEST = 16 * 1024 * 1024
"""Bytes of a message: a finding for each parked run is in one."""


class Plan(msgspec.Struct, frozen=True):
    """What is served: the workflow that `reference` names, found in `directory`, on a database."""

    reference: str
    directory: str
    database: str
    token: str


class Found(msgspec.Struct, frozen=True, tag="found"):
    """The code was loaded: the workflow's name, what it means for parked runs, and where its files are."""

    workflow: str
    findings: tuple[Finding, ...]
    folders: tuple[str, ...]


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The code or what belongs to it cannot be used, and the process has ended. `is_code` says that the code raised,
    and `text` is its traceback then.
    """

    kind: str
    text: str
    exit_code: int
    is_code: bool
    folders: tuple[str, ...]


class Serving(msgspec.Struct, frozen=True, tag="serving"):
    """From now on it answers."""


Said: TypeAlias = Found | Refused | Serving
"""What a process says that serves code. It gets a plan, which it loads; then what its pages show, and the first such
`LoadedCode` has it begin to serve.
"""

SAID: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)
HEARD = msgspec.json.Decoder(LoadedCode)
PLAN = msgspec.json.Decoder(Plan)


def line(message: msgspec.Struct) -> bytes:
    """A message as it is sent."""
    return msgspec.json.encode(message) + b"\n"


async def read_line(reader: asyncio.StreamReader) -> bytes:
    """The next message; nothing once the other side has ended."""
    try:
        return await reader.readuntil(b"\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
