"""What a token may do: the scopes that go together, and the scope that each call of the API needs, in one table.

People, who come with a session or over the control socket, have no scopes: theirs is whatever they may do themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from msgspec.structs import replace

from sayso.bots.http._problems import Problem
from sayso.engine import Bounds, OperatorError, Scope, parse_audience

LONGEST_LIFE = timedelta(days=366)

NEEDS: Mapping[tuple[str, str], frozenset[Scope]] = {
    ("GET", "/me"): frozenset(Scope),
    ("GET", "/workflows"): frozenset({Scope.START}),
    ("POST", "/runs"): frozenset({Scope.START}),
    ("GET", "/runs"): frozenset({Scope.READ}),
    ("GET", "/runs/{run_id}"): frozenset({Scope.READ}),
    ("GET", "/runs/{run_id}/requests"): frozenset({Scope.READ}),
    ("POST", "/runs/{run_id}/cancel"): frozenset({Scope.OPERATE}),
    ("POST", "/runs/{run_id}/retry"): frozenset({Scope.OPERATE}),
    ("POST", "/runs/{run_id}/attention"): frozenset({Scope.OPERATE}),
    ("GET", "/requests"): frozenset({Scope.READ, Scope.ASK}),
    ("POST", "/requests"): frozenset({Scope.ASK}),
    ("POST", "/batches"): frozenset({Scope.ASK}),
    ("PUT", "/files"): frozenset({Scope.ASK}),
    ("GET", "/requests/{request_id}"): frozenset({Scope.READ, Scope.ASK}),
    ("DELETE", "/requests/{request_id}"): frozenset({Scope.START, Scope.ASK}),
    ("POST", "/requests/{request_id}/consumption"): frozenset({Scope.ASK}),
    ("GET", "/requests/{request_id}/files/{sha256}"): frozenset({Scope.READ}),
    ("POST", "/requests/{request_id}/answers"): frozenset({Scope.ANSWER}),
    ("POST", "/requests/{request_id}/withdrawal"): frozenset({Scope.START, Scope.ASK}),
    ("POST", "/requests/{request_id}/reassignment"): frozenset({Scope.ANSWER}),
    ("GET", "/grants"): frozenset({Scope.READ, Scope.OPERATE}),
    ("GET", "/grants/{grant_id}"): frozenset({Scope.READ, Scope.OPERATE}),
    ("DELETE", "/grants/{grant_id}"): frozenset({Scope.OPERATE}),
    ("GET", "/changes"): frozenset({Scope.READ}),
    ("GET", "/events"): frozenset({Scope.READ}),
    ("GET", "/destinations/dead"): frozenset({Scope.OPERATE}),
    ("POST", "/destinations/revive"): frozenset({Scope.OPERATE}),
}
"""The scopes for each call, one of which a token needs. A call that is missing here is refused to every token."""


class InvalidScopes(OperatorError):
    """Scopes that one token cannot have."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"No token was made: {reason}")


def check_scopes(scopes: Collection[Scope]) -> frozenset[Scope]:
    """The scopes. Raises `InvalidScopes` for none, and for those that would let a program approve what it began."""
    if not scopes:
        raise InvalidScopes("it needs at least one scope")
    begins = sorted({Scope.START, Scope.ASK} & set(scopes))
    if begins and Scope.ANSWER in scopes:
        raise InvalidScopes(
            f"{begins[0]} and answer cannot be combined, because a program must not approve what it asked for. "
            "Create two tokens, for two programs."
        )
    return frozenset(scopes)


def check_bounds(scopes: frozenset[Scope], bounds: Bounds | None) -> Bounds | None:
    """The bounds of a token as they are compared, None where there are none. Raises `InvalidScopes` for bounds of what
    the token may not do at all, `InvalidRequest` for an entry of `to` that names nobody.
    """
    if not bounds:
        return None
    for named, scope, what in (
        (bounds.policies or bounds.to, Scope.ASK, "policies and people bound what it asks"),
        (bounds.workflows, Scope.START, "workflows bound what it starts"),
    ):
        if named and scope not in scopes:
            raise InvalidScopes(f"{what}, and it lacks the scope {scope}")
    if not all((*bounds.policies, *bounds.workflows)):
        raise InvalidScopes("a policy or workflow has an empty name")
    return replace(bounds, to=parse_audience(bounds.to) if bounds.to else ())


def check_scope(scopes: Collection[Scope] | None, person: str, needed: Collection[Scope]) -> None:
    """Raises `Problem` where a token has none of the scopes that a call needs; without scopes it is no token's."""
    if scopes is None or not set(needed).isdisjoint(scopes):
        return
    wanted = " or ".join(sorted(needed)) or "one that no token has"
    has = ", ".join(sorted(scopes))
    raise Problem(
        HTTPStatus.FORBIDDEN,
        "MissingScope",
        f"{person} may not do this: its token lacks the scope {wanted}. It has {has}. To replace it, run `sayso "
        f"revoke {person}`, then `sayso token {person.partition(':')[2]} --scope ...`.",
        more={"needed": sorted(needed), "scopes": sorted(scopes)},
    )


def describe_scopes(schema: dict[str, Any]) -> dict[str, Any]:
    """The API's description, saying for each call which scopes suffice."""
    schema.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, calls in schema["paths"].items():
        for method, call in calls.items():
            needed = sorted(NEEDS[method.upper(), path])
            call["security"] = [{"token": [scope]} for scope in needed]
            call["x-scopes"] = needed
    return schema
