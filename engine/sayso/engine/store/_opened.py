"""A database that this process has opened, as the handles on it share it, whatever database it is."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TypeVar

from sayso.engine._clock import Clock
from sayso.engine.store._hub import Hub
from sayso.engine.store._transaction import TransactionFunction

T = TypeVar("T")


class Opened(ABC):
    """The clock, the hub and the loaded code of all handles. `nodes` are the nodes of the workflows that are loaded."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.hub = Hub()
        self.nodes: dict[str, frozenset[str]] = {}

    @abstractmethod
    def submit(self, function: TransactionFunction[T], *, reads: bool = False) -> asyncio.Future[T]:
        """Queue a transaction; the future of the running loop gets its result once it is committed.

        Cancelling the future does not take the transaction back. `reads` promises that it changes nothing.
        """

    def is_gone(self, workflow: str, node_id: str) -> bool:
        """Whether the code of this workflow is loaded here and lacks the node."""
        nodes = self.nodes.get(workflow)
        return nodes is not None and node_id not in nodes
