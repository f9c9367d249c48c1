"""What a press in Slack is compared by: what its message, or the home, shows by Slack's own account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, cast

from sayso.adapters.cards import keep
from sayso.engine import Kept

_COMPARED = frozenset({
    "type", "text", "elements", "url", "action_id", "value", "options", "style",
    "name", "user_id", "usergroup_id", "channel_id", "range", "timestamp", "color", "fallback",
    "fields", "accessory", "confirm", "title", "deny", "placeholder", "description", "image_url", "alt_text",
    "title_url", "option_groups", "label", "hint", "element",
})  # fmt: skip
"""What shows of a block or an element, or says what it does. Left out is what changes by itself: ids of blocks, sizes
of images, whom a button shows to, and how an emoji is written beside its name."""


def kept_blocks(blocks: object) -> Kept:
    """What blocks are compared by, in their order."""
    shown = _shown(blocks)
    parts: defaultdict[str, list[object]] = defaultdict(list)
    _collect(shown, "", parts)
    return keep(shown, parts)


def kept_message(answer: Mapping[str, Any]) -> Kept | None:
    """What Slack says that it keeps of a message, in its answer to a send or an edit; None where it does not say."""
    message = answer.get("message")
    return (
        kept_blocks(cast("Mapping[str, Any]", message).get("blocks")) if isinstance(message, dict) else None
    )


def kept_view(answer: Mapping[str, Any]) -> Kept | None:
    """The same of a view, in the answer to its publication."""
    view = answer.get("view")
    return kept_blocks(cast("Mapping[str, Any]", view).get("blocks")) if isinstance(view, dict) else None


def stands(blocks: object, action: Mapping[str, Any]) -> bool:
    """Whether an action comes from these blocks as it was pressed: the element with its id in the block with its id,
    under the label, the value, or the picked option that the action says.
    """
    found = [
        element
        for block in _mappings(blocks)
        if block.get("block_id") == action.get("block_id")
        for element in _mappings(block.get("elements"))
        if element.get("action_id") == action.get("action_id") and element.get("type") == action.get("type")
    ]
    if len(found) != 1:
        return False
    element = found[0]
    if "options" in element:
        picked = _shown(action.get("selected_option"))
        return any(_shown(option) == picked for option in _mappings(element["options"]))
    return all(_shown(element.get(name)) == _shown(action.get(name)) for name in ("text", "value"))


def _mappings(content: object) -> list[Mapping[str, Any]]:
    if not isinstance(content, list):
        return []
    return [cast("Mapping[str, Any]", one) for one in cast("list[object]", content) if isinstance(one, dict)]


def _shown(content: object) -> object:
    """Of content what is compared, with the names in their order."""
    if isinstance(content, list):
        return [_shown(one) for one in cast("list[object]", content)]
    if not isinstance(content, dict):
        return content
    found = cast("Mapping[str, object]", content)
    return {name: _shown(found[name]) for name in sorted(found) if name in _COMPARED}


def _collect(shown: object, name: str, parts: defaultdict[str, list[object]]) -> None:
    """Put every value under the name at which it stands."""
    if isinstance(shown, list):
        for one in cast("list[object]", shown):
            _collect(one, name, parts)
    elif isinstance(shown, dict):
        for key, value in cast("Mapping[str, object]", shown).items():
            _collect(value, key, parts)
    else:
        parts[name].append(shown)
