"""Counters for Prometheus. What the store knows is read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from sayso.engine import Reader

_NAMESPACE = "sayso"


class Metrics:
    """All counters of one process. `alarm` is called when operators have something to hear, which is committed."""

    def __init__(self, alarm: Callable[[], None] = lambda: None) -> None:
        self.registry = CollectorRegistry()
        self.alarm = alarm
        self._pending = self._gauge("pending_requests", "Open requests")
        self._oldest = self._gauge("oldest_request_seconds", "How long the oldest open request has waited")
        self._undelivered = self._gauge("undelivered_cards", "Cards that are not up to date yet")
        self._held = self._gauge("held_runs", "Runs that wait for an operator")
        self._dead = self._gauge("dead_destinations", "Unreachable destinations")
        self._answers = self._counter("answers", "Answers by outcome", "platform", "outcome")
        self._cards = self._counter("cards", "Cards sent and edited", "platform", "how")
        self._problems = self._counter(
            "card_problems", "Cards that could not be shown", "platform", "problem"
        )
        self._copies = self._counter(
            "card_copies", "Cards whose reference was never received, found at a press", "platform"
        )
        self._unreadable = self._counter(
            "unreadable_payloads", "Presses, modals and commands that could not be read", "platform"
        )

        self._forged = self._counter(
            "forged_cards", "Presses in messages that differ from what was sent", "platform"
        )
        self._code_waits = self._counter(
            "code_waits", "Calls of sync code that had to wait because all threads for it were busy"
        )

    def answered(self, platform: str, kind: str) -> None:
        """An answer had this outcome."""
        self._answers.labels(platform, kind).inc()

    def card_shown(self, platform: str, *, new: bool) -> None:
        """A card was sent, or edited."""
        self._cards.labels(platform, "sent" if new else "edited").inc()

    def card_failed(self, platform: str, problem: str) -> None:
        """A card could not be shown."""
        self._problems.labels(platform, problem).inc()

    def copy_found(self, platform: str) -> None:
        """A card was pressed whose reference had never been received."""
        self._copies.labels(platform).inc()

    def payload_unreadable(self, platform: str) -> None:
        """What somebody did could not be read."""
        self._unreadable.labels(platform).inc()

    def code_waits(self) -> None:
        """Sync code of a workflow has to wait for a thread. Called from any thread."""
        self._code_waits.inc()

    def card_forged(self, platform: str) -> None:
        """A button was pressed in a message that shows something else than its question."""
        self._forged.labels(platform).inc()
        self.alarm()

    def accounts_changed(self) -> None:
        """Whose an account is has changed, or shall change."""
        self.alarm()

    async def render(self, reader: Reader, now: datetime) -> bytes:
        """The counters as Prometheus reads them. Raises `StoreError`."""
        counts = await reader.counts()
        self._pending.set(counts.pending)
        self._oldest.set(0 if counts.oldest is None else (now - counts.oldest).total_seconds())
        self._undelivered.set(counts.undelivered)
        self._held.set(counts.held)
        self._dead.set(len(await reader.dead_places()))
        return generate_latest(self.registry)

    def _gauge(self, name: str, words: str) -> Gauge:
        return Gauge(name, words, namespace=_NAMESPACE, registry=self.registry)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(name, words, labels, namespace=_NAMESPACE, registry=self.registry)
