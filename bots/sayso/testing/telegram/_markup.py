"""Keyboards: what no schema says about them, and how they are kept.

Sources: Bot API reference, "InlineKeyboardButton" (exactly one action); limits that Telegram enforces without
documenting them: 8 buttons a row, 100 in all, about 10,000 bytes of JSON (tginfo/Telegram-Limits #187, #228).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sayso.testing.telegram._entities import cleaned
from sayso.testing.telegram._links import checked_link
from sayso.testing.telegram._refusals import malformed

MAX_ROW = 8
MAX_BUTTONS = 100
MAX_BYTES = 10_000
NO_ACTION = {"text", "style", "icon_custom_emoji_id"}


@dataclass(frozen=True, slots=True)
class ForceReply:
    """The bot asks for a reply: from everybody in the chat, or if `selective` from whom it answers or mentions."""

    selective: bool
    placeholder: str | None


@dataclass(frozen=True, slots=True)
class Markup:
    """The one `reply_markup` of a message; only an inline keyboard is part of the message itself."""

    inline: list[list[dict[str, Any]]] | None = None
    force_reply: ForceReply | None = None
    reply_keyboard: list[list[str]] | None = None


def read_markup(given: dict[str, Any] | None, *, private: bool) -> Markup:
    """The markup by its kind, as it is kept; raises `Refused` for buttons that Telegram refuses. An empty keyboard is
    none.
    """
    match given:
        case None:
            return Markup()
        case {"inline_keyboard": rows}:
            force = ForceReply(selective=False, placeholder=None) if given.get("force_reply") else None
            return Markup(inline=_checked(rows, private=private) or None, force_reply=force)
        case {"force_reply": True}:
            force = ForceReply(given.get("selective", False), given.get("input_field_placeholder"))
            return Markup(force_reply=force)
        case {"keyboard": rows}:
            return Markup(reply_keyboard=[[_label(button) for button in row] for row in rows])
        case _:
            return Markup()


def _label(button: dict[str, Any] | str) -> str:
    return button if isinstance(button, str) else str(button["text"])


def _checked(rows: list[list[dict[str, Any]]], *, private: bool) -> list[list[dict[str, Any]]]:
    filled = [row for row in rows if row]
    size = len(json.dumps(filled, ensure_ascii=False, separators=(",", ":")).encode())
    count = sum(len(row) for row in filled)
    if any(len(row) > MAX_ROW for row in filled) or count > MAX_BUTTONS or size > MAX_BYTES:
        raise malformed("reply markup is too long")
    return [[_kept_button(button, private=private) for button in row] for row in filled]


def _kept_button(button: dict[str, Any], *, private: bool) -> dict[str, Any]:
    """The button with its label and address as Telegram writes them."""
    kept = {**button, "text": cleaned(button["text"])}
    _check_button(kept, private=private)
    if "url" not in kept:
        return kept
    url = checked_link(kept["url"])
    if url is None:
        raise malformed(f"inline keyboard button URL '{kept['url']}' is invalid: wrong HTTP URL")
    return {**kept, "url": url}


def _check_button(button: dict[str, Any], *, private: bool) -> None:
    actions = button.keys() - NO_ACTION
    where = "can't parse inline keyboard button"
    if not button["text"].strip():
        raise malformed(f"{where}: text must be non-empty")
    if not actions:
        raise malformed(f"{where}: Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise malformed(f"{where}: exactly one of the optional fields must be used, not {sorted(actions)}")
    if "web_app" in actions and not private:
        raise malformed("BUTTON_TYPE_INVALID")
