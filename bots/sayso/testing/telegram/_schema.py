"""Requests against the Bot API's own types: values that came as text are read, then held against JSON Schema.

The schemas are generated (`scripts/make_telegram_schemas.py`). Two keywords are ours, because JSON Schema counts code
points and Telegram does not: `utf16Length` and `utf8Length`, each `[least, most]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, cast

from jsonschema import Draft7Validator, validators
from jsonschema.exceptions import ValidationError

from sayso.testing.telegram._refusals import malformed

MARKUP_KINDS = {
    "inline_keyboard": "TelegramInlineKeyboardMarkup",
    "keyboard": "TelegramReplyKeyboardMarkup",
    "remove_keyboard": "TelegramReplyKeyboardRemove",
    "force_reply": "TelegramForceReply",
}
# What Telegram itself says where a field is missing or wrong; elsewhere the field and the rule are named.
WORDS = {
    "text is missing": "message text is empty",
    "chat_id is missing": "chat_id is empty",
    "callback_data": "BUTTON_DATA_INVALID",
    "secret_token": "secret token contains unallowed characters or has a wrong length",
    "command": "BOT_COMMAND_INVALID",
    "description": "BOT_COMMAND_DESCRIPTION_INVALID",
    "parse_mode": "unsupported parse_mode",
}


def read_parameters(method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call as typed values; raises `Refused` for a payload that breaks the schema.

    Forms carry everything as text, so integers, booleans and JSON are read by what the schema expects. A parameter
    that the schema does not know is refused: Telegram ignores it, which hides a typing error.
    """
    name_of_schema = method[0].upper() + method[1:] + "Params"
    schema = _definitions().get(name_of_schema, {})  # methods without parameters have none
    known: dict[str, Any] = schema.get("properties", {})
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise malformed(f'parameter "{name}" of {method} is unknown to the local server')
        values[name] = _read(name, value, known[name])
    for name in schema.get("required", ()):
        if values.get(name) in (None, ""):
            raise malformed(WORDS.get(f"{name} is missing", f'parameter "{name}" is required'))
    shapes = {name: _without_files(value) for name, value in values.items() if name != "reply_markup"}
    if schema:
        _refuse_first(_validator(name_of_schema), shapes, method)
    if "reply_markup" in values:
        _check_markup(values["reply_markup"], known["reply_markup"])
    return values


def _without_files(value: Any) -> Any:
    return {"size": len(value.content), "type": ""} if hasattr(value, "content") else value


def _check_markup(markup: Any, schema: dict[str, Any]) -> None:
    """Held against the one schema that its first key names: a union would only say that nothing fits."""
    kind = next(
        (name for key, name in MARKUP_KINDS.items() if isinstance(markup, dict) and key in markup), None
    )
    allowed = json.dumps(schema)
    if kind is None or f'definitions/{kind}"' not in allowed:
        raise malformed("can't parse reply keyboard markup JSON object: inline keyboard expected")
    _refuse_first(_validator(kind), markup, "reply_markup")


def _refuse_first(validator: Any, value: Any, what: str) -> None:
    for error in sorted(validator.iter_errors(value), key=lambda error: len(error.absolute_path)):
        path = [str(part) for part in error.absolute_path]
        field = path[-1] if path else ""
        where = ".".join([what, *path])
        reason = str(error.message)
        if field in WORDS and error.validator != "type":
            raise malformed(f"{WORDS[field]}" if field.isupper() else WORDS[field])
        raise malformed(f"can't parse {where}: {reason}")


def _read(name: str, value: Any, schema: dict[str, Any]) -> Any:
    if not isinstance(value, str):
        return value
    wanted = _types(schema)
    if "string" in wanted and wanted & {"integer"}:
        return int(value) if value.lstrip("-").isdecimal() else value
    if "string" in wanted:
        return value
    if "boolean" in wanted:
        return _boolean(name, value)
    try:
        return json.loads(value)
    except ValueError:
        raise malformed(f"can't parse {name} JSON object") from None


def _boolean(name: str, value: str) -> bool:
    """As the reference server reads it: `true`, `yes`, `1` in any case, and their opposites."""
    match value.lower():
        case "true" | "yes" | "1" | "t" | "y":
            return True
        case "false" | "no" | "0" | "f" | "n" | "":
            return False
        case _:
            raise malformed(f'parameter "{name}" is not a boolean')


def _types(schema: dict[str, Any]) -> set[str]:
    if reference := schema.get("$ref"):
        return _types(_definitions()[reference.rpartition("/")[2]])
    if options := schema.get("anyOf"):
        return {name for option in options for name in _types(option)}
    declared: str | list[str] = schema.get("type", "object")
    return set(declared) if isinstance(declared, list) else {declared}


@cache
def _definitions() -> dict[str, Any]:
    text = files("sayso.testing.telegram").joinpath("schemas/bot_api.json").read_text(encoding="utf-8")
    definitions: dict[str, Any] = json.loads(text)["definitions"]
    return definitions


@cache
def _validator(name: str) -> Any:
    lengths = {"utf16Length": _length("utf-16-le", 2), "utf8Length": _length("utf-8", 1)}
    validator = cast("Any", validators).extend(Draft7Validator, lengths)  # which is untyped
    return validator({"$ref": f"#/definitions/{name}", "definitions": _definitions()})


def _length(encoding: str, width: int) -> Any:
    def check(_validator: Any, limits: list[int], value: Any, _schema: Any) -> Iterator[ValidationError]:
        if not isinstance(value, str):
            return
        length = len(value.encode(encoding, "surrogatepass")) // width
        if not limits[0] <= length <= limits[1]:
            yield ValidationError(f"{length} is not between {limits[0]} and {limits[1]}")

    return check
