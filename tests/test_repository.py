"""Rules of the house that no linter knows: size, names, packages, tasks, and what is never imported."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = tuple(ROOT / layer / "sayso" for layer in ("engine", "adapters", "bots", "config", "clients/python"))
MAX_MODULE_LINES = 500
MAX_FUNCTION_LINES = 60
TASKS_ALLOWED = {"examples/server.py", "engine/sayso/engine/_workflow_engine.py"}
SHAPELESS_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc"}
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve"}


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


SOURCES = sorted(path for layer in LAYERS for path in layer.rglob("*.py"))
PROGRAMS = SOURCES + sorted(
    path for name in ("examples", "benchmarks") for path in (ROOT / name).rglob("*.py")
)
PACKAGES = sorted({path.parent for path in SOURCES})

each_source = pytest.mark.parametrize("path", SOURCES, ids=_relative)
each_program = pytest.mark.parametrize("path", PROGRAMS, ids=_relative)
each_package = pytest.mark.parametrize("package", PACKAGES, ids=_relative)


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case ast.Call(func=function):
            return _last_name(function)
        case _:
            return ""


def _orphan_tasks(tree: ast.Module) -> Iterator[int]:
    """The lines that start a task outside a TaskGroup, known by its name: `..._group` or `..._tasks`."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="asyncio", names=names):
                if any(alias.name in {"create_task", "ensure_future"} for alias in names):
                    yield node.lineno
            case ast.Attribute(attr="ensure_future"):
                yield node.lineno
            case ast.Attribute(attr="create_task", value=receiver):
                if not _last_name(receiver).lower().endswith(("group", "tasks")):
                    yield node.lineno
            case _:
                pass


@each_program
def test_every_task_has_a_parent_group(path: Path) -> None:
    """A task that nobody holds can vanish with its exception, or outlive what it works on."""
    if _relative(path) in TASKS_ALLOWED:
        return
    lines = list(_orphan_tasks(_tree(path)))
    assert not lines, (
        f"{_relative(path)}: tasks without a TaskGroup in lines {lines} (name groups `..._group`)"
    )


@pytest.mark.parametrize(
    ("code", "orphans"),
    [
        ("asyncio.create_task(f())", 1),
        ("asyncio.ensure_future(f())", 1),
        ("asyncio.get_running_loop().create_task(f())", 1),
        ("self._loop.create_task(f())", 1),
        ("from asyncio import create_task", 1),
        ("spawn = asyncio.create_task", 1),
        ("group.create_task(f())", 0),
        ("self._task_group.create_task(f())", 0),
    ],
)
def test_the_task_rule_tells_groups_from_loops(code: str, orphans: int) -> None:
    assert len(list(_orphan_tasks(ast.parse(code)))) == orphans


@each_program
def test_nothing_stored_or_typed_in_is_run_as_code(path: Path) -> None:
    """Conditions and stored values come from outside: neither `eval` nor pickle may touch them."""
    for node in ast.walk(_tree(path)):
        match node:
            case ast.Call(func=ast.Name(id="eval" | "exec" as name)):
                pytest.fail(f"{_relative(path)}:{node.lineno}: {name}()")
            case ast.Import(names=names):
                imported = {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=str(module), level=0):
                imported = {module.partition(".")[0]}
            case _:
                continue
        unsafe = imported & UNSAFE_MODULES
        assert not unsafe, f"{_relative(path)}:{node.lineno}: imports {unsafe}"


@each_program
def test_modules_are_named_for_what_they_hold(path: Path) -> None:
    """A drawer for everything belongs to nobody."""
    names = {part.strip("_") for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not names & SHAPELESS_NAMES, f"{_relative(path)}: put it with what it serves"


@pytest.mark.parametrize("path", [p for p in SOURCES if p.is_relative_to(LAYERS[0])], ids=_relative)
def test_engine_modules_are_private_or_say_what_is_public(path: Path) -> None:
    """What is imported by path cannot be changed later: a module is private, or names its public part."""
    parts = path.relative_to(LAYERS[0] / "engine").with_suffix("").parts
    private = any(part.startswith("_") for part in parts) or len(parts) > 1
    declares = any(
        isinstance(node, ast.Assign) and any(_last_name(target) == "__all__" for target in node.targets)
        for node in _tree(path).body
    )
    assert private or declares or path.stem == "errors", (
        f"{_relative(path)}: start its name with _ or give it __all__"
    )


@each_source
def test_modules_stay_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_MODULE_LINES, f"{_relative(path)}: {lines} lines"


def _code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines from `def` to the end, without the docstring: a contract may be as long as it must."""
    last = function.end_lineno or function.lineno
    length = last - function.lineno + 1
    match function.body[0]:
        case ast.Expr(value=ast.Constant(value=str())) as docstring:
            return length - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)
        case _:
            return length


@each_source
def test_functions_stay_short(path: Path) -> None:
    long = [
        f"{_relative(path)}:{node.lineno}: {node.name} has {_code_lines(node)} lines"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _code_lines(node) > MAX_FUNCTION_LINES
    ]
    assert not long, "\n".join(long)


def test_sayso_itself_is_a_namespace() -> None:
    """An `__init__.py` in one layer would hide the others."""
    assert [_relative(layer / "__init__.py") for layer in LAYERS if (layer / "__init__.py").exists()] == []


@each_package
def test_packages_are_marked_and_typed(package: Path) -> None:
    """A folder that became a namespace by accident, or types that are ignored, show only at the user's."""
    if package in LAYERS:
        pytest.fail(f"{_relative(package)}: modules belong into a package below it")
    missing = [name for name in ("__init__.py", "py.typed") if not (package / name).is_file()]
    assert not missing, f"{_relative(package)} lacks {missing}"


def _export_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest: the order that ruff's RUF022 keeps."""
    bare = name.strip("_")
    if len(bare) > 1 and bare.isupper():
        return 0, name
    return (1 if name[:1].isupper() else 2), name


@each_package
def test_exports_are_sorted_and_exist(package: Path) -> None:
    """A name that is exported but missing fails at the user's import, not at ours."""
    layer = next(layer for layer in LAYERS if package.is_relative_to(layer))
    module = importlib.import_module(".".join(package.relative_to(layer.parent).parts))
    exported: list[str] = list(getattr(module, "__all__", ()))
    assert exported == sorted(set(exported), key=_export_order)
    assert [name for name in exported if not hasattr(module, name)] == []
