"""What `sayso init` and a platform say to each other: the platform asks, and hands back what was found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar, runtime_checkable

from sayso.config import DestinationSettings, Settings
from sayso.engine import OperatorError

Found = TypeVar("Found")


class AnswerUnusable(OperatorError):
    """What was given while setting up cannot be used. `key` names the question, `reason` says why and what to do."""

    def __init__(self, key: str, reason: str) -> None:
        self.key = key
        self.reason = reason
        super().__init__(f"{key}: {reason}")


class Questions(Protocol):
    """Asks the person who sets sayso up."""

    @property
    def patience(self) -> timedelta:
        """How long to wait for something that people do in a chat."""
        ...

    def say(self, words: str) -> None:
        """Tell them something."""
        ...

    def given(self, key: str) -> str | None:
        """The answer that was given beforehand; None if the question has to be asked."""
        ...

    async def ask(
        self, key: str, words: str, read: Callable[[str], Awaitable[Found]], *, is_secret: bool = False
    ) -> Found:
        """Ask, and return what `read` makes of the answer; if it raises `AnswerUnusable`, the person is asked again. A
        secret is stored under its `key`, `PLATFORM.SETTING`, once `read` has accepted it. Raises `AnswerUnusable` if
        nobody can be asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class SetUp:
    """Where cards go on a platform, and who set it up: `person` may start workflows there."""

    place: str
    destination: DestinationSettings
    person: str | None


@runtime_checkable
class HasSetUp(Protocol):
    """A platform that `sayso init` can set up. Others are not offered there."""

    @property
    def name(self) -> str:
        """As in `Platform`."""
        ...

    @property
    def title(self) -> str:
        """As in `Platform`."""
        ...

    async def set_up(self, settings: Settings, questions: Questions) -> SetUp:
        """Ask what is needed, and look up the rest on the platform. Posts nothing. Raises `AnswerUnusable`,
        `MissingExtra`.
        """
        ...
