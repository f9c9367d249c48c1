"""Every text of the repository that a person reads, file by file, each in one line.

What is read of a file depends on its kind: its suffix, or its name. A new file of a known kind is read without being
listed anywhere; `kind` raises for a file of which nobody has said how to read it.
"""

from __future__ import annotations

import ast
import io
import json
import re
import subprocess
import tokenize
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from html.parser import HTMLParser
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from scripts.site import EXPORTED
from tests.docs.pages import PAGES, ROOT

_SPACE = re.compile(r"\s+")
_CODE = re.compile(r"(?<!`)(`{1,2})(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_FENCE = re.compile(r"^ *```.*$", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9_.:/-]*", re.ASCII)
_TEMPLATE = re.compile(r"\{([{%])(.*?)[}%]\}|\{#(.*?)#\}", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`|\'((?:[^\'\\\n]|\\.)*)\'')
_SCRIPT_COMMENT = re.compile(r"/\*.*?\*/|(?:^[ \t]*//[^\n]*\n?)+", re.DOTALL | re.MULTILINE)
_LINE_COMMENT = re.compile(r"(?:^[ \t]*(?:--|#)[^\n]*\n?)+", re.MULTILINE)
_MARK = re.compile(r"^\s*(?://|/\*+|\*+/?|--|#+:?)", re.MULTILINE)
_SHOWN = {"alt", "aria-label", "content", "placeholder", "title", "value"}
"""The attributes of a page that people see, or that are read out to them."""

_OTHERS = (
    "bots/sayso/testing/slack/emoji",
    "bots/sayso/testing/slack/schemas",
    "bots/sayso/testing/telegram/schemas",
)
"""Descriptions that platforms have published, kept as they are."""


def fold(text: str) -> str:
    """A text in one line, without what stands in it as code."""
    return _SPACE.sub(" ", _CODE.sub(" ", _FENCE.sub(" ", text))).strip()


