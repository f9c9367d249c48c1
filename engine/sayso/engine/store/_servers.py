"""What is told of a database server, and of a move to one; known also where the extra `postgres` is not installed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec


class Moved(msgspec.Struct, frozen=True):
    """What was moved: the rows of each table, the head of the file's trail as `SEQUENCE:HASH`, and where the file is
    kept.
    """

    rows: dict[str, int]
    head: str
    former: Path


class Server(msgspec.Struct, frozen=True):
    """A database server as it was found: its version, by how much its clock is ahead of ours, whether sayso's tables
    are there and whether they may be made, and the standbys, each with whether commits wait for it.
    """

    name: str
    version: str
    ahead: timedelta
    has_tables: bool
    may_create: bool
    standbys: dict[str, bool]
