"""How often somebody may try something."""

from __future__ import annotations

import time
from collections import OrderedDict

_MOST_REMEMBERED = 10_000


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
