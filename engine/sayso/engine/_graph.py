"""What a workflow's author writes: nodes, edges, workflows. Nothing here runs or stores anything."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from types import CodeType
from typing import Any, Protocol, cast, overload

import msgspec

from sayso.engine._conditions import Condition, check_syntax, describe, holds
from sayso.engine._forms import FormField, fields_of, with_defaults
from sayso.engine._schemas import build_schema, misfit
from sayso.engine._stray import contained, text_of
from sayso.engine._values import Json, decode_dict, digest, encode_sorted
from sayso.engine.errors import ConditionFailed, InvalidInputs, InvalidRequest, InvalidWorkflow, StrayExit

PHASES = ("prepare", "execute", "cleanup", "exec_fallback")


class Edge(msgspec.Struct, frozen=True):
    """A way on to `target`; without a condition it is the fallback."""

    target: Node
    condition: Condition | None = None


class ConditionalEdge:
    """What `node - condition` makes; `> target` completes it."""

    def __init__(self, source: Node, condition: Condition) -> None:
        self._source = source
        self._condition = condition

    def __gt__(self, target: Node) -> Node:
        self._source.edges.append(Edge(target, self._condition))
        return target


class Node:
    """A unit of work, with three phases that subclasses override; each may be sync or async.

    `prepare(shared, request_input)` reads and writes the shared state and may ask people; what it returns is handed
    to `execute(prepared)`, whose failures are retried; `cleanup(shared, prepared, result)` takes the result in.
    A sync phase runs in a thread. Each visit runs on a shallow copy of the node.

    `id` is the class name unless given, `config` is yours, `max_retries` counts the attempts of `execute` in all, and
    `wait` is the time between two attempts. After the last one `exec_fallback` decides.
    """

    def __init__(
        self,
        id: str | None = None,
        *,
        config: Any = None,
        max_retries: int = 1,
        wait: timedelta = timedelta(0),
    ) -> None:
        if max_retries < 1:
            raise InvalidWorkflow(
                f"max_retries={max_retries}: it counts attempts in all, so it is at least 1"
            )
        self.id = id if id is not None else type(self).__name__
        self.config = config
        self.max_retries = max_retries
        self.wait = wait
        self.edges: list[Edge] = []

    def prepare(self, shared: dict[str, Any], request_input: Any) -> Any:
        """First phase: read and write `shared`, ask people with `request_input`."""

    def execute(self, prepared: Any) -> Any:
        """Second phase: the work, retried when it raises. Without an override the result is None."""

    def cleanup(self, shared: dict[str, Any], prepared: Any, result: Any) -> Any:
        """Third phase: take the result into `shared`."""

    def exec_fallback(self, prepared: Any, error: Exception) -> Any:  # noqa: ARG002 - for overrides
        """Called after the last attempt of `execute` has raised; returns a result instead, or raises."""
        raise error

    def __gt__(self, target: Node) -> Node:
        self.edges.append(Edge(target))
        return target

    def __sub__(self, condition: Condition) -> ConditionalEdge:
        try:
            check_syntax(condition)
        except SyntaxError as error:
            raise InvalidWorkflow(
                f"the condition {condition!r} of node {self.id!r} is not a valid expression: {error}"
            ) from error
        return ConditionalEdge(self, condition)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id!r}>"


class _NodeFunction(Protocol):
    __name__: str

    def __call__(self, shared: Any, /) -> Any: ...


class FunctionNode(Node):
    """A plain function over the shared state as a node: its call is the `execute` phase.

    Each attempt gets `shared` as it was when the visit began; what the last one made of it is kept.
    """

    def __init__(self, function: _NodeFunction, id: str | None = None, **settings: Any) -> None:
        super().__init__(id if id is not None else function.__name__, **settings)
        self.function = function
        self.is_async = inspect.iscoroutinefunction(function)


@overload
def node(function: _NodeFunction, /) -> FunctionNode: ...
@overload
def node(
    *,
    id: str | None = None,
    config: Any = None,
    max_retries: int = 1,
    wait: timedelta = timedelta(0),
) -> Callable[[_NodeFunction], FunctionNode]: ...
def node(function: _NodeFunction | None = None, /, **settings: Any) -> Any:
    """Make a node of a function of `shared`, sync or async: `@node`, or `@node(id=..., max_retries=...)`."""
    if function is not None:
        return FunctionNode(function)

    def decorate(decorated: _NodeFunction) -> FunctionNode:
        return FunctionNode(decorated, **settings)

    return decorate


class Workflow:
    """A named graph: the nodes given, or those that can be reached from `start`.

    `inputs`, a msgspec Struct, a dataclass or a JSON Schema, describes the state that runs start with: surfaces ask for
    it with a form, and what does not fit starts nothing.

    Raises `InvalidWorkflow` for two nodes of one id, for an edge that leads out of `nodes`, and for inputs that no
    surface can ask for.
    """

    def __init__(
        self, name: str, start: Node, nodes: Iterable[Node] | None = None, *, inputs: object = None
    ) -> None:
        self.name = name
        self.start = start
        self.nodes = _by_id(_reachable(start) if nodes is None else list(nodes))
        if self.nodes.get(start.id) is not start:
            raise InvalidWorkflow(f"the start {start!r} is not among the nodes of workflow {name!r}")
        for source in self.nodes.values():
            for edge in source.edges:
                if self.nodes.get(edge.target.id) is not edge.target:
                    raise InvalidWorkflow(
                        f"the edge {source.id} > {edge.target.id} leads out of workflow {name!r}; "
                        "add the node to nodes="
                    )

        self.inputs = _inputs_schema(name, inputs)

    @property
    def fields(self) -> tuple[FormField, ...]:
        """The fields that surfaces ask for at a start; none without `inputs`."""
        return () if self.inputs is None else fields_of(self.inputs)

    def initial(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The state that a run starts with: the given values, and defaults for the others. Raises `InvalidInputs` if it
        does not fit.
        """
        if self.inputs is None:
            return dict(given)
        found = with_defaults(self.inputs, given)
        wrong = misfit(self.inputs, found)
        if wrong is not None:
            raise InvalidInputs(self.name, ".".join(wrong.path), wrong.reason)
        return found

    def definition(self) -> str:
        """What `check-parked` compares, as JSON: per node a fingerprint of its code and its edges."""
        return encode_sorted(
            {
                node_id: {
                    "code": _fingerprint(node),
                    "edges": [
                        [edge.target.id, None if edge.condition is None else describe(edge.condition)]
                        for edge in node.edges
                    ],
                }
                for node_id, node in self.nodes.items()
            }
        ).decode()


