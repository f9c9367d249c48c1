"""A workflow as the service hosts it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sayso.engine import ASK, InvalidWorkflow, Workflow


@dataclass(frozen=True, slots=True)
class Hosted:
    """A workflow, with the accounts that may start it in addition to operators, and the approvers of its questions that
    name none.
    """

    workflow: Workflow
    starters: frozenset[str] = frozenset()
    to: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The workflow's name."""
        return self.workflow.name


def hosted(workflows: Iterable[Workflow | Hosted]) -> tuple[Hosted, ...]:
    """Workflows as they are hosted. Raises `InvalidWorkflow` where two have one name."""
    found = tuple(one if isinstance(one, Hosted) else Hosted(one) for one in workflows)
    names = [one.name for one in found]
    if ASK in names:
        raise InvalidWorkflow(
            f"{ASK!r} is the name of the built-in workflow that asks questions from outside; give yours another name, "
            "once its runs have ended"
        )
    for name in names:
        if names.count(name) > 1:
            raise InvalidWorkflow(f"two workflows are named {name!r}; give each its own name")
    return found
