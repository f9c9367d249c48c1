"""How often somebody may try something, and how many connections are open at once."""

from __future__ import annotations

import ipaddress
import logging
import resource
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

logger = logging.getLogger("sayso.http")

_MOST_REMEMBERED = 10_000
_MOST_KEPT_BACK = 256
_CONTROL_CONNECTIONS = 64


class RateLimit:
    """`per_minute` a key, all of them at once if need be. The keys that were used last are remembered."""

    def __init__(self, per_minute: int) -> None:
        self._most = float(per_minute)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Take one; in how many seconds there is one where none is left, else 0."""
        now = time.monotonic()
        left, at = self._left.pop(key, (self._most, now))
        left = min(self._most, left + (now - at) * self._most / 60)
        wait = 0.0 if left >= 1 else (1 - left) * 60 / self._most
        self._left[key] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > _MOST_REMEMBERED:
            self._left.popitem(last=False)
        return wait


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """`most` connections at once, `per_address` of them from one address that is not in `unlimited`; a request has to
    have arrived, with its body, `within` this time.
    """

    most: int
    per_address: int
    within: timedelta
    unlimited: tuple[str, ...] = ()

    @classmethod
    def of_public(
        cls, most: int, per_address: int, within: timedelta, unlimited: tuple[str, ...]
    ) -> ConnectionLimits:
        """The limits of the public server, which leaves half of the process's file descriptors, 256 at most, to the
        database, the platforms, the control socket and the workflows.
        """
        descriptors = _descriptors()
        left = descriptors - min(_MOST_KEPT_BACK, descriptors // 2)
        if left < most:
            logger.warning(
                "http.connections is %d, but only %d are taken: this process may open %d files (ulimit -n)",
                most,
                left,
                descriptors,
            )
        return cls(min(most, left), per_address, within, unlimited)

    @classmethod
    def of_control(cls, within: timedelta) -> ConnectionLimits:
        """The limits of the control socket, out of what the public server leaves."""
        most = min(_CONTROL_CONNECTIONS, _descriptors() // 8)
        return cls(most, most, within)


def _descriptors() -> int:
    """How many files and sockets this process may have open (getrlimit(2): RLIMIT_NOFILE)."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**20 if soft == resource.RLIM_INFINITY else soft


class Connection(Protocol):
    """A connection as its limits see it."""

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its client: for a request, or for what was answered to be read."""
        ...

    def give_up(self) -> None:
        """Close it at once."""
        ...


class Connections:
    """The connections that are open, oldest first."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._unlimited = frozenset(origin_of(address) for address in limits.unlimited)
        self._open: dict[Connection, str] = {}

    def make_room(self, address: str) -> bool:
        """Whether one more from an address may be opened. Where there is no room, the oldest that waits for its client
        is closed for it: one that works for somebody never is.
        """
        origin = origin_of(address)
        same = [one for one, other in self._open.items() if other == origin]
        if origin not in self._unlimited and len(same) >= self._limits.per_address:
            return self._close_one(same)
        return len(self._open) < self._limits.most or self._close_one(self._open)

    def opened(self, connection: Connection, address: str) -> None:
        """A connection was opened."""
        self._open[connection] = origin_of(address)

    def closed(self, connection: Connection) -> None:
        """It was closed; harmless when that is known."""
        self._open.pop(connection, None)

    def _close_one(self, among: Collection[Connection]) -> bool:
        found = next((one for one in among if one.is_waiting), None)
        if found is None:
            return False
        self.closed(found)
        found.give_up()
        return True


def origin_of(address: str) -> str:
    """What counts as one address: of IPv6 the network of 64 bits, which is what one customer gets (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(parsed) >> 64 << 64))
