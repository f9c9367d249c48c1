"""Requests and runs as they are named on a command line: all commands take the same."""

from __future__ import annotations

from sayso.adapters.console import SHORTEST, parse_address, parse_id
from sayso.bots.cli._acting import read
from sayso.bots.cli._problems import NotFound, UsageProblem
from sayso.bots.client import Service
from sayso.engine import Reader, RequestRecord

_WHOLE = 32


def read_address(address: str) -> tuple[str, int]:
    """A request's id and revision as they are typed. Raises `UsageProblem`."""
    found = parse_address(address)
    if found is None:
        raise UsageProblem(
            f"invalid ID@REV: {address!r}. Use the request's ID (at least six characters), @ and its revision, as "
            "`sayso requests` lists them."
        )
    return found


def read_id(given: str) -> str:
    """A request's id, or its beginning, as it is typed. Raises `UsageProblem`."""
    found = parse_id(given)
    if found is None:
        raise UsageProblem(f"invalid request ID: {given!r}. Give at least its first six characters.")
    return found


async def find_request(reader: Reader, given_id: str) -> RequestRecord | None:
    """The request whose id this is, or the only one whose id begins so; raises where that is nobody's or several's."""
    found = await reader.request_ids(given_id)
    if len(found) > 1:
        raise UsageProblem(f"{given_id} matches {len(found)} requests. Give more of the ID.")
    if not found and len(given_id) < _WHOLE:
        raise NotFound(f"no request matches {given_id}. `sayso requests` lists the open ones.")
    return await reader.request(found[0]) if found else None


async def find_run(reader: Reader, given_id: str) -> str:
    """The id of the run that is named so, or the only one that begins so; what was given where there is none, which may
    be that of a run that was pruned. Raises `UsageProblem` for several.
    """
    found = await reader.run_ids(given_id) if len(given_id) >= SHORTEST else [given_id]
    if len(found) > 1:
        raise UsageProblem(f"{given_id} matches {len(found)} runs. Give more of the ID.")
    return found[0] if found else given_id


def run_named(database: str | None, given_id: str) -> str:
    """As `find_run`, in the database of a command."""
    return read(Service.build(database), lambda reader: find_run(reader, given_id))
