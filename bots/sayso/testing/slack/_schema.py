"""What Slack refuses in blocks and views: Block Kit's schemas, and by hand what no schema says.

Problems read as `response_metadata.messages` of `invalid_blocks` do:
`[ERROR] must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

import jsonschema_rs
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

Surface = Literal["message", "modal", "home"]

MOST_BLOCKS = {"message": 50, "modal": 100, "home": 100}
MOST_OPTIONS = 100
LONGEST_TEXT = 40_000
"""Characters of `text`; Slack truncates what is longer, which is a loss."""

_SELECTS = ("static_select", "multi_static_select")


def check_blocks(blocks: Any, surface: Surface, where: str = "/blocks") -> list[str]:
    """What is wrong with a list of blocks; nothing if it is as Slack takes it."""
    if not isinstance(blocks, list):
        return [f"[ERROR] must be an array [json-pointer:{where}]"]
    given = cast("Sequence[Any]", blocks)
    problems: list[str] = []
    if len(given) > MOST_BLOCKS[surface]:
        problems.append(f"[ERROR] no more than {MOST_BLOCKS[surface]} items allowed [json-pointer:{where}]")
    for position, block in enumerate(given):
        problems += _check_block(block, surface, f"{where}/{position}")
    if not problems:
        problems += _check_names(given, where)
    return problems


def check_view(view: Any) -> list[str]:
    """What is wrong with a modal or a home view."""
    kind = _type_of(view)
    if kind not in ("modal", "home"):
        return ["[ERROR] must be a modal or a home view [json-pointer:/view/type]"]
    around: dict[str, Any] = {**view, "blocks": []}
    problems = [
        one
        for one in _check_definition("ModalView" if kind == "modal" else "HomeView", around, "/view")
        if "/view/blocks]" not in one
    ]
    problems += check_blocks(view.get("blocks"), "modal" if kind == "modal" else "home", "/view/blocks")
    if kind == "modal" and not problems and not view["blocks"]:
        problems.append("[ERROR] must have at least one block [json-pointer:/view/blocks]")
    if not problems and kind == "modal" and "submit" not in view and _has_inputs(view["blocks"]):
        problems.append(
            "[ERROR] a submit button is required when there are inputs [json-pointer:/view/submit]"
        )
    return problems


def check_options(payload: Any) -> list[str]:
    """What is wrong with the answer to a `block_suggestion`."""
    if not isinstance(payload, dict) or set(cast("dict[str, Any]", payload)) != {"options"}:
        return ["[ERROR] options are required [json-pointer:/]"]
    options: Any = cast("dict[str, Any]", payload)["options"]
    given = cast("Sequence[Any]", options if isinstance(options, list) else ())
    if not isinstance(options, list) or len(given) > MOST_OPTIONS:
        return [f"[ERROR] no more than {MOST_OPTIONS} options allowed [json-pointer:/options]"]
    return [
        problem
        for position, option in enumerate(given)
        for problem in _check_definition("PlainTextOption", option, f"/options/{position}")
    ]


def _check_block(block: Any, surface: Surface, where: str) -> Iterator[str]:
    name = _blocks().get(_type_of(block) or "")
    if name is None:
        yield f"[ERROR] unsupported type: {_type_of(block)} [json-pointer:{where}/type]"
        return
    if surface == "home" and name == "FileBlock":
        yield f"[ERROR] not allowed here [json-pointer:{where}]"
    yield from _check_definition(name, block, where)
    if name == "SectionBlock" and not {"text", "fields"} & set(block):
        yield f"[ERROR] missing required field: text [json-pointer:{where}]"
    if name == "ContextBlock" and block.get("elements") == []:
        yield f"[ERROR] no fewer than 1 items allowed [json-pointer:{where}/elements]"
    for element, place in _elements(block, where):
        yield from _check_element(element, place)


def _check_element(element: dict[str, Any], where: str) -> Iterator[str]:
    kind = element.get("type")
    if kind in _SELECTS and ("options" in element) == ("option_groups" in element):
        yield f"[ERROR] exactly one of options and option_groups is required [json-pointer:{where}]"
    options: Any = element.get("options")
    if not isinstance(options, list):
        return
    given = cast("Sequence[Any]", options)
    values = [cast("dict[str, Any]", one).get("value") for one in given if isinstance(one, dict)]
    if len(set(values)) != len(values):
        yield f"[ERROR] option values must be unique [json-pointer:{where}/options]"
    initial = element.get("initial_option")
    wanted = [initial] if initial is not None else element.get("initial_options", [])
    for one in cast("list[Any]", wanted):
        if one not in given:
            yield f"[ERROR] must be one of the options [json-pointer:{where}/initial_option]"


def _check_names(blocks: Sequence[Any], where: str) -> Iterator[str]:
    named = Counter(block["block_id"] for block in blocks if "block_id" in block)
    for name, count in named.items():
        if count > 1:
            yield f"[ERROR] block_id {name!r} already exists [json-pointer:{where}]"
    for position, block in enumerate(blocks):
        actions = Counter(
            element["action_id"] for element, _ in _elements(block, where) if "action_id" in element
        )
        for name, count in actions.items():
            if count > 1:
                yield f"[ERROR] action_id {name!r} already exists [json-pointer:{where}/{position}/elements]"


def _elements(block: Any, where: str) -> Iterator[tuple[dict[str, Any], str]]:
    for key in ("element", "accessory"):
        if isinstance(block.get(key), dict):
            yield block[key], f"{where}/{key}"
    if block.get("type") == "actions" and isinstance(block.get("elements"), list):
        given = cast("Sequence[Any]", block["elements"])
        for position, element in enumerate(given):
            if isinstance(element, dict):
                yield cast("dict[str, Any]", element), f"{where}/elements/{position}"


def _has_inputs(blocks: Sequence[Any]) -> bool:
    return any(block["type"] == "input" for block in blocks)


def _check_definition(name: str, value: Any, where: str) -> Iterator[str]:
    if _is_valid(name)(value):
        return
    for error in _validator(name).iter_errors(value):
        deepest = _deepest(error)
        path = "".join(f"/{part}" for part in deepest.absolute_path)
        yield f"[ERROR] {_words(deepest)} [json-pointer:{where}{path}]"


def _deepest(error: ValidationError) -> ValidationError:
    """Within a union, the error of the alternative that has the value's `type`."""
    context = _context(error)
    if not context:
        return error
    other = {one.schema_path[0] for one in context if _is_of_another_type(one)}
    mine = [one for one in context if one.schema_path[0] not in other] or context
    return _deepest(max(mine, key=lambda one: len(one.absolute_path)))


