"""A hook as the process that an agent starts: an event comes on standard input, a verdict goes to standard output.

It ends with 0 and a verdict, or with 2 and the reason on standard error, which blocks the call; never with 1, after
which agents run the tool. It ends by itself before the agent's time-out, which may run the tool as well.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec

from sayso.bots.hooks._calls import Agent, UnknownEvent, read_call
from sayso.bots.hooks._rules import InvalidRules, seconds
from sayso.bots.hooks._settings import read_settings, rules_in, service_url
from sayso.bots.hooks._verdicts import Verdict, ruled, said

BLOCKED = 2
MARGIN = 60
"""Seconds that agents give a hook beyond its wait."""

_LAST_RESORT = 45.0
_LARGEST = 16_000_000
"""Bytes of an event that are read."""


class HookOptions(msgspec.Struct, frozen=True):
    """What the command line says. `wait` is a time such as `10m`; without it the settings' counts."""

    agent: Agent
    settings: Path | None = None
    url: str | None = None
    wait: str | None = None
    defers: bool = False


def run_hook(options: HookOptions, environment: Mapping[str, str]) -> int:
    """Judge the call on standard input; the exit code."""
    try:
        return _run(options, environment)
    except (UnknownEvent, InvalidRules) as error:
        return _blocked(str(error))
    except BaseException as error:  # noqa: BLE001 - any other end would let the tool run
        return _blocked(f"{type(error).__name__}: {error}")


def _run(options: HookOptions, environment: Mapping[str, str]) -> int:
    settings = read_settings(options.settings)
    rules = rules_in(settings)
    wait = seconds(options.wait or rules.wait)
    if wait <= 0:
        raise InvalidRules(f"{options.wait!r} is not a time; use one such as 30s, 10m or 4h")
    last_resort = threading.Timer(wait + _LAST_RESORT, _end)
    last_resort.daemon = True
    last_resort.start()
    call = read_call(options.agent, sys.stdin.buffer.read(_LARGEST))
    verdict: Verdict | None = ruled(call, rules)
    if verdict is None:
        from sayso.bots.hooks._beside import judge_beside

        url = service_url(options.url, options.settings, settings, environment)
        verdict = judge_beside(call, rules, url, wait, environment if options.defers else None)
    os.write(sys.stdout.fileno(), said(call, verdict))
    return 0


def _blocked(reason: str) -> int:
    text = f"sayso: {reason.rstrip('.')}. The call was not approved.\n"
    os.write(sys.stderr.fileno(), text.encode(errors="replace"))
    return BLOCKED


def _end() -> None:
    os._exit(_blocked("the hook did not end in time"))
