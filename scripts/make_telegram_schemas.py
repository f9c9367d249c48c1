"""Write the JSON Schemas of the Bot API payloads that the local Telegram server checks.

    .venv/bin/python scripts/make_telegram_schemas.py    # needs node, npm and the network

TypeScript declarations (npm `@gramio/types`, generated from Telegram's own reference) become JSON Schema by npm
`ts-json-schema-generator`. Lengths, ranges and alphabets stand only in the doc comments ("1-64 bytes"), so they are
read from there. The result is checked in: the server and its tests need neither node nor the network.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from typescript_schemas import generate, reachable, write

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "bots/sayso/testing/telegram/schemas"
PACKAGE = "@gramio/types@10.3.1"
METHODS = (
    "answerCallbackQuery",
    "deleteMessage",
    "deleteMyCommands",
    "deleteWebhook",
    "editMessageCaption",
    "editMessageReplyMarkup",
    "editMessageText",
    "getChat",
    "getChatAdministrators",
    "getChatMember",
    "getChatMemberCount",
    "getFile",
    "getMyCommands",
    "getUpdates",
    "leaveChat",
    "sendChatAction",
    "sendDocument",
    "sendMessage",
    "sendPhoto",
    "setChatMenuButton",
    "setMyCommands",
    "setWebhook",
)
# Parts of the Bot API that the local server does not play; a payload that uses one is refused there by name.
NOT_PLAYED = (
    "business_connection_id",
    "callback_game",
    "direct_messages_topic_id",
    "ephemeral_message_parameters",
    "inline_message_id",
    "login_url",
    "message_effect_id",
    "pay",
    "poll_option_id",
    "request_chat",
    "request_managed_bot",
    "request_poll",
    "request_users",
    "rich_message",
    "suggested_post_parameters",
    "thumbnail",
)
LENGTH = re.compile(r"\b(\d+)-(\d+) (characters|bytes)\b(?! after entit)")
RANGE = re.compile(r"(?:Values between |, )(\d+)-(\d+)(?: are accepted|\.)")
AT_MOST_ITEMS = re.compile(r"At most (\d+) \w+ can be specified")
ALPHABETS = {
    "Only characters `A-Z`, `a-z`, `0-9`, `_` and `-` are allowed": "^[A-Za-z0-9_-]*$",
    "Can contain only lowercase English letters, digits and underscores": "^[a-z0-9_]*$",
}


def main() -> None:
    """Generate in a temporary folder, keep what is used, and write it beside the package's licence."""
    names = ", ".join(_params(method) for method in METHODS)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        definitions = generate(work, PACKAGE, f'export type {{ {names} }} from "@gramio/types/out/params";\n')
        licence = (work / "node_modules/@gramio/types/LICENSE").read_text(encoding="utf-8")
    tight = {name: _tightened(schema) for name, schema in definitions.items()}
    kept = reachable(tight, [_params(method) for method in METHODS])
    write(TARGET, "bot_api.json", kept, PACKAGE, licence, Path(__file__).name)


def _params(method: str) -> str:
    return method[0].upper() + method[1:] + "Params"


def _tightened(schema: Any) -> Any:
    """The schema without prose, with what the prose says; TypeScript's conveniences and unplayed parts are gone."""
    if isinstance(schema, list):
        return [_tightened(item) for item in schema if not _is_convenience(item)]
    if not isinstance(schema, dict):
        return schema
    result = {
        key: _tightened(value) for key, value in schema.items() if key not in {"description", "properties"}
    }
    if "properties" in schema:
        result["properties"] = {
            name: _tightened(value) for name, value in schema["properties"].items() if name not in NOT_PLAYED
        }
    if schema.get("type") == "number":
        result["type"] = "integer"  # every number of these methods is one: ids, offsets, seconds
    if isinstance(schema.get("type"), list) and "number" in schema["type"]:
        result["type"] = ["integer" if item == "number" else item for item in schema["type"]]
    if isinstance(schema.get("description"), str):
        _read_limits(schema["description"], result)
    if isinstance(options := result.get("anyOf"), list) and len(options) == 1:
        del result["anyOf"]
        result.update(options[0])
    return result


def _is_convenience(schema: Any) -> bool:
    return isinstance(schema, dict) and bool({"toString", "toJSON"} & set(schema.get("properties", {})))


def _read_limits(prose: str, result: dict[str, Any]) -> None:
    if match := LENGTH.search(prose):
        keyword = "utf16Length" if match[3] == "characters" else "utf8Length"  # our own: see _schema.py
        result[keyword] = [int(match[1]), int(match[2])]
    if result.get("type") == "integer" and (match := RANGE.search(prose)):
        result["minimum"], result["maximum"] = int(match[1]), int(match[2])
    if result.get("type") == "array" and (match := AT_MOST_ITEMS.search(prose)):
        result["maxItems"] = int(match[1])
    for words, pattern in ALPHABETS.items():
        if words in prose:
            result["pattern"] = pattern


if __name__ == "__main__":
    main()
