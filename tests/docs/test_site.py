"""The documentation as a site: it builds without a warning, leads nowhere wrong, and fetches nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from mkdocs.utils.yaml import yaml_load  # pyright: ignore[reportUnknownVariableType] - a file may be of any text

import sayso.engine
from sayso.engine import RequestStatus, WorkflowStatus
from tests.docs.pages import ROOT, links, section

_FETCHED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
"""What a browser fetches by itself, by the tag that names it."""


class _Fetches(HTMLParser):
    """What a page has the browser fetch, and the ids that it can be linked by."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if address := given.get(_FETCHED.get(tag, "")):
            self.addresses.append(address)
        if name := given.get("id"):
            self.ids.add(name)


def _read(page: Path) -> _Fetches:
    found = _Fetches()
    found.feed(page.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make docs` builds it: `--strict` ends with an error at a dead link, anchor or forgotten page."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [Path(sys.executable).parent / "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    """No font, script or picture of another host: whoever reads is seen by nobody, and it works without a network."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    assert [address for page in pages for address in _read(page).addresses if "//" in address] == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_diagrams_are_drawn(site: Path) -> None:
    """As Mermaid's text they would be code that nobody reads."""
    text = (site / "reference" / "states.html").read_text(encoding="utf-8")
    assert "stateDiagram" not in text
    drawings = re.findall('<svg class="graph".*?</svg>', text)
    for drawing, states in zip(drawings, (WorkflowStatus, RequestStatus), strict=True):
        assert set(re.findall(">([A-Z_]+)</text>", drawing)) == set(map(str, states))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_site_has_every_name_that_the_engine_exports(site: Path) -> None:
    ids = _read(site / "python" / "engine.html").ids
    assert {f"sayso.engine.{name}" for name in sayso.engine.__all__} - ids == set()


def _sections() -> Iterator[tuple[str, set[str]]]:
    """The sections of the site's navigation with their pages of docs/, in their order."""
    for part in yaml_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]:
        [(title, pages)] = part.items()
        if isinstance(pages, str):
            continue
        named = [page if isinstance(page, str) else next(iter(page.values())) for page in pages]
        found = {page for page in named if (ROOT / "docs" / page).is_file()}
        if found:
            yield title, found


@pytest.mark.parametrize(("title", "pages"), list(_sections()), ids=[title for title, _ in _sections()])
def test_the_list_of_pages_has_the_sections_of_the_site(title: str, pages: set[str]) -> None:
    """Who reads docs/ in the repository finds what the site's navigation shows."""
    listed = re.findall(r"\]\(([^)#]+)", section(ROOT / "docs" / "index.md", title))
    assert {page for page in listed if not page.startswith("../")} == pages


def test_the_list_of_pages_names_no_page_twice() -> None:
    listed = links(ROOT / "docs" / "index.md")
    assert len(listed) == len(set(listed))
