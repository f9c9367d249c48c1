"""Messages and views as Slack keeps them, and so as it gives them back: in answers, presses and events alike.

Slack changes what it is given: `&`, `<` and `>` become entities (no other character does), emoji become codes in text
and elements in rich text, addresses become links, and what was left out is filled in. Nobody sees the difference; who
compares what was sent with what comes back does. Sources: docs.slack.dev "Formatting message text" (escaping; links
without markup), "Text object" (`emoji`, `verbatim`), bolt-python#513 (plain text is escaped too), payloads of
`block_actions` in public repositories (`emoji` elements with `unicode`, what is filled in).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from sayso.testing.slack._emoji import split_emoji, with_codes

NOTHING_TO_SHOW = "This content can't be displayed."
"""The text of a message that was sent without any."""

_DATE = r"<!date\^\d+\^[^<>|]*\|[^<>|]*>"
_CONTROL = r"<(?:[@!#][^<>\s]+|(?:https?://|mailto:|tel:)[^<>\s|]+)(?:\|[^<>]*)?>"
_ADDRESS = r"https?://[^\s<>|`]*[^\s<>|`.,;:!?\"'()*_~]"
_MARKUP = re.compile(rf"(?P<control>{_DATE}|{_CONTROL})|(?P<code>`[^`\n]+`)|(?P<address>{_ADDRESS})")
_TO_ESCAPE = re.compile(r"&(?!(?:amp|lt|gt);)|[<>]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPLIT = frozenset({"rich_text_section", "rich_text_quote"})
_KEPT_IN_VIEWS = ("title", "submit", "close", "blocks")


def kept_plain(text: str, *, has_codes: bool = True) -> str:
    """Plain text: entities and codes. An entity of Slack's own stays what it is, `&copy` gets its `&` escaped."""
    return _TO_ESCAPE.sub(lambda match: _ENTITIES[match[0]], with_codes(text) if has_codes else text)


def kept_markup(text: str, *, is_verbatim: bool = False) -> str:
    """Text with Slack's markup. Unless it is verbatim, addresses in it become links."""
    return "".join(_marked_up(text, is_verbatim=is_verbatim))


def kept(value: Any, *, spares_emoji: bool = False) -> Any:
    """Blocks, or anything in them. What `emoji: false` does to plain text is documented in half a sentence ("whether
    emojis should be escaped into the colon format") and was never seen: nothing, or it spares the emoji.
    """
    if isinstance(value, list):
        return [kept(one, spares_emoji=spares_emoji) for one in cast("Sequence[Any]", value)]
    if not isinstance(value, Mapping):
        return value
    given = cast("Mapping[str, Any]", value)
    match given.get("type"):
        case "plain_text":
            has_codes = not spares_emoji or given.get("emoji") is not False
            return {"emoji": True, **given, "text": kept_plain(given["text"], has_codes=has_codes)}
        case "mrkdwn":
            is_verbatim = given.get("verbatim") is True
            return {
                "verbatim": False,
                **given,
                "text": kept_markup(given["text"], is_verbatim=is_verbatim),
            }
        case kind if kind in _SPLIT:
            return {**given, "elements": [one for part in given["elements"] for one in _split(part)]}
        case "input":
            more = {"optional": False, "dispatch_action": False}
            return more | {name: kept(one, spares_emoji=spares_emoji) for name, one in given.items()}
        case _:
            return {name: kept(one, spares_emoji=spares_emoji) for name, one in given.items()}


def kept_view(body: Mapping[str, Any], *, spares_emoji: bool = False) -> dict[str, Any]:
    """A view, whose metadata and names stay as they are."""
    return {
        name: kept(one, spares_emoji=spares_emoji) if name in _KEPT_IN_VIEWS else one
        for name, one in body.items()
    }


def kept_typed(text: str) -> str:
    """What somebody typed into an input, a picker or behind a command: all three characters escaped, and no more."""
    return re.sub(r"[&<>]", lambda match: _ENTITIES[match[0]], text)


def unescaped(text: str) -> str:
    """Escaped text as it is read: Slack undoes its own three entities and no others."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _marked_up(text: str, *, is_verbatim: bool) -> Iterator[str]:
    position = 0
    for match in _MARKUP.finditer(text):
        yield kept_plain(text[position : match.start()])
        position = match.end()
        if match.lastgroup == "control":
            yield f"<{_inside(match[0][1:-1])}>"
        elif match.lastgroup == "address" and not is_verbatim:
            yield f"<{_inside(match[0])}>"
        else:
            yield kept_plain(match[0])
    yield kept_plain(text[position:])


def _inside(control: str) -> str:
    target, bar, label = control.partition("|")
    return _TO_ESCAPE.sub(lambda match: _ENTITIES[match[0]], target) + bar + kept_plain(label)


def _split(element: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A text element as several, where there are emoji in it; what is set as code has none."""
    if element["type"] != "text" or element.get("style", {}).get("code"):
        yield element
        return
    for part in split_emoji(element["text"]):
        style = {"style": element["style"]} if "style" in element else {}
        yield {**element, "text": part} if isinstance(part, str) else {**part.as_element(), **style}
