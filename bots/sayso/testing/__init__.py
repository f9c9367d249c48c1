"""Strict local chat platforms: for tests of workflows, and for a demo without tokens."""

from sayso.testing.telegram import (
    Call,
    FaultKind,
    Group,
    Impossible,
    LocalClock,
    LocalTelegram,
    PendingUpdate,
    Person,
    Press,
    PressResult,
    SeenButton,
    SeenDocument,
    SeenEntity,
    SeenMessage,
    TelegramLimits,
)

__all__ = [
    "Call",
    "FaultKind",
    "Group",
    "Impossible",
    "LocalClock",
    "LocalTelegram",
    "PendingUpdate",
    "Person",
    "Press",
    "PressResult",
    "SeenButton",
    "SeenDocument",
    "SeenEntity",
    "SeenMessage",
    "TelegramLimits",
]
