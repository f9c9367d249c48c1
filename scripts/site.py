"""What mkdocs adds to the pages of docs/: see mkdocs.yml, and `make docs`.

- SECURITY.md, ARCHITECTURE.md, CHANGELOG.md and the clients' README.md are pages too, and so is each file of the
  repository that a page links to, as code. Links keep the form in which they work in the repository; here they are led
  to those pages. A link that leads nowhere stays as it is, and mkdocs fails on it.
- A diagram of states, which GitHub draws by Mermaid, is drawn as the graphs of workflows are: the theme would fetch
  Mermaid from elsewhere.
- Pages below python/ hold the names that a package exports, with their signatures and docstrings.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from sayso.adapters.web import Graph, GraphEdge, draw_graph

ROOT = Path(__file__).resolve().parents[1]

BESIDE = {
    "SECURITY.md": "security.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "clients/python/README.md": "sayso-client.md",
    "clients/typescript/README.md": "typescript-client.md",
}
"""Pages of the repository that are not in docs/, with their names on the site."""

EXPORTED = {
    "engine": "engine/sayso/engine",
    "service": "bots/sayso/bots/service",
    "settings": "config/sayso/config",
    "client": "clients/python/sayso/client",
    "service-client": "bots/sayso/bots/client",
    "cards": "adapters/sayso/adapters/cards",
    "testing": "bots/sayso/testing",
}
"""The packages whose exported names have a page of their own, below python/."""

_LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s#:]+)(?=[)#])")
DRAWINGS = """\
.states { overflow-x: auto; }
.graph { display: block; }
.graph rect { fill: none; stroke: var(--md-default-fg-color--light); }
.graph text { fill: var(--md-default-fg-color); text-anchor: middle; white-space: pre; }
.graph text { font: 14px var(--md-code-font-family, monospace); }
.graph .condition { font-size: 12px; fill: var(--md-default-fg-color--light); }
.graph .edge { fill: none; stroke: var(--md-default-fg-color--light); stroke-width: 1.25; }
.graph marker path { fill: var(--md-default-fg-color--light); }
"""
"""`drawings.css`: how drawings look, in the theme's own colours."""

_ARROW = re.compile(r"(?P<source>\w+) --> (?P<target>\w+): (?P<events>[\w, ]+)")
_FENCE = re.compile(r"^(```.*?^```$)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that docs/ does not hold."""
    for name, uri in BESIDE.items():
        files.append(File.generated(config, uri, content=(ROOT / name).read_text(encoding="utf-8")))
    for name, folder in EXPORTED.items():
        files.append(File.generated(config, f"python/{name}.md", content=_exported(Path(folder))))
    files.append(File.generated(config, "drawings.css", content=DRAWINGS))
    for source in sorted(set(_linked_sources(files))):
        files.append(File.generated(config, _uri(source), content=_shown(source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Lead links between files of the repository to the pages that they are here."""
    place = _place(page.file.src_uri)

    def led(found: re.Match[str]) -> str:
        target = _target(place, found["target"])
        if target is None:
            return found["target"]
        return posixpath.relpath(_uri(target), posixpath.dirname(page.file.src_uri) or ".")

    parts = _FENCE.split(markdown)
    return "".join(_block(part) if part.startswith("```") else _LINK.sub(led, part) for part in parts)


def _block(fenced: str) -> str:
    """A block of code as it is; a diagram of states as a drawing."""
    if not fenced.startswith("```mermaid\nstateDiagram"):
        return fenced
    arrows = [found.groupdict() for found in _ARROW.finditer(fenced)]
    states = dict.fromkeys(arrow[end] for arrow in arrows for end in ("source", "target"))
    edges = [
        GraphEdge(arrow["source"], arrow["target"], tuple(arrow["events"].split(", "))) for arrow in arrows
    ]
    drawing = draw_graph(Graph(tuple(states), tuple(edges)), (), None)
    return f'<div class="states" tabindex="0">{drawing}</div>'


def _linked_sources(files: Files) -> Iterator[str]:
    """The files that pages link to and that are no pages."""
    for file in files.documentation_pages():
        for found in _LINK.finditer(file.content_string):
            target = _target(_place(file.src_uri), found["target"])
            if target is not None and not target.startswith("docs/") and target not in BESIDE:
                yield target


def _place(uri: str) -> str:
    """Where in the repository a page of the site stands."""
    return next((name for name, other in BESIDE.items() if other == uri), f"docs/{uri}")


def _target(place: str, link: str) -> str | None:
    """The file of the repository that a link leads to, from a file of the repository."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(place), link))
    return target if (ROOT / target).is_file() else None


def _uri(target: str) -> str:
    """The page of the site that a file of the repository is."""
    if target in BESIDE:
        return BESIDE[target]
    return target.removeprefix("docs/") if target.startswith("docs/") else f"source/{target}.md"


def _shown(source: str) -> str:
    language = {".py": "python", ".sh": "bash", ".toml": "toml"}[Path(source).suffix]
    text = (ROOT / source).read_text(encoding="utf-8")
    return f"# {source}\n\n```{language}\n{text}```\n"


def _exported(folder: Path) -> str:
    """A page that names what each package in a folder exports; mkdocstrings writes the rest."""
    written = [f"# {_module(folder)}\n"]
    for package in sorted((ROOT / folder).rglob("__init__.py")):
        module = _module(package.parent.relative_to(ROOT))
        names = [] if "._" in module else _names(package)
        if names:
            written.append(f"## `{module}`\n")
        written += [f"::: {module}.{name}\n" for name in names]
    return "\n".join(written)


def _module(folder: Path) -> str:
    """The dotted name of a package, whose path begins with a root of the source."""
    return ".".join(folder.parts[folder.parts.index("sayso") :])


def _names(package: Path) -> list[str]:
    """What `__all__` of a package says."""
    for node in ast.parse(package.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return sorted(ast.literal_eval(node.value), key=str.lower)
    return []
