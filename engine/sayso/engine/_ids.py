"""Opaque names of 128 random bits, for runs and requests. They are names, never permissions."""

from __future__ import annotations

import os


def new_id() -> str:
    """32 hex digits."""
    return os.urandom(16).hex()
