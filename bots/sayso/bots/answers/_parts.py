"""What a platform's bot is built from."""

from __future__ import annotations

from dataclasses import dataclass

from sayso.bots.answers._commands import Commands
from sayso.bots.answers._desk import Desk
from sayso.bots.answers._ways_in import WaysIn
from sayso.bots.chats import Presses, UnderWay
from sayso.bots.http import Metrics
from sayso.config import Settings
from sayso.engine import Runtime, SQLiteStore


@dataclass(frozen=True, slots=True)
class Parts:
    """What a platform's bot is built from."""

    settings: Settings
    store: SQLiteStore
    runtime: Runtime
    desk: Desk
    ways_in: WaysIn
    commands: Commands
    metrics: Metrics
    under_way: UnderWay
    presses: Presses
