"""Hooks of coding agents: a tool that is about to be used becomes a question, and the agent hears the verdict.

It stands on `sayso.client` alone. Agents start it for every tool call, so what is heavy is imported where it is used.
"""

from sayso.bots.hooks._calls import Agent, ToolCall, UnknownEvent, read_call
from sayso.bots.hooks._card import shown, title
from sayso.bots.hooks._installing import NotInstalled, Wanted, install, settings_file, uninstall
from sayso.bots.hooks._judging import judge
from sayso.bots.hooks._process import BLOCKED, HookOptions, run_hook
from sayso.bots.hooks._rules import InvalidRules, Rule, Rules, rules_from, seconds
from sayso.bots.hooks._settings import read_settings, rules_in, service_url
from sayso.bots.hooks._verdicts import Denied, Verdict, refused, said

__all__ = [
    "BLOCKED",
    "Agent",
    "Denied",
    "HookOptions",
    "InvalidRules",
    "NotInstalled",
    "Rule",
    "Rules",
    "ToolCall",
    "UnknownEvent",
    "Verdict",
    "Wanted",
    "install",
    "judge",
    "read_call",
    "read_settings",
    "refused",
    "rules_from",
    "rules_in",
    "run_hook",
    "said",
    "seconds",
    "service_url",
    "settings_file",
    "shown",
    "title",
    "uninstall",
]