def _inputs_schema(name: str, inputs: object) -> dict[str, Json] | None:
    if inputs is None:
        return None
    try:
        schema = build_schema(inputs, "form")
        assert schema is not None
        fields_of(schema)
    except InvalidRequest as error:
        raise InvalidWorkflow(
            f"the inputs of workflow {name!r} cannot be asked for: {error.reason}"
        ) from error
    return schema


def _by_id(nodes: list[Node]) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for item in nodes:
        other = found.setdefault(item.id, item)
        if other is not item:
            raise InvalidWorkflow(f"two nodes have the id {item.id!r}; give one of them another with id=")
    return found


def _reachable(start: Node) -> list[Node]:
    found = {id(start): start}
    frontier = [start]
    while frontier:
        for edge in frontier.pop().edges:
            if id(edge.target) not in found:
                found[id(edge.target)] = edge.target
                frontier.append(edge.target)
    return list(found.values())


def _fingerprint(item: Node) -> str:
    """A digest of the code of a node's phases, blind to line numbers and comments."""
    functions: list[object]
    if isinstance(item, FunctionNode):
        functions = [item.function]
    else:
        functions = [
            function
            for cls in type(item).__mro__
            if cls is not Node
            for function in vars(cls).values()
            if callable(function)
        ]
    codes = [
        code for code in (getattr(function, "__code__", None) for function in functions) if code is not None
    ]
    return digest(repr([_code_facts(code) for code in codes]))[:16]


def _code_facts(code: CodeType) -> tuple[object, ...]:
    return (
        code.co_name,
        code.co_code,
        code.co_names,
        code.co_varnames,
        [_constant(c) for c in code.co_consts],
    )


def _constant(constant: object) -> object:
    if isinstance(constant, CodeType):
        return _code_facts(constant)
    if isinstance(constant, frozenset):
        return sorted(
            map(repr, cast("frozenset[object]", constant))
        )  # a set's own order changes from process to process
    return repr(constant)


def visit_copy(item: Node) -> Node:
    """The shallow copy of a node that one visit runs on."""
    return copy.copy(item)


def choose_next(edges: Iterable[Edge], node_id: str, shared: str) -> str | None:
    """The id of the node that follows `node_id` given the state as JSON: of the first edge whose condition holds, else
    of the edge without a condition; None ends the run. Raises `ConditionFailed`.
    """
    fallback: str | None = None
    for edge in edges:
        if edge.condition is None:
            fallback = edge.target.id if fallback is None else fallback
            continue
        try:
            with contained():
                taken = holds(edge.condition, decode_dict(shared))
        except Exception as error:
            reason = error.raised if isinstance(error, StrayExit) else text_of(error)
            raise ConditionFailed(node_id, edge.target.id, describe(edge.condition), reason) from error
        if taken:
            return edge.target.id
    return fallback
