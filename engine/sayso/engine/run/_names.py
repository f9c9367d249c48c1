"""Names of requests and steps within one attempt of a visit: an answer never satisfies two questions."""

from __future__ import annotations

from sayso.engine.errors import AmbiguousRequest

_PARALLEL = 0


class Names:
    """The names that an attempt has used. In the visit's own task a missing or repeated name counts up; in any other
    task a name is compulsory and unique, because the order of tasks is no identity.
    """

    __slots__ = ("_kind", "_used")

    def __init__(self, kind: str, used: dict[str, int] | None = None) -> None:
        self._kind = kind
        # How often a name was asked for in the visit's own task; `_PARALLEL` for one of another task.
        self._used = used

    def copy(self) -> Names:
        """The names as they stand; a new attempt starts again from there."""
        return Names(self._kind, None if self._used is None else dict(self._used))

    def __contains__(self, name: str) -> bool:
        return self._used is not None and name in self._used

    def claim(self, name: str | None, default: str, *, own_task: bool) -> str:
        """The identity for a given name; raises `AmbiguousRequest`."""
        if self._used is None:
            self._used = {}
        return (
            _count(self._kind, self._used, name or default)
            if own_task
            else _claim(self._kind, self._used, name)
        )


def _count(kind: str, used: dict[str, int], name: str) -> str:
    while True:
        count = used.get(name, 0) + 1
        identity = name if count == 1 else f"{name}#{count}"
        if used.get(identity) == _PARALLEL or used.get(name) == _PARALLEL:
            raise AmbiguousRequest(kind, identity, "a parallel task of this visit uses this name too")
        used[name] = count
        if identity == name or identity not in used:
            used.setdefault(identity, 1)
            return identity


def _claim(kind: str, used: dict[str, int], name: str | None) -> str:
    if not name:
        reason = "outside the node's own task (gather, task groups, wait_for) give it a request_id"
        raise AmbiguousRequest(kind, None, reason)
    if name in used:
        raise AmbiguousRequest(kind, name, "outside the node's own task a name is used once in a visit")
    used[name] = _PARALLEL
    return name
