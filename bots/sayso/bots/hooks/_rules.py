"""The rules of `[hooks]`: which tools, directories and commands ask whom, and which are allowed or denied at once.

The first rule that matches decides, and what no rule names asks. An `allow` matches only what it certainly covers; an
`ask` or a `deny` matches whatever it seems to concern.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from os.path import realpath
from typing import Literal

import msgspec

from sayso.bots.hooks._calls import ToolCall, normal
from sayso.bots.hooks._shell import InvalidPattern, concerns, covers, plain_words, read_pattern

_DURATION = re.compile(r"(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_PROTECTED = frozenset({".claude", ".codex", "sayso.toml"})
"""Names of files and folders that say what an agent may do. No rule lets it change them without people."""


class InvalidRules(ValueError):
    """Rules that cannot be meant. The text says which and why."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule. Whatever it names has to match: one of its `tools`, one of its `commands`, and one of its `directories`.
    `policy` and `to` say who is asked.
    """

    answer: Literal["ask", "allow", "deny"] = "ask"
    tools: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    policy: str | None = None
    to: tuple[str, ...] = ()
    reason: str | None = None

    def matches(self, call: ToolCall) -> bool:
        """Whether the rule decides about a call."""
        if self.tools and not any(fnmatchcase(call.tool, one) for one in self.tools):
            return False
        if self.answer == "allow":
            return not changes_its_rules(call) and self._certainly(call)
        return self._seemingly(call)

    def _certainly(self, call: ToolCall) -> bool:
        if self.commands:
            words = None if call.command is None or call.leaves_sandbox else plain_words(call.command)
            if words is None or not any(covers(read_pattern(one), words) for one in self.commands):
                return False
        if self.directories:
            paths = call.paths
            return paths is not None and all(map(self._holds_really, (call.directory, *paths)))
        return True

    def _seemingly(self, call: ToolCall) -> bool:
        command = call.command
        if self.commands and (
            command is None or not any(concerns(read_pattern(one), command) for one in self.commands)
        ):
            return False
        paths = (call.directory, *(call.paths or ()))
        return not self.directories or any(self._holds(one) or self._is_led_into(one) for one in paths)

    def _holds(self, path: str) -> bool:
        return any(_is_below(path, normal(one)) for one in self.directories)

    def _holds_really(self, path: str) -> bool:
        """The same where links lead: what is reached through a link in a folder is not in it."""
        return self._holds(path) and self._is_led_into(path)

    def _is_led_into(self, path: str) -> bool:
        return any(_is_below(realpath(path), realpath(one)) for one in self.directories)


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that `[hooks]` says."""

    wait: str = "10m"
    keep: str = "1d"
    policy: str | None = None
    to: tuple[str, ...] = ()
    requested_by: str | None = None
    rules: tuple[Rule, ...] = ()

    def find(self, call: ToolCall) -> tuple[int, Rule] | None:
        """The rule that decides about a call, and its number, from 1 on; None where people are asked as for all."""
        return next(((n, one) for n, one in enumerate(self.rules, 1) if one.matches(call)), None)

    def check(self) -> None:
        """Raises `InvalidRules`."""
        for name, text in (("wait", self.wait), ("keep", self.keep)):
            if seconds(text) <= 0:
                raise InvalidRules(f"hooks.{name}: {text!r} is not a time; use one such as 30s, 10m or 4h")
        for number, one in enumerate(self.rules, 1):
            try:
                _check(one)
            except InvalidPattern as error:
                raise InvalidRules(f"rule {number} of hooks.rules: {error}") from error


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(f"{directory.rstrip('/')}/")


def _check(rule: Rule) -> None:
    for pattern in rule.commands:
        read_pattern(pattern)
    if rule.answer == "allow" and not (rule.tools or rule.commands):
        raise InvalidPattern('a rule that allows has to name tools or commands; tools = ["*"] means all')
    if rule.answer != "ask" and (rule.policy is not None or rule.to):
        raise InvalidPattern(
            f"a rule with answer = {rule.answer!r} asks nobody, so it has neither policy nor to"
        )
    for directory in rule.directories:
        if not directory.startswith("/"):
            raise InvalidPattern(f"{directory!r} is not an absolute directory")


def changes_its_rules(call: ToolCall) -> bool:
    """Whether a call may change what says what the agent may do."""
    if not call.changes_files:
        return False
    return call.paths is None or any(_is_protected(one) or _is_protected(realpath(one)) for one in call.paths)


def _is_protected(path: str) -> bool:
    """Whether a path names such a file, to a system that tells capitals apart or not."""
    return bool(_PROTECTED.intersection(path.casefold().split("/")))


def seconds(text: str) -> float:
    """The seconds of a time such as `90s`, `10m` or `1h30m`; 0 for what is none."""
    match = _DURATION.fullmatch(text.replace(" ", ""))
    days, hours, minutes, rest = (int(part or 0) for part in match.groups()) if match else (0, 0, 0, 0)
    return float(((days * 24 + hours) * 60 + minutes) * 60 + rest)


def rules_from(table: object) -> Rules:
    """The rules in a table of settings. Raises `InvalidRules`."""
    try:
        rules = msgspec.convert(table, Rules)
    except msgspec.ValidationError as error:
        raise InvalidRules(f"hooks: {error}") from error
    rules.check()
    return rules
