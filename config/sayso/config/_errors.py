"""Errors about invalid settings, and about settings whose libraries are not installed."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sayso.engine import OperatorError


class InvalidSettings(OperatorError):
    """A setting is invalid. `place` is the file or `the environment`, `key` the setting as written there."""

    def __init__(self, place: str, key: str, reason: str, remedy: str) -> None:
        self.place = place
        self.key = key
        self.reason = reason
        self.remedy = remedy
        subject = f"setting {key} in {place}" if key else place
        super().__init__(f"invalid {subject}: {reason}. {remedy}")


class MissingExtra(OperatorError):
    """A feature needs libraries that are not installed."""

    def __init__(self, purpose: str, extra: str, module: str | None) -> None:
        self.extra = extra
        super().__init__(
            f"{purpose} needs the extra {extra!r} (module {module!r} is missing). Install it: pip install "
            f"'sayso[{extra}]'"
        )


@contextmanager
def needs_extra(purpose: str, extra: str) -> Generator[None]:
    """Imports in this context need an extra. Raises `MissingExtra` if it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(purpose, extra, error.name) from error
