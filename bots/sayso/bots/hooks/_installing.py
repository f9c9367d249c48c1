"""Hooks in the settings of agents: written so that a hook which cannot decide blocks, and taken out again. What else is
in the file stays as it is.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from sayso.bots.hooks._calls import PERMISSION_REQUEST, PRE_TOOL_USE, Agent
from sayso.bots.hooks._process import MARGIN
from sayso.bots.hooks._rules import seconds

_OURS = re.compile(r"\bsayso\b.* hook (?:claude-code|codex)\b|/hooks/claude-code\b")
_ELSE = "sh -c 'echo sayso: the hook ended without a verdict, so the call was not approved. >&2; exit 2'"
"""Whatever a hook ends with, also killed or not found, becomes what blocks."""


class NotInstalled(Exception):
    """The settings cannot be changed. The text says why."""


class Wanted(msgspec.Struct, frozen=True):
    """The hook to install. `program` runs `sayso`; `service` is the service's address, for the http hook."""

    agent: Agent
    program: str
    wait: str
    settings: Path | None = None
    url: str | None = None
    tools: str | None = None
    defers: bool = False
    asks_permission: bool = False
    service: str | None = None

    @property
    def event(self) -> str:
        """The event that the hook is for."""
        return PERMISSION_REQUEST if self.asks_permission else PRE_TOOL_USE

    def group(self) -> dict[str, Any]:
        """What stands in the settings."""
        matcher = {} if self.tools is None else {"matcher": self.tools}
        return {**matcher, "hooks": [self._handler()]}

    def _handler(self) -> dict[str, Any]:
        fails_closed = {"onFailure": "block"} if self.agent is Agent.CLAUDE_CODE else {}
        common = {"timeout": round(seconds(self.wait)) + MARGIN, **fails_closed}
        if self.service is not None:
            return {
                "type": "http",
                "url": f"{self.service.rstrip('/')}/hooks/claude-code?wait={self.wait}",
                "headers": {"Authorization": "Bearer $SAYSO_TOKEN"},
                "allowedEnvVars": ["SAYSO_TOKEN"],
                **common,
            }
        words = [self.program, "hook", self.agent.value, "--wait", self.wait]
        words += [] if self.settings is None else ["--settings", str(self.settings.absolute())]
        words += [] if self.url is None else ["--url", self.url]
        words += ["--defer"] if self.defers else []
        return {"type": "command", "command": f"{shlex.join(words)} || {_ELSE}", **common}


def install(path: Path, wanted: Wanted) -> bool:
    """Write a hook into an agent's settings in the place of an earlier one; whether anything changed. Raises
    `NotInstalled`.
    """
    given = _read(path)
    hooks = _hooks(given, path)
    found = [(event, group) for event, groups in hooks.items() for group in groups if _is_ours(group)]
    if found == [(wanted.event, wanted.group())]:
        return False
    kept = _without(hooks)
    kept[wanted.event] = [*kept.get(wanted.event, []), wanted.group()]
    _write(path, {**given, "hooks": kept})
    return True


def uninstall(path: Path) -> bool:
    """Take the hook out of an agent's settings; whether there was one. Raises `NotInstalled`."""
    given = _read(path)
    hooks = _hooks(given, path)
    kept = _without(hooks)
    if kept == hooks:
        return False
    rest = {name: value for name, value in given.items() if name != "hooks"}
    _write(path, {**rest, "hooks": kept} if kept else rest)
    return True


def settings_file(agent: Agent, environment: Mapping[str, str], *, project: Path | None) -> Path:
    """The file of an agent's that holds hooks: the user's, or a project's."""
    if agent is Agent.CODEX:
        home = Path(environment.get("CODEX_HOME") or Path.home() / ".codex")
        return (home if project is None else project / ".codex") / "hooks.json"
    home = Path(environment.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude")
    return (home if project is None else project / ".claude") / "settings.json"


def _hooks(given: dict[str, Any], path: Path) -> dict[str, list[dict[str, Any]]]:
    hooks = given.get("hooks", {})
    try:
        return msgspec.convert(hooks, dict[str, list[dict[str, Any]]])
    except msgspec.ValidationError as error:
        raise NotInstalled(f"{path} has hooks that cannot be read: {error}") from error


def _without(hooks: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    kept: dict[str, list[dict[str, Any]]] = {}
    for event, groups in hooks.items():
        rest = [left for one in groups if (left := _rest_of(one)) is not None]
        if rest or not groups:
            kept[event] = rest
    return kept


def _rest_of(group: dict[str, Any]) -> dict[str, Any] | None:
    """A group without the handlers that are ours; None where nothing is left."""
    if not _is_ours(group):
        return group
    others = [one for one in group["hooks"] if not _is_our_handler(one)]
    return {**group, "hooks": others} if others else None


def _is_ours(group: dict[str, Any]) -> bool:
    handlers: Any = group.get("hooks")
    return isinstance(handlers, list) and any(map(_is_our_handler, cast("list[object]", handlers)))


def _is_our_handler(handler: object) -> bool:
    if not isinstance(handler, dict):
        return False
    known = cast("dict[str, Any]", handler)
    return any(_OURS.search(str(known.get(name, ""))) is not None for name in ("command", "url"))


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotInstalled(f"{path} cannot be read: {reason}") from error
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise NotInstalled(f"{path} is not a JSON object: {error}") from error


def _write(path: Path, value: dict[str, Any]) -> None:
    """Replace the file at once, and keep its permissions."""
    place = path.resolve()
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        mode = place.stat().st_mode & 0o777 if place.exists() else 0o644
        try:
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:  # noqa: PTH123
                file.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
            beside.chmod(mode)
            beside.replace(place)
        finally:
            with contextlib.suppress(FileNotFoundError):
                beside.unlink()
    except OSError as error:
        raise NotInstalled(f"{path} cannot be written: {error.strerror or error}") from error
