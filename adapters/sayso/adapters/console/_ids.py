"""Requests and runs as people name them: by the beginning of an id, which must be that of no other.

A closed request counts as well as an open one. Otherwise a short id, once that of the question that somebody read,
would come to mean another that was asked since.
"""

from __future__ import annotations

import re
from typing import Final

SHORTEST: Final = 6
"""How many characters of an id name it; fewer are a guess."""

_ADDRESS = re.compile(rf"([0-9a-f]{{{SHORTEST},32}})@([0-9]{{1,9}})", re.ASCII | re.IGNORECASE)
_ID = re.compile(rf"([0-9a-f]{{{SHORTEST},32}})(?:@[0-9]{{1,9}})?", re.ASCII | re.IGNORECASE)


def parse_address(typed: str) -> tuple[str, int] | None:
    """The beginning of a request's id, and the revision, as `ID@REVISION`."""
    match = _ADDRESS.fullmatch(typed.strip())
    return None if match is None else (match[1].lower(), int(match[2]))


def parse_id(typed: str) -> str | None:
    """The beginning of a request's id, with or without a revision after it."""
    match = _ID.fullmatch(typed.strip())
    return None if match is None else match[1].lower()