def files() -> list[Path]:
    """The repository's files, those that are about to be added included; tests are read by who works on them alone."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    wanted = [name for name in listed if name and not name.startswith(("tests/", "typings/", *_OTHERS))]
    return sorted(ROOT / name for name in wanted if "/tests/" not in name and (ROOT / name).is_file())


def texts(path: Path) -> list[str]:
    """What a person can read of a file."""
    found = kind(path)(path.read_text(encoding="utf-8"))
    return [text for text in map(fold, found) if text]


def kind(path: Path) -> Callable[[str], Iterator[str]]:
    """How a file is read. Raises `KeyError` for one of an unknown kind."""
    if path.suffix == ".py" and path.is_relative_to(ROOT / "examples"):
        return _program
    if path.suffix == ".py" and _is_public(path):
        return _public_module
    return _KINDS[path.name if path.name in _KINDS else path.suffix or path.name]


def is_read(path: Path) -> bool:
    """Whether a file of this kind has sentences of ours."""
    return kind(path) is not _nothing


def _nothing(_: str) -> Iterator[str]:
    yield from ()


def _page(text: str) -> Iterator[str]:
    """A document, paragraph by paragraph: an item, a row of a table and a heading end where the next begins."""
    yield from re.split(r"\n\s*\n|\n(?=\s*(?:[-*|#]|\d+\.) ?)", text)


def _whole(text: str) -> Iterator[str]:
    """A file of settings or commands: its comments, and each of its lines."""
    yield from _comments(_LINE_COMMENT, text)
    yield from _LINE_COMMENT.sub("", text).splitlines()


def _comments(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for found in pattern.finditer(text):
        yield from re.split(r"\n\s*\n", _MARK.sub("", found[0]))


def _module(text: str) -> Iterator[str]:
    """The literals of a module, and the docstrings of what other programs import; a bare name is no text."""
    tree = ast.parse(text)
    described = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    yield from (said for node, said in _said(tree) if id(node) not in described)
    yield from _described(tree, _exported())


def _public_module(text: str) -> Iterator[str]:
    """A module that other programs import: its docstring as well, and those of all its names without an underscore."""
    tree = ast.parse(text)
    yield from _module(text)
    yield from (ast.get_docstring(tree) or "").split("\n\n")
    yield from _described(tree, None)


def _program(text: str) -> Iterator[str]:
    """A program that people read to learn from it: its docstrings and comments as well."""
    yield from (said for _, said in _said(ast.parse(text)))
    found = [
        one for one in tokenize.generate_tokens(io.StringIO(text).readline) if one.type == tokenize.COMMENT
    ]
    for _, block in groupby(enumerate(found), lambda pair: pair[1].start[0] - pair[0]):
        yield "\n".join(token.string.lstrip("#: ") for _, token in block)


def _said(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Each literal of a module: of one with placeholders the whole, "{}" for each, and the literals within them."""
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    pieces = {id(piece) for node in joined for piece in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield (
                node,
                "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces:
            bare = _NAME.fullmatch(node.value)
            yield from ((node, paragraph) for paragraph in ([] if bare else node.value.split("\n\n")))


def _described(tree: ast.Module | ast.ClassDef, names: Collection[str] | None) -> Iterator[str]:
    """What a module or class says of its classes, functions and fields: of those names, or of all that are public."""
    for before, node in pairwise([None, *tree.body]):
        name = _name(before if isinstance(node, ast.Expr) else node)
        if name is None or name.startswith("_") or (names is not None and name not in names):
            continue
        match node:
            case ast.Expr(value=ast.Constant(value=str(said))):
                yield from said.split("\n\n")
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from (ast.get_docstring(node) or "").split("\n\n")
                yield from _described(node, None) if isinstance(node, ast.ClassDef) else ()
            case _:
                pass


def _name(node: ast.stmt | None) -> str | None:
    """The name that a statement defines."""
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case _:
            return None


def _is_public(path: Path) -> bool:
    """Whether other programs import a module: it has a page on the site, or a document imports it."""
    module = path.parent if path.name == "__init__.py" else path.with_suffix("")
    if module.name.startswith("_"):
        return False
    shown = any(path.is_relative_to(ROOT / folder) for folder in EXPORTED.values())
    return shown or any(str(module).endswith(name) for name in _imported())


@cache
def _imported() -> frozenset[str]:
    """The modules that documents import, as the ends of paths."""
    pattern = re.compile(r"^(?:from|import) (sayso[\w.]*)", re.MULTILINE)
    named = {name for page in PAGES for name in pattern.findall(page.read_text(encoding="utf-8"))}
    return frozenset(f"/{name.replace('.', '/')}" for name in named)


@cache
def _exported() -> frozenset[str]:
    """The names in the `__all__` of public packages."""
    found: set[str] = set()
    for package in files():
        if package.name != "__init__.py" or not _is_public(package):
            continue
        for node in ast.parse(package.read_text(encoding="utf-8")).body:
            match node:
                case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() | ast.Tuple() as names):
                    found.update(ast.literal_eval(names))
                case _:
                    pass
    return frozenset(found)


def _script(text: str) -> Iterator[str]:
    """The literals of a script."""
    yield from _literals(_SCRIPT_COMMENT.sub("", text))


def _published_script(text: str) -> Iterator[str]:
    """A script whose comments are published with it."""
    yield from _comments(_SCRIPT_COMMENT, text)
    yield from _script(text)


def _literals(code: str) -> Iterator[str]:
    for found in _QUOTED.finditer(code):
        said = next((one for one in found.groups() if one is not None), "")
        yield from () if _NAME.fullmatch(said) else [said]


class _Shown(HTMLParser):
    """What a page shows, its labels and alternative texts included."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if value and name in _SHOWN]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def _markup(text: str) -> Iterator[str]:
    """What a page or a drawing shows, and the phrases within its template's code."""
    for found in _TEMPLATE.finditer(text):
        yield from _literals(found[2]) if found[2] else [found[3] or ""]
    shown = _Shown()
    shown.feed(_TEMPLATE.sub(lambda found: "{}" if found[1] == "{" else "", text))
    yield from shown.found


def _values(text: str) -> Iterator[str]:
    """The texts of a JSON document, wherever a name has one."""
    found: list[str] = []

    def keep(pairs: list[tuple[str, Any]]) -> None:
        found.extend(value for _, value in pairs if isinstance(value, str) and not _NAME.fullmatch(value))

    json.loads(text, object_pairs_hook=keep)
    for value in found:
        yield from value.split("\n\n")


_KINDS: Mapping[str, Callable[[str], Iterator[str]]] = {
    ".md": _page,
    ".py": _module,
    ".html": _markup,
    ".svg": _markup,
    ".js": _script,
    ".ts": _published_script,
    ".json": _values,
    **dict.fromkeys((".toml", ".yml", ".sh", ".service", "Makefile", "run"), _whole),
    **dict.fromkeys(("bridge-venv", "create-venv", "in-memory", "install-packages", "lock"), _whole),
    **dict.fromkeys(
        (".css", ".in", ".npmrc", ".png", ".sql", ".txt", ".typed", ".gitignore", ".editorconfig"), _nothing
    ),
    **dict.fromkeys(("LICENSE", "package-lock.json"), _nothing),
}
"""How a file of each kind is read."""
