"""Conditions of edges: a callable over the shared state, or an expression in a small safe language."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from sayso.engine._values import Json

Condition: TypeAlias = Callable[[Any], object] | str
"""True takes the edge. As text it may use `shared`, literals, comparisons, `and`, `or`, `not`, `in`, arithmetic,
`len`, `min`, `max`, `sum`, `any`, `all`, `round`, `abs`, `str`, `int`, `float`, `bool`; nothing else."""

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (len, min, max, sum, any, all, round, abs, str, int, float, bool)
}


def describe(condition: Condition) -> str:
    """The condition as errors and fingerprints name it."""
    return (
        repr(condition) if isinstance(condition, str) else getattr(condition, "__qualname__", repr(condition))
    )


def holds(condition: Condition, shared: dict[str, Json]) -> bool:
    """Whether the condition is true of this copy of `shared`; raises whatever it raises."""
    if isinstance(condition, str):
        return bool(evaluate_expression(condition, {"shared": shared}))
    return bool(condition(shared))


def evaluate_expression(expression: str, names: Mapping[str, Json]) -> object:
    """The value of an expression over these names; raises whatever it raises."""
    from simpleeval import EvalWithCompoundTypes  # noqa: PLC0415 - that only conditions in text pay

    evaluator = EvalWithCompoundTypes(names=dict(names), functions=_FUNCTIONS)
    return evaluator.eval(expression.strip())


def check_syntax(condition: Condition) -> None:
    """Raise `SyntaxError` when text is not exactly one expression."""
    if isinstance(condition, str):
        ast.parse(condition.strip(), mode="eval")
