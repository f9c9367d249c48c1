"""The drawing of a workflow's graph."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from markupsafe import Markup

from sayso.adapters.web import Graph, draw_graph
from sayso.engine import VisitSummary, Workflow


async def draw_workflow(
    workflow: Workflow, visits: Sequence[VisitSummary] = (), stands: str | None = None, first: int = 0
) -> Markup:
    """The graph of a workflow, with a run's visits and where it stands. On a thread: to find a place for everything
    takes a while in a large graph, the first time.
    """
    graph = Graph.read(workflow.definition(), workflow.start.id)
    return await asyncio.to_thread(draw_graph, graph, visits, stands, first)
