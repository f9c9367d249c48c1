"""Diagrams, links and the picture say what is true."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from sayso.engine._records import REQUEST_TRANSITIONS, RUN_TRANSITIONS
from tests.docs.pages import PAGES, ROOT, Block, all_blocks, anchors, blocks, code_spans, links, section

STATES = ROOT / "docs" / "reference" / "states.md"
_ARROW = re.compile(r"(\w+) --> (\w+): ([\w, ]+)")


def _arrows(block: Block) -> set[tuple[str, str, str]]:
    """The diagram's arrows as (state, event, state); those of the beginning and the end have no event."""
    found: set[tuple[str, str, str]] = set()
    for line in block.text.splitlines()[1:]:
        match = _ARROW.fullmatch(line.strip())
        if match is None:
            assert "[*]" in line, line
            continue
        found.update((match[1], event.strip(), match[2]) for event in match[3].split(","))
    return found


@pytest.mark.parametrize(
    ("position", "table"), [(0, RUN_TRANSITIONS), (1, REQUEST_TRANSITIONS)], ids=["runs", "requests"]
)
def test_a_diagram_shows_the_transitions_that_the_engine_has(position: int, table: dict[Any, Any]) -> None:
    shown = _arrows(blocks(STATES, "mermaid")[position])
    assert shown == {(str(state), event, str(to)) for (state, event), to in table.items()}


def test_no_diagram_stands_unchecked() -> None:
    assert {block.page for block in all_blocks("mermaid")} == {STATES}
    assert len(all_blocks("mermaid")) == 2


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_relative_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if link.startswith(("http://", "https://")):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), link
        assert path.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(path), link


def test_the_readme_shows_each_way_to_use_sayso_in_ten_lines() -> None:
    """Between the first screen and the promise; what does not fit is on the pages that they link to."""
    _, *parts = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## ")
    ways = parts[: next(index for index, part in enumerate(parts) if part.startswith("The promise\n"))]
    assert len(ways) >= 3
    assert {way.splitlines()[0]: len(way.splitlines()) for way in ways if len(way.splitlines()) > 10} == {}


def test_every_page_can_be_reached_from_the_readme() -> None:
    """A page that nothing leads to is read by nobody."""
    reached = {ROOT / "README.md"}
    frontier = [ROOT / "README.md"]
    while frontier:
        page = frontier.pop()
        for link in links(page):
            path = (page.parent / link.partition("#")[0]).resolve()
            if path.suffix == ".md" and path not in reached and path.exists():
                reached.add(path)
                frontier.append(path)
    assert set(PAGES) <= reached


def test_each_way_to_put_a_person_behind_something_takes_ten_lines() -> None:
    """Each shows what to write, and leads on to the page that explains it."""
    page = ROOT / "docs" / "how-to" / "put-a-person-behind-it.md"
    ways = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(ways) == 8
    for way in ways:
        text = section(page, way)
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("```")]
        assert len(lines) <= 10, way
        assert "```" in text or code_spans(text), way
        assert re.search(r"\]\([^)]+\.md[)#]", text), way


def test_the_picture_of_the_terminal_is_what_it_shows() -> None:
    """Drawn anew from a real run, it comes out the same."""
    script = ROOT / "scripts" / "make_picture.py"
    spec = importlib.util.spec_from_file_location("make_picture", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.draw() == module.PICTURE.read_text(encoding="utf-8"), (
        "run .venv/bin/python scripts/make_picture.py"
    )
