"""The log of `sayso serve`: lines for people or JSON for machines, with run and request ids, without secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog

from sayso.adapters.console import visible
from sayso.config import LogSettings

_NOISY = (
    "httpx",
    "httpcore",
    "slack_bolt",
    "slack_sdk",
    "telegram",
    "aiohttp",
    "uvicorn",
    "asyncio",
    "aiosqlite",
)
_HIDDEN = "[secret]"


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


def set_up_logging(settings: LogSettings, secrets: Iterable[str | None] = ()) -> None:
    """Send all log lines of this process to standard error, in the form that is set."""
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
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
