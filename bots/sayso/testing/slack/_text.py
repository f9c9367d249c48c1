"""Blocks as people read them: plain text, what is bold or italic in it, and whom it mentions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sayso.testing.slack._kept import unescaped

_CONTROL = re.compile(r"<([^<>]+)>")
_WRITTEN_DATE = re.compile(r"!date\^(\d+)\^([^|^]*)(?:\^[^|]*)?\|(.*)")
_TOKEN = re.compile(r"\{\w+\}")
_STYLES = {
    kind: re.compile(rf"(?<![\w{mark}]){mark}(?=\S)([^{mark}\n]+)(?<=\S){mark}(?![\w{mark}])")
    for kind, mark in (("code", "`"), ("bold", r"\*"), ("italic", "_"), ("strike", "~"))
}
_SET_OFF = ("rich_text_preformatted", "rich_text_quote")


@dataclass(frozen=True, slots=True)
class SeenEntity:
    """A formatted stretch of a message, with the words that it covers. `target` is a link's address."""

    type: str
    words: str
    target: str | None = None


@dataclass(slots=True)
class Rendered:
    """What is read at an instant. `names` are those of accounts and groups by their ids; `links` where a tap leads."""

    now: datetime
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
    rendered = Rendered(now, names)
    for block in blocks:
        match block["type"]:
            case "rich_text":
                rendered.parts.append("\n".join(_section(one, rendered) for one in block["elements"]))
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
        if date := _WRITTEN_DATE.fullmatch(inner):
            return _date(int(date[1]), date[2], date[3], rendered.now)
        if inner[0] in "@!#":
            target = inner[1:].partition("|")[0].removeprefix("subteam^")
            return f"@{rendered.names.get(target, target)}"
        address, _, label = inner.partition("|")
        rendered.links.append(unescaped(address))
        rendered.entities.append(SeenEntity("link", unescaped(label or address), unescaped(address)))
        return label or address

    return unescaped(_CONTROL.sub(replaced, text))


def _styled(text: str, rendered: Rendered) -> str:
    """Text without the marks around what they style."""
    for kind, mark in _STYLES.items():

        def bare(match: re.Match[str], kind: str = kind) -> str:
            rendered.entities.append(SeenEntity(kind, match[1]))
            return match[1]

        text = mark.sub(bare, text)
    return text


def _section(section: dict[str, Any], rendered: Rendered) -> str:
    said: list[str] = []
    for element in section["elements"]:
        words = _element(element, rendered)
        if element["type"] == "link":
            rendered.entities.append(SeenEntity("link", words, str(element["url"])))
        for style in ("bold", "italic", "strike", "code"):
            if element.get("style", {}).get(style):
                rendered.entities.append(SeenEntity(style, words))
        said.append(words)
    if section["type"] in _SET_OFF:
        rendered.entities.append(SeenEntity(section["type"], "".join(said)))
    return "".join(said)


def _element(element: dict[str, Any], rendered: Rendered) -> str:
    match element["type"]:
        case "text":
            return str(element["text"])
        case "date":
            fallback = str(element.get("fallback", ""))
            return _date(int(element["timestamp"]), str(element["format"]), fallback, rendered.now)
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
            return "".join(_element(one, rendered) for one in element.get("elements", []))


def _date(timestamp: int, date_format: str, fallback: str, now: datetime) -> str:
    """A date as clients in UTC write it; its fallback, where they do not know a token of its format."""
    instant = datetime.fromtimestamp(timestamp, UTC)
    day = f"{instant:%b %d, %Y}"
    pretty = "today" if instant.date() == now.date() else day
    tokens = {
        **dict.fromkeys(("{date}", "{date_short}", "{date_long}", "{date_long_full}"), day),
        **dict.fromkeys(("{date_pretty}", "{date_short_pretty}", "{date_long_pretty}"), pretty),
        "{day_divider_pretty}": pretty,
        "{date_num}": f"{instant:%Y-%m-%d}",
        "{date_slash}": f"{instant:%d/%m/%Y}",
        "{time}": f"{instant:%H:%M}",
        "{time_secs}": f"{instant:%H:%M:%S}",
        "{ago}": _ago(now - instant),
    }
    if any(token not in tokens for token in _TOKEN.findall(date_format)):
        return fallback
    return _TOKEN.sub(lambda match: tokens[match[0]], date_format)


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
    return _styled(render_markup(str(given["text"]), rendered), rendered)
