"""The drawing of a graph: whatever the graph, its boxes, labels and lines stay apart, and every text is whole."""

from __future__ import annotations

import html
import re
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from sayso.adapters.web import Box, Graph, GraphEdge, Route, arrange, draw_graph
from sayso.engine import NodeStatus, VisitSummary
from tests.engine.support import START


def edge(source: str, target: str, *conditions: str | None) -> GraphEdge:
    return GraphEdge(source, target, conditions or (None,))


ONE = Graph(("ask",), (edge("ask", "ask", "shared['answer'] != 'approve'"),))
FIVE = Graph(
    ("check", "approve", "publish", "stay", "notify_everyone_who_is_subscribed_to_the_releases_of_the_shop"),
    (
        edge("check", "approve"),
        edge("approve", "publish", "shared['decision'] == 'approve'"),
        edge(
            "approve", "stay", "shared['decision'] == 'reject' and shared['attempts'] > 3 or shared['late']"
        ),
        edge("approve", "check"),
        edge("publish", "notify_everyone_who_is_subscribed_to_the_releases_of_the_shop"),
        edge("stay", "notify_everyone_who_is_subscribed_to_the_releases_of_the_shop", "a" * 90, None),
    ),
)
THIRTY = Graph(
    tuple(f"node_{number}" for number in range(30)),
    (
        *(edge(f"node_{number}", f"node_{number + 1}") for number in range(29)),
        *(
            edge(f"node_{number}", f"node_{number * 7 % 30}", f"shared['n'] > {number}")
            for number in range(0, 30, 2)
        ),
        *(edge(f"node_{number}", "node_0", "shared['failed']") for number in range(1, 30, 6)),
    ),
)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any nodes and ways, loops and nodes that nothing leads to among them."""
    names = draw(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=30, unique=True))
    conditions = st.lists(st.none() | st.text(min_size=1, max_size=120), min_size=1, max_size=2)
    ends = st.tuples(st.sampled_from(names), st.sampled_from(names))
    ways = draw(st.dictionaries(ends, conditions, max_size=45))
    return Graph(tuple(names), tuple(GraphEdge(*both, tuple(found)) for both, found in ways.items()))


def lies_within(box: Box, *points: tuple[int, int]) -> bool:
    """Whether a piece of a line has more than an end on a side of the box."""
    across, down = [x for x, _ in points], [y for _, y in points]
    beside = max(across) <= box.x or min(across) >= box.x + box.width
    return not beside and min(down) < box.bottom and max(down) > box.y


def are_apart(one: Box, other: Box) -> bool:
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.bottom <= other.y
        or other.bottom <= one.y
    )


def pieces(route: Route) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    return [piece for line in route.lines for piece in pairwise(line)]


def check(graph: Graph) -> None:
    drawn = arrange(graph)
    layout = drawn.layout
    boxes = [*layout.nodes.values(), *(route.label for route in layout.routes if route.label is not None)]
    assert all(are_apart(one, other) for one, other in combinations(boxes, 2))
    assert all(box.x >= 0 and box.x + box.width <= layout.width for box in boxes)
    assert all(box.y >= 0 and box.bottom <= layout.height for box in boxes)
    for way, route, written in zip(graph.edges, layout.routes, drawn.written, strict=True):
        source, target = layout.nodes[way.source], layout.nodes[way.target]
        first, last = route.lines[0][0], route.lines[-1][-1]
        assert first[1] == source.bottom
        assert source.x < first[0] < source.x + source.width
        assert last[1] == target.y
        assert target.x < last[0] < target.x + target.width
        for piece in pieces(route):
            assert piece[0][0] == piece[1][0] or piece[0][1] == piece[1][1]
            assert not any(lies_within(box, *piece) for box in boxes)
            assert all(0 <= x <= layout.width and 0 <= y <= layout.height for x, y in piece)
        assert (route.label is None) == (written == ())
        assert len(route.lines) == (1 if route.label is None else 2)
    for name, lines in drawn.names.items():
        assert len(lines) * 18 + 18 < layout.nodes[name].height


@pytest.mark.parametrize("graph", [ONE, FIVE, THIRTY], ids=["one", "five", "thirty"])
def test_no_line_crosses_a_box_and_nothing_overlaps(graph: Graph) -> None:
    check(graph)


@settings(max_examples=60)
@given(graphs())
def test_no_line_crosses_a_box_whatever_the_graph(graph: Graph) -> None:
    check(graph)


def texts(drawing: Markup, kind: str) -> str:
    found = re.findall(f'<text class="{kind}"[^>]*>([^<]*)</text>', drawing)
    return re.sub(r"\s", "", html.unescape("".join(found)))


def test_every_name_and_condition_is_whole() -> None:
    drawing = draw_graph(FIVE, [], None)
    assert texts(drawing, "name") == "".join(FIVE.nodes)
    assert texts(drawing, "condition") == (
        "shared['decision']=='approve'shared['decision']=='reject'andshared['attempts']>3orshared['late']"
        f"otherwise{'a' * 90}orotherwise"
    )


def test_what_authors_call_things_is_text_and_no_markup() -> None:
    name = "<script>alert(1)</script>"
    drawing = draw_graph(Graph((name,), (edge(name, name, f"{name} & '\u202e'"),)), [], name)
    assert "<script" not in drawing
    assert texts(drawing, "name") == name
    assert texts(drawing, "condition") == f"{name}&'<U+202E>'"


@pytest.mark.parametrize("graph", [FIVE, THIRTY], ids=["five", "thirty"])
def test_a_line_has_no_more_characters_than_its_box_is_wide(graph: Graph) -> None:
    drawn = arrange(graph)
    for name, lines in drawn.names.items():
        assert max(map(len, lines)) * 8.43 < drawn.layout.nodes[name].width
    for route, lines in zip(drawn.layout.routes, drawn.written, strict=True):
        if route.label is not None:
            assert max(map(len, lines)) * 7.23 < route.label.width


def visit(number: int, node_id: str, status: NodeStatus = NodeStatus.COMPLETED) -> VisitSummary:
    return VisitSummary(number, node_id, status, 1, None, None, START, None)


def test_a_drawing_says_where_a_run_is_and_which_way_it_came() -> None:
    """Each node carries the numbers of its visits and leads to the latest; the ways that were taken stand out."""
    review = Graph(
        ("draft", "review", "publish"),
        (edge("draft", "review"), edge("review", "draft", "shared['again']"), edge("review", "publish")),
    )
    came = [visit(1, "draft"), visit(2, "review"), visit(3, "draft"), visit(4, "review", NodeStatus.RUNNING)]
    drawing = draw_graph(review, came, "review", first_linked=4)
    assert re.findall('<text class="numbers"[^>]*>([^<]*)', drawing) == ["✓ visits 1, 3", "▶ visits 2, 4"]
    assert re.findall('href="([^"]*)"', drawing) == ["#visit-4"]
    assert re.findall('class="node ([a-z]*)"', drawing) == ["visited", "current", "ahead"]
    assert (
        drawing.count('class="edge taken"') == 3
    )  # there in one line, back in two around what is written on it
    assert drawing.count('class="edge"') == 2
    assert (
        'aria-label="Graph of 3 nodes. draft to review; review to draft if shared[&#39;again&#39;]; '
        'review to publish otherwise. The run is at review."' in drawing
    )


def test_of_many_visits_a_node_names_the_latest() -> None:
    came = [visit(number, "ask") for number in range(1, 250)]
    assert "✓ visits … 248, 249<" in draw_graph(ONE, came, None)
