"""What is said about a setting that cannot be used, or not without libraries that are missing."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

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


class MissingExtra(OperatorError):
    """Something was asked for whose libraries are not installed."""

    def __init__(self, purpose: str, extra: str, module: str | None) -> None:
        self.extra = extra
        super().__init__(
            f"{purpose} needs the extra {extra!r} (there is no module {module!r}). Install it: pip install "
            f"'sayso[{extra}]'"
        )


@contextmanager
def needs_extra(purpose: str, extra: str) -> Generator[None]:
    """What is imported meanwhile comes with an extra. Raises `MissingExtra` where it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(purpose, extra, error.name) from error
