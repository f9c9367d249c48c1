"""The log of `sayso serve`: lines for people or JSON for machines, with run and request ids, without secrets.

Lines that repeat are counted, so that nobody can fill the disk by having one written again and again.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TextIO

import structlog

from sayso.adapters.console import visible
from sayso.config import LogSettings, all_settings

_NOISY = ("httpx", "httpcore", "uvicorn", "asyncio", "aiosqlite", "mcp")
_HIDDEN = "[secret]"

REPEATS_WITHIN = 60.0
"""Seconds for which a line is written once, and then how often it came."""

MOST_ALIKE = 20
"""How many warnings and errors that differ only in what is filled in are written in that time."""

_MOST_REMEMBERED = 1000
_OWN_FIELDS = frozenset(logging.makeLogRecord({}).__dict__)


class SecretFilter:
    """Replaces known secrets wherever they stand in a line."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)

    def __call__(self, _logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A processor of structlog's."""
        for key, value in event.items():
            if isinstance(value, str):
                event[key] = self.clean(value)
        return event

    def clean(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text


class _VisibleFormatter(structlog.stdlib.ProcessorFormatter):
    """Log lines hold texts of workflows and people: what would command a terminal is shown."""

    def __init__(self, secrets: SecretFilter, **more: Any) -> None:
        super().__init__(**more)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return visible(self._secrets.clean(super().format(record)))


@dataclass(slots=True)
class _Counted:
    """Lines that count as one, since the first of them."""

    first: logging.LogRecord
    words: str
    allowed: int
    seen: int = 0

    @property
    def left_out(self) -> int:
        return max(0, self.seen - self.allowed)


@dataclass(slots=True)
class Repeats:
    """Which log lines are written. That depends on when the lines were made, not on when it is asked."""

    _counted: dict[tuple[object, ...], _Counted] = field(default_factory=dict[tuple[object, ...], _Counted])

    def takes(self, record: logging.LogRecord) -> bool:
        """Whether a line is written: not if it was written within the last minute, and not from the 21st warning of a
        kind on.
        """
        message = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        more = sorted((key, repr(value)) for key, value in record.__dict__.items() if key not in _OWN_FIELDS)
        if not self._allows((record.name, message, repr(error), *more), record, message, 1):
            return False
        if record.levelno < logging.WARNING:
            return True
        return self._allows((record.name, record.levelno), record, str(record.msg), MOST_ALIKE)

    def due(self, now: float) -> Iterator[logging.LogRecord]:
        """Lines that say how often others were repeated, a minute after their first. `now` is in seconds, as
        `LogRecord.created`.
        """
        while self._counted:
            key = next(iter(self._counted))
            counted = self._counted[key]
            if now - counted.first.created < REPEATS_WITHIN and len(self._counted) <= _MOST_REMEMBERED:
                return
            del self._counted[key]
            if counted.left_out:
                yield _count_of(counted)

    def _allows(self, kind: tuple[object, ...], record: logging.LogRecord, words: str, allowed: int) -> bool:
        key = (*kind, words, allowed)
        counted = self._counted.setdefault(key, _Counted(record, words, allowed))
        counted.seen += 1
        return not counted.left_out


def _count_of(counted: _Counted) -> logging.LogRecord:
    first = counted.first
    times = "once" if counted.left_out == 1 else f"{counted.left_out} times"
    words = f"{counted.words} (repeated {times} within {REPEATS_WITHIN:g} s)"
    return logging.LogRecord(first.name, first.levelno, first.pathname, first.lineno, words, None, None)


class _CountingHandler(logging.StreamHandler[TextIO]):
    """Writes lines, and the counts of those that repeat."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._repeats = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        for count in self._repeats.due(record.created):
            super().emit(count)
        if self._repeats.takes(record):
            super().emit(record)

    def close(self) -> None:
        """Called by `logging` at the end: what was counted is said."""
        for count in self._repeats.due(float("inf")):
            super().emit(count)
        super().close()


def set_up_logging(settings: LogSettings, secrets: Iterable[str | None] = ()) -> None:
    """Send all log lines of this process to standard error, in the configured format."""
    hidden = SecretFilter(secrets)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=False,
            pad_event_to=0,
            # Without the values of local variables: those hold what people wrote, and tokens.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    # In text a traceback is rendered by the last processor; a JSON line carries it as a field.
    tracebacks: list[Any] = [structlog.processors.format_exc_info] if settings.format == "json" else []
    formatter = _VisibleFormatter(
        hidden,
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tracebacks, hidden, last],
    )
    handler = _CountingHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level.upper())
    for name in (*_NOISY, *(one for platform in all_settings() for one in platform.loggers)):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
