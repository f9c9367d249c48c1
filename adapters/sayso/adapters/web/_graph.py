"""A workflow's graph as a drawing (SVG): its nodes and ways, which way a run came, and where it stands."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from markupsafe import Markup, escape

from sayso.adapters.console import visible_line
from sayso.adapters.web._layout import Box, Layout, Point, lay_out
from sayso.adapters.web._rows import Size, Way
from sayso.engine import VisitSummary

_NAME_CELLS, _NAME_CELL, _NAME_LINE = 22, 8.5, 18
_CONDITION_CELLS, _CONDITION_CELL, _CONDITION_LINE = 30, 7.3, 16
_NARROWEST, _PADDING, _NUMBERS_LINE = 150, 14, 18
_LONGEST_NUMBERS = 12
_CORNER = 6
_OTHERWISE = "otherwise"
_PIECE = re.compile(r"[^\s_./,-]*[\s_./,-]*")
"""Up to where a line may break behind."""

_ARROWS = "".join(
    f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" '
    'markerUnits="userSpaceOnUse" orient="auto"><path d="M 0 0 L 10 5 L 0 10 z"/></marker>'
    for name in ("arrow", "arrow-taken")
)
_SIGNS = {"COMPLETED": "✓ ", "FAILED": "✗ "}


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """All ways from one node to another, with their conditions as text; None for the one without."""

    source: str
    target: str
    conditions: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """A workflow's nodes, the start first, and its edges, one for each two nodes."""

    nodes: tuple[str, ...]
    edges: tuple[GraphEdge, ...]

    @classmethod
    def read(cls, definition: str, start: str) -> Graph:
        """The graph of a workflow's definition, as `Workflow.definition` gives it."""
        found: Mapping[str, Mapping[str, Sequence[Sequence[str | None]]]] = json.loads(definition)
        ways: dict[tuple[str, str], list[str | None]] = {}
        for source, facts in found.items():
            for target, condition in facts["edges"]:
                ways.setdefault((source, str(target)), []).append(_as_written(condition))
        edges = tuple(GraphEdge(*ends, tuple(conditions)) for ends, conditions in ways.items())
        return cls((start, *(name for name in found if name != start)), edges)

    def written(self, edge: GraphEdge) -> tuple[str, ...]:
        """What is written on an edge: its conditions; nothing where it is the only way."""
        if any(edge.conditions):
            return tuple(_OTHERWISE if one is None else visible_line(one) for one in edge.conditions)
        has_others = any(any(one.conditions) for one in self.edges if one.source == edge.source)
        return (_OTHERWISE,) if has_others else ()


def _as_written(condition: str | None) -> str | None:
    """A condition without the quotes that it has where it was written as a text."""
    try:
        text: object = ast.literal_eval(condition or "")
    except (ValueError, SyntaxError):
        return condition
    return text if isinstance(text, str) else condition


@dataclass(frozen=True, slots=True)
class Drawn:
    """A graph with a place for everything: the lines of each node's name, and of what is written on each edge."""

    layout: Layout
    names: Mapping[str, tuple[str, ...]]
    written: tuple[tuple[str, ...], ...]


@lru_cache(maxsize=64)
def arrange(graph: Graph) -> Drawn:
    """Find a place for everything; all texts are whole, on as many lines as they take."""
    names = {name: _wrapped(visible_line(name), _NAME_CELLS) for name in graph.nodes}
    written = tuple(_label(graph.written(edge)) for edge in graph.edges)
    sizes = {name: _node_size(lines) for name, lines in names.items()}
    ways = [
        Way(edge.source, edge.target, _label_size(lines) if lines else None)
        for edge, lines in zip(graph.edges, written, strict=True)
    ]
    return Drawn(lay_out(sizes, ways), names, written)


def _label(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        line
        for at, text in enumerate(texts)
        for line in _wrapped(text if at == 0 else f"or {text}", _CONDITION_CELLS)
    )


def _node_size(lines: Sequence[str]) -> Size:
    width = max(_NARROWEST, _cells(lines) * _NAME_CELL + 2 * _PADDING)
    return _even(width), _NAME_LINE * len(lines) + _NUMBERS_LINE + _PADDING


def _label_size(lines: Sequence[str]) -> Size:
    return _even(_cells(lines) * _CONDITION_CELL + 8), _CONDITION_LINE * len(lines) + 4


def _even(width: float) -> int:
    return 2 * round(width / 2 + 0.5)


def _cells(lines: Sequence[str]) -> int:
    return max(sum(map(_cell, line)) for line in lines)


