"""Blocks as people read them: plain text, what is bold or italic in it, and whom it mentions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sayso.testing.slack._kept import unescaped

_CONTROL = re.compile(r"<([^<>]+)>")
_SET_OFF = ("rich_text_preformatted", "rich_text_quote")


@dataclass(frozen=True, slots=True)
class SeenEntity:
    """A formatted stretch of a message, with the words that it covers. `target` is a link's address."""

    type: str
    words: str
    target: str | None = None


@dataclass(slots=True)
class Rendered:
    """What is read. `names` are those of accounts and groups by their ids; `links` where a tap leads."""

    names: Mapping[str, str] = field(default_factory=dict[str, str])
    parts: list[str] = field(default_factory=list[str])
    entities: list[SeenEntity] = field(default_factory=list[SeenEntity])
    links: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        """Everything, in lines."""
        return "\n".join(part for part in self.parts if part)


def render_blocks(blocks: Iterable[dict[str, Any]], now: datetime, names: Mapping[str, str]) -> Rendered:
    """Everything that stands in blocks, except on buttons and in pickers."""
    rendered = Rendered(names)
    for block in blocks:
        match block["type"]:
            case "rich_text":
                rendered.parts.append("\n".join(_section(one, rendered, now) for one in block["elements"]))
            case "section" | "header":
                rendered.parts += [
                    _text(one, rendered) for one in [block.get("text"), *block.get("fields", [])]
                ]
            case "context":
                rendered.parts.append(" ".join(_text(one, rendered) for one in block["elements"]))
            case _:
                pass
    return rendered


def render_markup(text: str, rendered: Rendered) -> str:
    """Text with Slack's control sequences, as it is read."""

    def replaced(match: re.Match[str]) -> str:
        inner = match[1]
        if inner[0] in "@!#":
            target = inner[1:].partition("|")[0].removeprefix("subteam^")
            return f"@{rendered.names.get(target, target)}"
        address, _, label = inner.partition("|")
        rendered.links.append(address)
        return label or address

    return unescaped(_CONTROL.sub(replaced, text))


def _section(section: dict[str, Any], rendered: Rendered, now: datetime) -> str:
    said: list[str] = []
    for element in section["elements"]:
        words = _element(element, rendered, now)
        if element["type"] == "link":
            rendered.entities.append(SeenEntity("link", words, str(element["url"])))
        for style in ("bold", "italic", "strike", "code"):
            if element.get("style", {}).get(style):
                rendered.entities.append(SeenEntity(style, words))
        said.append(words)
    if section["type"] in _SET_OFF:
        rendered.entities.append(SeenEntity(section["type"], "".join(said)))
    return "".join(said)


def _element(element: dict[str, Any], rendered: Rendered, now: datetime) -> str:
    match element["type"]:
        case "text":
            return str(element["text"])
        case "date":
            return _date(element, now)
        case "user" | "usergroup" | "broadcast" | "channel":
            keys = ("user_id", "usergroup_id", "range", "channel_id")
            name = next(str(element[key]) for key in keys if key in element)
            return f"@{rendered.names.get(name, name)}"
        case "link":
            rendered.links.append(str(element["url"]))
            return str(element.get("text") or element["url"])
        case "emoji":
            return f":{element['name']}:"
        case _:
            return "".join(_element(one, rendered, now) for one in element.get("elements", []))


def _date(element: dict[str, Any], now: datetime) -> str:
    instant = datetime.fromtimestamp(element["timestamp"], UTC)
    day = "today" if instant.date() == now.date() else f"{instant:%b %d, %Y}"
    shown = str(element["format"])
    for name, value in (
        ("{date_short_pretty}", day),
        ("{date_pretty}", day),
        ("{date_num}", f"{instant:%Y-%m-%d}"),
        ("{time}", f"{instant:%H:%M}"),
        ("{ago}", _ago(now - instant)),
    ):
        shown = shown.replace(name, value)
    return shown


def _ago(age: timedelta) -> str:
    """An age as clients write it: `3 minutes ago` (docs.slack.dev/messaging/formatting-message-text)."""
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if count := int(age.total_seconds()) // unit:
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"


def _text(given: dict[str, Any] | None, rendered: Rendered) -> str:
    if given is None:
        return ""
    if given["type"] == "plain_text":
        return unescaped(str(given["text"]))
    return render_markup(str(given["text"]), rendered)