def _is_of_another_type(error: ValidationError) -> bool:
    context = _context(error)
    branches = {one.schema_path[0] for one in context}
    other = {one.schema_path[0] for one in context if _is_of_another_type(one)}
    return list(error.relative_path) == ["type"] or (bool(context) and branches == other)


def _context(error: ValidationError) -> list[ValidationError]:
    return list(cast("Sequence[ValidationError]", error.context or ()))


def _words(error: ValidationError) -> str:
    match error.validator:
        case "maxLength":
            return f"must be less than {cast('int', error.validator_value) + 1} characters"
        case "minLength":
            return f"must be more than {cast('int', error.validator_value) - 1} characters"
        case "maxItems":
            return f"no more than {error.validator_value} items allowed"
        case "minItems":
            return f"no fewer than {error.validator_value} items allowed"
        case "required":
            return f"missing required field: {error.message.split(chr(39))[1]}"
        case "additionalProperties":
            return f"invalid additional property: {error.message}"
        case _:
            return str(error.message)[:200]


def _type_of(value: Any) -> str | None:
    return cast("dict[str, Any]", value).get("type") if isinstance(value, dict) else None


@cache
def _definitions() -> dict[str, Any]:
    text = files("sayso.testing.slack").joinpath("schemas/block_kit.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["definitions"]
    return found


@cache
def _blocks() -> dict[str, str]:
    """The name of a block's definition by its `type`."""
    union = _definitions()["KnownBlock"]["anyOf"]
    names = [one["$ref"].rpartition("/")[2] for one in union]
    return {kind: name for name in names for kind in _types_in(_definitions()[name])}


def _types_in(schema: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        yield from _types_in(_definitions()[schema["$ref"].rpartition("/")[2]])
    for one in [*schema.get("anyOf", []), *schema.get("allOf", [])]:
        yield from _types_in(one)
    kind = schema.get("properties", {}).get("type", {}).get("const")
    if kind is not None:
        yield kind


@cache
def _validator(name: str) -> Any:
    return Draft7Validator(_schema_of(name))


@cache
def _is_valid(name: str) -> Callable[[Any], bool]:
    """Says only whether something is wrong, by a validator in Rust: the other one, which says what, takes ten times as
    long for what is right, as nearly all is.
    """
    return jsonschema_rs.Draft7Validator(_schema_of(name)).is_valid


def _schema_of(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}", "definitions": _definitions()}
