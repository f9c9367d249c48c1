"""Executing runs: visits, their journal, replay, parking. One driver serves the handle and the runtime."""

from sayso.engine.run._approvals import Approvals
from sayso.engine.run._asking import (
    NO_DEFAULT,
    NoDefault,
    build_terms,
    default_of,
    request_input,
    step,
    step_key,
)
from sayso.engine.run._blocked import BlockedLoopWatch
from sayso.engine.run._driver import Driver, resident_limit
from sayso.engine.run._host import Halt, HaltKind, Surroundings, Terms, gone_node
from sayso.engine.run._live import LiveRun
from sayso.engine.run._phases import execute_visit
from sayso.engine.run._threads import CodeThreads
from sayso.engine.run._visit import CURRENT, Visit, current_visit

__all__ = [
    "CURRENT",
    "NO_DEFAULT",
    "Approvals",
    "BlockedLoopWatch",
    "CodeThreads",
    "Driver",
    "Halt",
    "HaltKind",
    "LiveRun",
    "NoDefault",
    "Surroundings",
    "Terms",
    "Visit",
    "build_terms",
    "current_visit",
    "default_of",
    "execute_visit",
    "gone_node",
    "request_input",
    "resident_limit",
    "step",
    "step_key",
]
