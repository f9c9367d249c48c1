"""Names of requests and steps within one attempt of a visit: an answer never satisfies two questions."""

from __future__ import annotations

from sayso.engine.errors import AmbiguousRequest


class Names:
    """The names that an attempt has used. In the visit's own task a missing or repeated name counts up; in any other
    task a name is compulsory and unique, because the order of tasks is no identity.
    """

    __slots__ = ("_counts", "_foreign", "_kind", "_own")

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._counts: dict[str, int] = {}
        self._own: set[str] = set()
        self._foreign: set[str] = set()

    def copy(self) -> Names:
        """The names as they stand; a new attempt starts again from there."""
        twin = Names(self._kind)
        twin._counts = dict(self._counts)
        twin._own = set(self._own)
        twin._foreign = set(self._foreign)
        return twin

    def claim(self, name: str | None, default: str, *, own_task: bool) -> str:
        """The identity for a given name; raises `AmbiguousRequest`."""
        return self._count(name or default) if own_task else self._claim_unique(name)

    def _count(self, name: str) -> str:
        identity = name
        while True:
            count = self._counts.get(name, 0) + 1
            self._counts[name] = count
            identity = name if count == 1 else f"{name}#{count}"
            if identity in self._foreign:
                raise AmbiguousRequest(
                    self._kind, identity, "a parallel task of this visit uses this name too"
                )
            if identity not in self._own:
                self._own.add(identity)
                return identity

    def _claim_unique(self, name: str | None) -> str:
        if not name:
            raise AmbiguousRequest(
                self._kind,
                None,
                "outside the node's own task (gather, task groups, wait_for) give it a request_id",
            )
        if name in self._own or name in self._foreign:
            raise AmbiguousRequest(
                self._kind, name, "outside the node's own task a name is used once in a visit"
            )
        self._foreign.add(name)
        return name
