"""A gate for deploy scripts: asks one question and ends with its answer. `examples/gate.sh` is the script's side.

The script's token starts the gate and reads its result (`--scope start --scope read`), and cannot approve it.
Nobody is named here, so operators answer; name people or a chat with `to=` to ask others.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sayso.engine import Workflow, node, request_input


@node
async def gate(shared: dict[str, Any]) -> None:
    """Ask what the script wants to know; nobody's answer within an hour is a no."""
    shared["answer"] = await request_input(
        shared["question"],
        [{"value": "approve", "label": "Approve"}, {"value": "reject", "label": "Reject"}],
        "select",
        "gate",
        details=shared.get("details"),
        expires_after=timedelta(hours=1),
        default="reject",
    )


workflow = Workflow("gate", start=gate)
