"""What a message is compared by, whatever the platform: named parts of what it says that it keeps.

A platform gives a message back in a form of its own. It is never guessed: what it answered to our send or edit and what
it brings with a press both come from the platform, and those two are compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from sayso.engine import Kept

_SHORT = 32
"""Hexadecimal digits of a part's digest."""


def keep(content: object, parts: Mapping[str, Sequence[object]]) -> Kept:
    """The digest of some content, which presses are compared by, and those of its named parts, to tell what differs."""
    return Kept(
        _digest(content), {name: _digest(values)[:_SHORT] for name, values in parts.items() if values}
    )


def _digest(content: object) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
