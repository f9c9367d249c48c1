"""The section of hooks of coding agents. What the rules mean is for those who judge by them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sayso.config._sections import Section, Text


class HookRuleSettings(Section):
    """A rule for tool calls: see `sayso.bots.hooks`."""

    answer: Literal["ask", "allow", "deny"] = Field(
        default="ask", description="What happens: ask people, allow the call, or deny it."
    )
    tools: tuple[Text, ...] = Field(
        default=(), description="Tools that the rule covers, by name; * matches any part of a name."
    )
    commands: tuple[Text, ...] = Field(
        default=(),
        description="Commands that the rule covers: * matches any part of an argument, ** the rest.",
    )
    directories: tuple[Text, ...] = Field(
        default=(),
        description="Directories that the rule covers, with everything below them; absolute paths.",
    )
    policy: Text | None = Field(default=None, description="Policy for the request.")
    to: tuple[Text, ...] = Field(default=(), description="Where to send the request.")
    reason: Text | None = Field(default=None, description="Reason to give to the agent.")


class HooksSettings(Section):
    """Tool calls of coding agents. Each client may have such a section in a file of its own."""

    wait: Text = Field(
        default="10m",
        description="How long a hook waits for an answer, such as 30s or 10m; then the call is denied.",
    )
    keep: Text = Field(
        default="1d", description="How long a request stays open if a session with --defer is waiting for it."
    )
    policy: Text | None = Field(default=None, description="Policy for requests whose rule names none.")
    to: tuple[Text, ...] = Field(
        default=(), description="Where to send requests whose rule names neither policy nor destination."
    )
    requested_by: Text | None = Field(
        default=None,
        description="Person for whom the agent works, such as person:ana, whom four eyes then bar from approving. "
        "Default: who calls the service.",
    )
    rules: tuple[HookRuleSettings, ...] = Field(
        default=(),
        description="Rules for tool calls; the first that matches decides. Calls that no rule matches ask people.",
    )