def _cell(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _wrapped(text: str, most: int) -> tuple[str, ...]:
    """The text on lines of so many cells, broken between words where there are some: all of it."""
    lines = [""]
    for piece in _PIECE.findall(text):
        if lines[-1] and _cells([lines[-1] + piece.rstrip()]) > most:
            lines.append("")
        for character in piece:
            if _cells([lines[-1] + character]) > most and not character.isspace():
                lines.append("")
            lines[-1] += character
    return tuple(line.rstrip() for line in lines)


def draw_graph(
    graph: Graph, visits: Sequence[VisitSummary], current: str | None, first_linked: int = 0
) -> Markup:
    """The drawing. `visits` are those of the run in their order, `current` is where it stands. A node leads to its
    latest visit, as `#visit-3`, where that is not before the first that the page shows.
    """
    drawn = arrange(graph)
    layout = drawn.layout
    taken = {(one.node_id, other.node_id) for one, other in pairwise(visits) if other.visit == one.visit + 1}
    words = escape(_words(graph, current))
    size = f'viewBox="0 0 {layout.width} {layout.height}" width="{layout.width}" height="{layout.height}"'
    parts = [f'<svg class="graph" role="group" {size} aria-label="{words}"><defs>{_ARROWS}</defs>']
    ways = zip(graph.edges, layout.routes, drawn.written, strict=True)
    for edge, route, written in sorted(ways, key=lambda way: (way[0].source, way[0].target) in taken):
        is_taken = (edge.source, edge.target) in taken
        parts += [_draw_line(line, is_taken, line is route.lines[-1]) for line in route.lines]
        if route.label is not None:
            parts.append(_draw_lines(written, route.label, "condition", _CONDITION_LINE, 2))
    by_node: dict[str, list[VisitSummary]] = {}
    for visit in visits:
        by_node.setdefault(visit.node_id, []).append(visit)
    for name in graph.nodes:
        node = _draw_node(drawn.names[name], layout.nodes[name], by_node.get(name, ()), name == current)
        latest = by_node[name][-1].visit if name in by_node else 0
        is_linked = latest and latest >= first_linked
        parts.append(f'<a id="to-visit-{latest}" href="#visit-{latest}">{node}</a>' if is_linked else node)
    return Markup("".join(parts) + "</svg>")  # noqa: S704 - every text in it was escaped where it was put in


def _draw_line(line: Sequence[Point], is_taken: bool, is_last: bool) -> str:  # noqa: FBT001 - two of many facts
    path = [f"M {line[0][0]} {line[0][1]}"]
    for before, corner, behind in zip(line, line[1:], line[2:], strict=False):
        begin, end = _towards(corner, before), _towards(corner, behind)
        path.append(f"L {begin[0]} {begin[1]} Q {corner[0]} {corner[1]} {end[0]} {end[1]}")
    path.append(f"L {line[-1][0]} {line[-1][1]}")
    kind, arrow = ("edge taken", "arrow-taken") if is_taken else ("edge", "arrow")
    head = f' marker-end="url(#{arrow})"' if is_last else ""
    return f'<path class="{kind}" d="{" ".join(path)}"{head}/>'


def _towards(corner: Point, other: Point) -> Point:
    """Where a rounded corner begins."""
    across, down = other[0] - corner[0], other[1] - corner[1]
    reach = min(_CORNER, (abs(across) + abs(down)) // 2)
    return corner[0] + reach * _sign(across), corner[1] + reach * _sign(down)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _draw_lines(lines: Sequence[str], box: Box, kind: str, height: int, above: int) -> str:
    return "".join(
        f'<text class="{kind}" x="{box.middle}" y="{box.y + above + height * (at + 1) - 5}">{escape(line)}</text>'
        for at, line in enumerate(lines)
    )


def _draw_node(
    lines: Sequence[str],
    box: Box,
    visits: Sequence[VisitSummary],
    is_current: bool,  # noqa: FBT001 - one of many facts
) -> str:
    kind = "current" if is_current else ("visited" if visits else "ahead")
    if visits and visits[-1].status == "FAILED":
        kind += " broken"
    numbers = _numbers([one.visit for one in visits])
    sign = "▶ " if is_current else (_SIGNS.get(visits[-1].status, "") if visits else "")
    above = _PADDING // 2 + (0 if visits else _NUMBERS_LINE // 2)
    below = box.bottom - 11
    return (
        f'<g class="node {kind}"><rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="9"/>'
        + _draw_lines(lines, box, "name", _NAME_LINE, above)
        + (f'<text class="numbers" x="{box.middle}" y="{below}">{sign}{numbers}</text>' if visits else "")
        + "</g>"
    )


def _numbers(visits: Sequence[int]) -> str:
    """The visits as a box names them: of many, the latest."""
    shown = str(visits[-1]) if visits else ""
    for number in reversed(visits[:-1]):
        longer = f"{number}, {shown}"
        if len(longer) > _LONGEST_NUMBERS:
            return f"visits … {shown}"
        shown = longer
    return f"visit {shown}" if len(visits) == 1 else f"visits {shown}"


def _words(graph: Graph, current: str | None) -> str:
    ways = "; ".join(
        f"{visible_line(edge.source)} to {visible_line(edge.target)}"
        + (
            f" if {' or '.join(written)}"
            if (written := graph.written(edge)) and _OTHERWISE not in written
            else (" otherwise" if written else "")
        )
        for edge in graph.edges
    )
    stands = f" The run is at {visible_line(current)}." if current else ""
    nodes = "1 node" if len(graph.nodes) == 1 else f"{len(graph.nodes)} nodes"
    return f"Graph of {nodes}.{f' {ways}.' if ways else ''}{stands}"
