"""What a run looks like from outside at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sayso.engine._records import (
    Attention,
    LoadedRun,
    NodeStatus,
    RequestRecord,
    WorkflowStatus,
)
from sayso.engine._values import Json, decode_dict


@dataclass(frozen=True, slots=True)
class ExecutionState:
    """A run at one moment.

    `pending` are the open requests as dicts with `id`, `revision`, `node_id`, `request_id`, `prompt`, `options`,
    `input_type` and more; `awaiting_input` is the first of them or None. `shared` is a copy. `error` says why a run
    failed, `attention` what an operator must decide.
    """

    run_id: str
    workflow_status: WorkflowStatus
    pending: tuple[dict[str, Json], ...]
    shared: dict[str, Any]
    next_node_id: str | None
    node_statuses: dict[str, NodeStatus]
    error: str | None
    attention: Attention | None

    @property
    def awaiting_input(self) -> dict[str, Any] | None:
        """The first open request, or None."""
        return self.pending[0] if self.pending else None


def merge_statuses(
    nodes: Sequence[str],
    stored: Mapping[str, str],
    waiting_at: str | None,
    live: Mapping[str, NodeStatus],
) -> dict[str, NodeStatus]:
    """The status of every node: what happened in this process over what is stored over `PENDING`."""
    statuses = dict.fromkeys(nodes, NodeStatus.PENDING)
    statuses.update({node_id: NodeStatus(status) for node_id, status in stored.items()})
    if waiting_at is not None and statuses.get(waiting_at) is NodeStatus.RUNNING:
        statuses[waiting_at] = NodeStatus.WAITING_FOR_INPUT
    statuses.update(live)
    return statuses


def state_of_loaded(loaded: LoadedRun, nodes: Sequence[str], stored: Mapping[str, str]) -> ExecutionState:
    """The state of a run as it is stored."""
    run = loaded.run
    waiting_at = run.node_id if run.status is WorkflowStatus.WAITING_FOR_INPUT else None
    return ExecutionState(
        run_id=run.run_id,
        workflow_status=run.status,
        pending=_shown(record for record in loaded.requests if record.open),
        shared=decode_dict(run.shared),
        next_node_id=run.node_id,
        node_statuses=merge_statuses(nodes, stored, waiting_at, {}),
        error=run.error if run.status is WorkflowStatus.FAILED else None,
        attention=run.attention,
    )


def _shown(records: Any) -> tuple[dict[str, Json], ...]:
    return tuple(record.as_dict() for record in records)


def show_requests(records: Sequence[RequestRecord]) -> tuple[dict[str, Json], ...]:
    """Open requests in the form of `pending`."""
    return _shown(records)
