"""Executing a node: its phases, its retries, and what its visit comes to."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from sayso.engine._graph import FunctionNode, Node, Workflow, choose_next, visit_copy
from sayso.engine._records import Attention, AttentionKind, WorkflowStatus
from sayso.engine._stray import contained, text_of, traceback_of
from sayso.engine._values import decode_dict, encode
from sayso.engine.errors import RequestExpired, RequestWithdrawn
from sayso.engine.run._asking import request_input
from sayso.engine.run._host import Halt, HaltKind
from sayso.engine.run._visit import CURRENT, Visit
from sayso.engine.store import VisitEnd, VisitStore

logger = logging.getLogger("sayso.engine")


async def execute_visit(store: VisitStore, workflow: Workflow, visit: Visit) -> VisitEnd | None:
    """Run the visit's node and say how the run continues; None when the visit was stopped and nothing is to be
    committed. What the node raises fails the run; a cancellation of the driver goes through.
    """
    CURRENT.set(visit)
    try:
        with contained():
            await _run_phases(store, visit, visit_copy(workflow.nodes[visit.place.node_id]))
            if visit.is_stopped():
                return None
            if (unused := visit.unused) is not None:
                reason = "it was answered, and the code no longer asks it"
                attention = Attention(AttentionKind.ANSWER_UNUSED, unused.name, unused.text, None, reason)
                visit.halt(Halt(HaltKind.HELD, attention))
                return None
            shared = encode(visit.shared, "shared", store.value_limit)
            following = choose_next(workflow.nodes[visit.place.node_id].edges, visit.place.node_id, shared)
    except Exception as error:  # noqa: BLE001 - the visit is the unit of work; logged with its run's id
        return None if visit.is_stopped() else _failure(visit, error)
    status = WorkflowStatus.COMPLETED if following is None else WorkflowStatus.RUNNING
    return VisitEnd(status, shared, following, withdraw=bool(visit.open_requests))


def _failure(visit: Visit, error: Exception) -> VisitEnd:
    place = visit.place
    logger.error(
        "run %s failed in node %s (visit %d)", place.run_id, place.node_id, place.visit, exc_info=error
    )
    return VisitEnd(
        WorkflowStatus.FAILED,
        error=text_of(error),
        withdraw=bool(visit.open_requests),
        traceback=traceback_of(error),
    )


async def _run_phases(store: VisitStore, visit: Visit, node: Node) -> None:
    if isinstance(node, FunctionNode):
        entry = visit.entry if node.max_retries > 1 else None
        await _attempt(store, visit, node, partial(_call_function, visit, node, entry), None)
        return
    prepared = None
    if _overrides(node, "prepare"):
        prepared = await visit.call(node.prepare, visit.shared, request_input)
    result = None
    if _overrides(node, "execute"):
        result = await _attempt(store, visit, node, partial(visit.call, node.execute, prepared), prepared)
    if _overrides(node, "cleanup"):
        await visit.call(node.cleanup, visit.shared, prepared, result)


def _overrides(node: Node, phase: str) -> bool:
    """Whether a node has a phase of its own; one that has not costs nothing."""
    return getattr(type(node), phase) is not getattr(Node, phase) or phase in vars(node)


async def _call_function(visit: Visit, node: FunctionNode, entry: str | None) -> None:
    if visit.attempt > visit.first_attempt and entry is not None:
        visit.shared = decode_dict(entry)  # each attempt begins with the state as the visit found it
    await visit.call(node.function, visit.shared)


async def _attempt(
    store: VisitStore, visit: Visit, node: Node, run: Callable[[], Awaitable[Any]], prepared: Any
) -> Any:
    """`execute`, up to `max_retries` times in all. Not retried: expiry, a withdrawal, a stop of the visit."""
    names = visit.mark_names()
    if visit.retry_at is not None:
        await store.clock.wait_until(visit.retry_at)
    try:
        while True:
            visit.phase_attempt = visit.attempt
            try:
                with contained():
                    return await run()
            except Exception as error:
                if visit.is_stopped():
                    raise
                spent = visit.attempt - visit.first_attempt + 1 >= node.max_retries
                if spent or isinstance(error, RequestExpired | RequestWithdrawn):
                    return await _fall_back(visit, node, prepared, error)
                await _next_attempt(store, visit, node, error)
                visit.restart_names(names)
    finally:
        visit.phase_attempt = 0


async def _fall_back(visit: Visit, node: Node, prepared: Any, error: Exception) -> Any:
    if not _overrides(node, "exec_fallback"):
        raise error
    return await visit.call(node.exec_fallback, prepared, error)


async def _next_attempt(store: VisitStore, visit: Visit, node: Node, error: Exception) -> None:
    place = visit.place
    text = text_of(error)
    retry_at = store.clock.now() + node.wait
    logger.warning(
        "run %s: attempt %d of node %s failed, next attempt at %s: %s",
        place.run_id,
        visit.attempt,
        place.node_id,
        retry_at.isoformat(),
        text,
    )
    visit.attempt += 1
    await visit.committed(store.next_attempt(place, visit.attempt, retry_at, text, traceback_of(error)))
    await store.clock.wait_until(retry_at)
