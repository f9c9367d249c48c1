"""What a press in Telegram is compared by: what its message shows by Telegram's own account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sayso.adapters.cards import keep
from sayso.adapters.telegram._data import PREFIX
from sayso.engine import Kept

_OF_ENTITY = ("type", "offset", "length", "url", "language", "custom_emoji_id")
_OF_TIME = ("unix_time", "date_time_format")
_OF_BUTTON = ("text", "callback_data", "url")


def kept_message(message: object) -> Kept | None:
    """What Telegram says that it keeps of a message (core.telegram.org/bots/api#message): its text, the entities in it,
    and its buttons. None for what is no message, or comes without content (`date` 0, #inaccessiblemessage).
    """
    if not isinstance(message, Mapping):
        return None
    fields = cast("Mapping[str, Any]", message)
    if not fields.get("date"):
        return None
    text = fields.get("text")
    entities = [_entity(one) for one in _list(fields.get("entities"))]
    buttons = [[{name: one.get(name) for name in _OF_BUTTON} for one in row] for row in keyboard(fields)]
    others = sorted(name for name in ("caption", "photo", "document", "video") if name in fields)
    flat = [one for row in buttons for one in row]
    return keep(
        {"text": text, "entities": entities, "keyboard": buttons, "others": others},
        {
            "text": [text],
            "entities": entities,
            "labels": [one["text"] for one in flat],
            "data": [one["callback_data"] for one in flat],
            "urls": [one["url"] for one in flat if one["url"] is not None],
            "attached": others,
        },
    )


def stands(message: Mapping[str, Any], data: object) -> bool:
    """Whether a message has exactly one button with this data."""
    return [one.get("callback_data") for row in keyboard(message) for one in row].count(data) == 1


def is_marked(message: Mapping[str, Any]) -> bool:
    """Whether a message has a button of sayso's."""
    data = (one.get("callback_data") for row in keyboard(message) for one in row)
    return any(isinstance(one, str) and one.startswith(PREFIX) for one in data)


def keyboard(message: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    """The rows of a message's buttons."""
    markup: Mapping[str, Any] = message.get("reply_markup") or {}
    return [list(_list(row)) for row in _list(markup.get("inline_keyboard"))]


def _entity(entity: Mapping[str, Any]) -> dict[str, Any]:
    """An entity without what changes by itself: a mentioned person's names. Only a time has the parts of one: of any
    other entity, what was compared before there were times stays the same.
    """
    user: Mapping[str, Any] = entity.get("user") or {}
    time = {name: entity[name] for name in _OF_TIME if name in entity}
    return {**{name: entity.get(name) for name in _OF_ENTITY}, **time, "user": user.get("id")}


def _list(content: object) -> Sequence[Any]:
    return cast("Sequence[Any]", content) if isinstance(content, list) else ()
