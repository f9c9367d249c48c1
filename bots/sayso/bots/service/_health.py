"""What is wrong with the service; `/readyz` shows it."""

from __future__ import annotations


class Health:
    """Why the service is not ready, by part; ready where there is no reason."""

    def __init__(self) -> None:
        self._problems: dict[str, str] = {}

    def report(self, part: str, problem: str | None) -> None:
        """Say what is wrong with a part; None that nothing is."""
        if problem is None:
            self._problems.pop(part, None)
        else:
            self._problems[part] = problem

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong now, by part."""
        return dict(self._problems)
