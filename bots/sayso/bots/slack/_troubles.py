"""What is wrong with the bot, by the part that says so: one that works takes nothing back that another one said."""

from __future__ import annotations

from sayso.bots.chats import Ready


class Troubles:
    """Has `ready` hear all that is wrong, and None when nothing is."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready
        self._by_part: dict[str, str] = {}

    def of(self, part: str) -> Ready:
        """What hears of one part."""

        def report(problem: str | None) -> None:
            if problem is None:
                self._by_part.pop(part, None)
            else:
                self._by_part[part] = problem
            self._ready("; ".join(self._by_part.values()) or None)

        return report
