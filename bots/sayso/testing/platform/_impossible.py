"""What a person could not do."""

from __future__ import annotations


class Impossible(AssertionError):
    """A test asked a person for something that the app would not let them do: the test fails, nothing is handled."""

    def __init__(self, who: str, reason: str) -> None:
        self.who = who
        self.reason = reason
        super().__init__(f"{who}: {reason}")
