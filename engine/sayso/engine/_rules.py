"""Rules of a policy: what an operator wrote down to be approved or rejected without asking people. Pure.

A condition is an expression over `details`, the request's details: `details.tool == 'Read'`. The rules are read in
their order, and the first whose condition is true decides. A condition that fails settles nothing: people are asked,
and no later rule is read, since it is not known what the failed one would have said.

| what makes a condition fail | why |
|---|---|
| a detail that is missing | it may be the one that matters |
| a comparison of a text with a number, or the like | `details.amount == 100` is not false of the text "100" |
| a text, a number or a list where true or false is expected | the text "no" is no yes |
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, TypeAlias, cast, get_args

import msgspec

from sayso.engine._values import Json
from sayso.engine.errors import InvalidRequest

RULE: Final = "rule"
"""The way by which a rule's answer comes, and what its name begins with: `rule:POLICY/NUMBER`."""

RuleAnswer: TypeAlias = Literal["approve", "reject"]

_DETAILS = "details"
_LONGEST_REASON = 200


class Rule(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An answer that is given without asking people, where `when` is true of the request's details: `approve` or
    `reject`. `written_by` says who answers for it; `reason` is its comment.

    `when` may use `details`, with the entries of mappings as `details.tool` or `details['Risk level']`, literals,
    comparisons, `and`, `or`, `not`, `in`, arithmetic, `len`, `min`, `max`, `sum`, `any`, `all`, `round` and `abs`.
    Raises `InvalidRequest` for anything else.
    """

    when: str
    answer: RuleAnswer
    written_by: str
    reason: str = ""

    def __post_init__(self) -> None:
        if self.answer not in get_args(RuleAnswer):
            raise InvalidRequest("policy", f"a rule's answer={self.answer!r}: say 'approve' or 'reject'")
        if not self.written_by.strip():
            raise InvalidRequest("policy", "a rule says who wrote it, in written_by")
        try:
            _check(_parse(self.when))
        except (SyntaxError, ValueError) as error:
            why = error.msg if isinstance(error, SyntaxError) else str(error)
            raise InvalidRequest("policy", f"a rule's when={self.when!r}: {why}") from error


class RuleName(msgspec.Struct, frozen=True, gc=False):
    """Which rule it is: its `number` in its policy, from 1, with the policy's name and version, and who wrote it."""

    policy: str | None
    version: str
    number: int
    written_by: str

    @property
    def person(self) -> str:
        """Its id among those of people: its policy, or the version of a policy without a name, and its number."""
        return f"{RULE}:{self.policy or self.version}/{self.number}"


class Ruling(msgspec.Struct, frozen=True, gc=False):
    """The decision of a rule: the answer to the question, why, and the condition that was true."""

    rule: RuleName
    value: str | bool
    reason: str
    when: str


class Unchecked(msgspec.Struct, frozen=True, gc=False):
    """A rule of which it is not known whether it applies, by its number, and why."""

    number: int
    why: str


def check_rules(rules: Sequence[Rule], four_eyes: Sequence[str], comment: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of one policy, of which `four_eyes` are the settings that say which people may approve, and `comment`
    the choices that need a comment. Raises `InvalidRequest` where a rule would get around those.
    """
    for number, rule in enumerate(rules, 1):
        if rule.answer == "approve" and four_eyes:
            named = " and ".join(four_eyes)
            reason = f"rule {number} approves without people, which does not go with {named}: let it reject, or move "
            raise InvalidRequest("policy", f"{reason}it to another policy")
        if rule.answer in comment and not rule.reason.strip():
            raise InvalidRequest(
                "policy", f"rule {number} needs a reason: comment requires one to {rule.answer}"
            )
    return tuple(rules)


def first_rule(rules: Sequence[Rule], details: Json) -> tuple[int, Rule] | Unchecked | None:
    """The first rule that is true of these details, with its number; the first that cannot be checked; or None."""
    for number, rule in enumerate(rules, 1):
        try:
            if _holds(rule.when, details):
                return number, rule
        except Exception as error:  # noqa: BLE001 - whatever it is, the condition has not said yes
            return Unchecked(number, _words(error))
    return None


def _holds(when: str, details: Json) -> bool:
    from simpleeval import DEFAULT_OPERATORS, EvalWithCompoundTypes  # noqa: PLC0415 - that only rules pay

    evaluator = EvalWithCompoundTypes(
        operators={**DEFAULT_OPERATORS, **_OPERATORS},
        functions={**_FUNCTIONS, _TRUTH: _truth},
        names={_DETAILS: details},
    )
    return _truth(evaluator.eval(when, ast.Expr(_Strict().visit(_parse(when)))))


def _parse(when: str) -> ast.expr:
    return ast.parse(when.strip(), mode="eval").body


def _check(expression: ast.expr) -> None:
    """Raise `ValueError` for what could never be checked: unknown names, and calls of anything but functions."""
    nodes = list(ast.walk(expression))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    for call in calls:
        if not isinstance(call.func, ast.Name) or call.func.id not in _FUNCTIONS:
            raise ValueError(f"{ast.unparse(call.func)} is not one of {', '.join(_FUNCTIONS)}")
    called = {id(call.func) for call in calls}
    names = [node for node in nodes if isinstance(node, ast.Name) and id(node) not in called]
    known = {_DETAILS, *(node.id for node in names if isinstance(node.ctx, ast.Store))}
    for name in names:
        if name.id not in known:
            raise ValueError(f"{name.id!r} is unknown; write {_DETAILS}.{name.id}")


class _Strict(ast.NodeTransformer):
    """Reads `details.tool` as `details['tool']`: an entry of the details and never a method of a mapping, about which
    any comparison would be silent. What decides between true and false has to be one of them.
    """

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Subscript(self.visit(node.value), ast.Constant(node.attr), ast.Load())

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return ast.BoolOp(node.op, [self._true_or_false(one) for one in node.values])

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        return ast.IfExp(self._true_or_false(node.test), self.visit(node.body), self.visit(node.orelse))

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        conditions = [self._true_or_false(one) for one in node.ifs]
        return ast.comprehension(node.target, self.visit(node.iter), conditions, node.is_async)

    def _true_or_false(self, node: ast.expr) -> ast.expr:
        return ast.Call(ast.Name(_TRUTH, ast.Load()), [self.visit(node)], [])


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _alike(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A comparison that raises `TypeError` for values of different types."""

    def checked(one: Any, other: Any) -> bool:
        if _kind(one) is not _kind(other):
            raise TypeError(f"{one!r} and {other!r} are of different types")
        return compare(one, other)

    return checked


def _kind(value: object) -> type:
    return float if type(value) is int else type(value)


def _equal(one: Any, other: Any) -> bool:
    return one is other if one is None or other is None else _alike(operator.eq)(one, other)


def _is_in(one: Any, container: Any) -> bool:
    if isinstance(container, list | tuple | set):
        return any(_equal(one, entry) for entry in cast("Iterable[Any]", container))
    return operator.contains(container, one)


def _not_equal(one: object, other: object) -> bool:
    return not _equal(one, other)


def _not_in(one: object, container: object) -> bool:
    return not _is_in(one, container)


def _not(value: object) -> bool:
    return not _truth(value)


def _any(values: Iterable[object]) -> bool:
    return any(_truth(one) for one in values)


def _all(values: Iterable[object]) -> bool:
    return all(_truth(one) for one in values)


_TRUTH = "__true_or_false"
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{function.__name__: function for function in (len, min, max, sum, round, abs)},
    "any": _any,
    "all": _all,
}
"""None of those that make one type of another: a text that looks like a number is a text."""

_OPERATORS: dict[type[ast.AST], Callable[..., bool]] = {
    ast.Eq: _equal,
    ast.NotEq: _not_equal,
    ast.Lt: _alike(operator.lt),
    ast.LtE: _alike(operator.le),
    ast.Gt: _alike(operator.gt),
    ast.GtE: _alike(operator.ge),
    ast.In: _is_in,
    ast.NotIn: _not_in,
    ast.Not: _not,
}


def _words(error: Exception) -> str:
    """Why a condition failed, in a line."""
    said = f"there is no {error.args[0]!r}" if isinstance(error, KeyError) and error.args else str(error)
    line = " ".join((said or type(error).__name__).split())
    return line if len(line) <= _LONGEST_REASON else f"{line[: _LONGEST_REASON - 1]}…"
