"""What is said about a setting that cannot be used."""

from __future__ import annotations

from sayso.engine import OperatorError


class InvalidSettings(OperatorError):
    """A setting cannot be used. `place` is the file or `the environment`, `key` the setting as it stands there."""

    def __init__(self, place: str, key: str, reason: str, remedy: str) -> None:
        self.place = place
        self.key = key
        self.reason = reason
        self.remedy = remedy
        subject = f"{key} in {place}" if key else place
        super().__init__(f"{subject} cannot be used: {reason}. {remedy}")
