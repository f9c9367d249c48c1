"""Write the JSON Schemas of the Block Kit payloads that the local Slack server checks.

    .venv/bin/python scripts/make_slack_schemas.py    # needs node, npm and the network

TypeScript declarations (npm `@slack/types`, Slack's own) become JSON Schema by npm `ts-json-schema-generator`. Limits
stand only in the doc comments ("maximum of 25 elements"), so they are read from there; those that not even they tell
are in LIMITS, from docs.slack.dev/reference/block-kit. The result is checked in: the server and its tests need neither
node nor the network.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from typescript_schemas import generate, reachable, write

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "bots/sayso/testing/slack/schemas"
PACKAGE = "@slack/types@3.2.0"
LENGTH = re.compile(r"(?:[Mm]ax(?:imum)?|up to|[Cc]annot exceed|[Mm]ust be)[^.]{0,80}?([\d,]+) characters")
ITEMS = re.compile(
    r"(?:[Mm]aximum(?: number)? of|up to|[Mm]ax) ([\d,]+) (?:\w+ )*?(?:elements|items|options|fields|objects)"
)
LIMITS: dict[str, dict[str, int]] = {
    "ContextBlock.elements": {"maxItems": 10},
    "ActionsBlock.elements": {"maxItems": 25, "minItems": 1},
    "SectionBlock.fields": {"maxItems": 10, "minItems": 1},
    "RichTextBlock.elements": {"minItems": 1},
    "RichTextSection.elements": {"minItems": 1},
    "RichTextText.text": {"minLength": 1},
    "Checkboxes.options": {"maxItems": 10, "minItems": 1},
    "RadioButtons.options": {"maxItems": 10, "minItems": 1},
    "Overflow.options": {"maxItems": 5, "minItems": 1},
    "StaticSelect.options": {"maxItems": 100, "minItems": 1},
    "MultiStaticSelect.options": {"maxItems": 100, "minItems": 1},
    "PlainTextElement.text": {"minLength": 1, "maxLength": 3000},
    "MrkdwnElement.text": {"minLength": 1, "maxLength": 3000},
    "PlainTextOption.value": {"maxLength": 150},
    "MrkdwnOption.value": {"maxLength": 150},
    "ModalView.private_metadata": {"maxLength": 3000},
    "ModalView.callback_id": {"maxLength": 255},
    "ModalView.blocks": {"maxItems": 100, "minItems": 1},
    "HomeView.blocks": {"maxItems": 100},
    "HomeView.private_metadata": {"maxLength": 3000},
}
TEXT_LIMITS = {
    "Button.text": 75,
    "ConfirmationDialog.title": 100,
    "ConfirmationDialog.text": 300,
    "ConfirmationDialog.confirm": 30,
    "ConfirmationDialog.deny": 30,
    "HeaderBlock.text": 150,
    "InputBlock.label": 2000,
    "InputBlock.hint": 2000,
    "MrkdwnOption.text": 75,
    "MrkdwnOption.description": 75,
    "PlainTextOption.text": 75,
    "PlainTextOption.description": 75,
    "SectionBlock.text": 3000,
    "ModalView.title": 24,
    "ModalView.submit": 24,
    "ModalView.close": 24,
}
"""Characters of the text object in a property."""


def main() -> None:
    """Generate in a temporary folder, tighten, and write it beside the package's licence."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        definitions = generate(
            work, PACKAGE, 'export type { KnownBlock, HomeView, ModalView } from "@slack/types";\n'
        )
        licence = (work / "node_modules/@slack/types/LICENSE").read_text(encoding="utf-8")
    tight = {name: _definition(name, schema) for name, schema in definitions.items()}
    kept = reachable(tight, ("KnownBlock", "HomeView", "ModalView"))
    write(TARGET, "block_kit.json", kept, PACKAGE, licence, Path(__file__).name)


def _definition(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    result = _tightened(schema)
    for key, property_schema in result.get("properties", {}).items():
        place = f"{name}.{key}"
        property_schema.update(LIMITS.get(place, {}))
        limit = TEXT_LIMITS.get(place) or (150 if key == "placeholder" else None)
        if limit is not None:
            result["properties"][key] = {
                "allOf": [property_schema, {"properties": {"text": {"maxLength": limit}}}]
            }
    if name == "Button":
        # New in 2026, and not yet declared: who sees the button. Never a protection.
        result["properties"]["visible_to_user_ids"] = {"type": "array", "items": {"type": "string"}}
    return result


def _tightened(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_tightened(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {
        key: _tightened(value) for key, value in schema.items() if key not in ("description", "properties")
    }
    if "properties" in schema:
        result["properties"] = {name: _tightened(value) for name, value in schema["properties"].items()}
    prose = schema.get("description")
    if isinstance(prose, str):
        if schema.get("type") == "string" and (found := LENGTH.search(prose)):
            result["maxLength"] = int(found[1].replace(",", ""))
        if schema.get("type") == "array" and (found := ITEMS.search(prose)):
            result["maxItems"] = int(found[1].replace(",", ""))
    return result


if __name__ == "__main__":
    main()
