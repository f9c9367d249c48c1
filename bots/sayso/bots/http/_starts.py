"""Starting workflows over HTTP: which of them somebody may start, and the start itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sayso.bots.http._bounds import check_start, is_within
from sayso.bots.http._callers import Caller
from sayso.bots.http._problems import Problem
from sayso.engine import Runtime, Warrant, Workflow, canonical


@dataclass(frozen=True, slots=True)
class Starts:
    """Starts runs of the workflows that are hosted; `starters` are, by workflow, those who may besides operators."""

    runtime: Runtime
    workflows: Mapping[str, Workflow]
    starters: Mapping[str, frozenset[str]]

    def of(self, caller: Caller) -> list[Workflow]:
        """The workflows that somebody may start, by name."""
        return [
            workflow
            for name, workflow in sorted(self.workflows.items())
            if is_within(caller, name) and (caller.is_operator or self._is_starter(caller, name))
        ]

    async def start(
        self, caller: Caller, name: str, shared: Mapping[str, Any], *, run_id: str | None, key: str | None
    ) -> str:
        """Start a run for somebody; its id. Raises `Problem` where they may not, and what `Runtime.start` raises."""
        check_start(caller, name)
        is_starter = self._is_starter(caller, name)
        if not (is_starter or caller.is_operator):
            raise Problem.not_allowed(
                f"{caller.person} may not start {name!r}: an operator lists starters in sayso.toml."
            )
        return await self.runtime.start(
            name,
            shared,
            run_id,
            requested_by=caller.person,
            event_key=key,
            warrant=Warrant(caller.credential) if is_starter else caller.operating,
        )

    def _is_starter(self, caller: Caller, name: str) -> bool:
        starters = {canonical(one) for one in self.starters.get(name, ())}
        return not starters.isdisjoint((caller.person, *caller.ids))
