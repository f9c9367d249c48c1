"""Opaque names of 128 random bits, for runs and requests. They are names, never permissions."""

from __future__ import annotations

import os
import random

# Seeded from the system once, instead of a system call an id, and of its own, so that `random.seed` in a workflow
# cannot repeat ids; a forked child gets a seed of its own.
_random = random.Random()  # noqa: S311 - an id is a name, never a permission
os.register_at_fork(after_in_child=_random.seed)


def new_id() -> str:
    """32 hex digits."""
    return f"{_random.getrandbits(128):032x}"
