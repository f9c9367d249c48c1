"""Message text as Telegram reads it: markup becomes plain text with entities, lengths are UTF-16 units.

The rules for what may stand in HTML and MarkdownV2 are those of `teremok.validation`, but for `&`, which Telegram takes
where it begins no entity. This module does what comes after them: it builds the entities, so that a test sees what a
person sees. What becomes of text and entities then is in `_entities`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from teremok.validation import ApiRuleViolation, validate_html, validate_markdown

from sayso.testing.telegram._entities import CODE, Entity, FormattedText, NotInText, fixed, utf16_length
from sayso.testing.telegram._links import checked_link
from sayso.testing.telegram._refusals import malformed

MAX_TEXT = 4096
MAX_CAPTION = 1024
HTML_ENTITIES = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    **dict.fromkeys(("span", "tg-spoiler"), "spoiler"),
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
MARKDOWN_ENTITIES = {
    "*": "bold",
    "_": "italic",
    "__": "underline",
    "~": "strikethrough",
    "||": "spoiler",
    "`": "code",
    "```": "pre",
}
HTML_TOKEN = re.compile(r"<(?P<end>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9-]*)(?P<attributes>[^>]*)>")
TIME_TAG = re.compile(r"<(/?)tg-time\b[^>]*>")
TIME_FORMAT = re.compile(r"r|w?[dD]?[tT]?")
ATTRIBUTE = re.compile(r"([a-zA-Z-]+)(?:=(?:\"([^\"]*)\"|'([^']*)'))?")
MARKDOWN_TOKEN = re.compile(
    r"(?m)\\((?s:.))|(^>|```|`|\|\||__|_|\*\*(?=>)|\*|~|!?\[|\](?:\((?:\\.|[^)\\])*\))?)"
)
CHARACTER_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(lt|gt|amp|quot)(?![a-zA-Z]));?")
LONGEST_REFERENCE = 10
LAST_CHARACTER = 0x10FFFF
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}


def read_text(
    raw: str, parse_mode: str | None, entities: list[dict[str, Any]] | None, *, caption: bool = False
) -> FormattedText:
    """What a message of the bot shows; raises `Refused` for broken markup and for what is empty or too long."""
    if entities is not None:
        parsed = FormattedText(raw, tuple(_given(entity) for entity in entities))
    else:
        parsed = _parse(raw, parse_mode)
    try:
        parsed = fixed(parsed)
    except NotInText as error:
        raise malformed(str(error)) from error
    if not parsed.text and not caption:
        raise malformed("message text is empty")
    if utf16_length(parsed.text) > (MAX_CAPTION if caption else MAX_TEXT):
        raise malformed("message caption is too long" if caption else "message is too long")
    return parsed


def typed_text(text: str) -> FormattedText:
    """What a person typed: no markup, but commands and links are found."""
    return fixed(FormattedText(text))


def _parse(raw: str, parse_mode: str | None) -> FormattedText:
    try:
        match parse_mode:
            case None:
                return FormattedText(raw)
            case "HTML":
                # The validator does not know `tg-time` yet, which nests like a spoiler.
                known = TIME_TAG.sub(r"<\1tg-spoiler>", raw)
                validate_html(CHARACTER_REFERENCE.sub("", known).replace("&", "&amp;"))
                return _from_html(raw)
            case "MarkdownV2":
                validate_markdown(raw, 2)
                return _from_markdown(raw)
            case _:
                raise malformed(f"parse_mode {parse_mode} is not played by the local server")
    except ApiRuleViolation as violation:
        raise malformed(violation.description.removeprefix("Bad Request: ")) from violation


def _given(entity: dict[str, Any]) -> Entity:
    extra = {key: value for key, value in entity.items() if key not in {"type", "offset", "length"}}
    if entity["type"] == "text_link":
        extra["url"] = checked_link(entity["url"]) or entity["url"]
    return Entity(entity["type"], entity["offset"], entity["length"], extra)


def decoded(text: str) -> str:
    """Text of which Telegram's few references are read: `&nbsp;` and `&copy;` stay what they are."""

    def character(match: re.Match[str]) -> str:
        if match[3]:
            return NAMED[match[3]]
        code = int(match[1], 16) if match[1] else int(match[2])
        return (
            chr(code)
            if 0 < code < LAST_CHARACTER and len(match[0].rstrip(";")) < LONGEST_REFERENCE
            else match[0]
        )

    return CHARACTER_REFERENCE.sub(character, text)


class _Builder:
    """Plain text that grows, with the entities that are open in it."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.open: list[tuple[str, int, dict[str, Any]]] = []
        self.entities: list[Entity] = []

    def write(self, text: str) -> None:
        self.parts.append(text)
        self.length += utf16_length(text)

    def begin(self, kind: str, extra: dict[str, Any] | None = None) -> None:
        self.open.append((kind, self.length, extra or {}))

    def end(self, extra: dict[str, Any] | None = None) -> None:
        kind, offset, known = self.open.pop()
        if self.length > offset:
            self.entities.append(Entity(kind, offset, self.length - offset, {**known, **(extra or {})}))

    def end_code(self, kind: str, language: dict[str, Any]) -> None:
        """The end of `code` or `pre`: one around the other, of which one names a language, are one `pre`."""
        offset = self.open[-1][1]
        inner = self.entities[-1] if self.entities else None
        self.end()
        if inner is None or (inner.offset, inner.length) != (offset, self.length - offset):
            return
        named = {**inner.extra, **language}
        if {inner.type, kind} == {"code", "pre"} and named:
            self.entities[-2:] = [Entity("pre", offset, self.length - offset, named)]

    def finish(self) -> FormattedText:
        """Everything. A language that no `pre` has is forgotten."""
        kept = [replace(one, extra={}) if one.type == "code" else one for one in self.entities]
        return FormattedText("".join(self.parts), tuple(kept))


def _from_html(source: str) -> FormattedText:
    built = _Builder()
    position = 0
    for token in HTML_TOKEN.finditer(source):
        built.write(decoded(source[position : token.start()]))
        position = token.end()
        if token["end"]:
            _end_of_tag(token["tag"].lower(), built)
            continue
        attributes = {
            m[1].lower(): decoded(m[2] or m[3] or "") for m in ATTRIBUTE.finditer(token["attributes"])
        }
        built.begin(*_html_entity(token["tag"].lower(), attributes))
    built.write(decoded(source[position:]))
    return built.finish()


def _end_of_tag(tag: str, built: _Builder) -> None:
    if tag in CODE:
        built.end_code(tag, built.open[-1][2])
    else:
        built.end()


def _html_entity(tag: str, attributes: dict[str, str]) -> tuple[str, dict[str, Any]]:
    if tag == "a":
        return _link(attributes["href"])
    if tag == "code" and "class" in attributes:
        return "code", {"language": attributes["class"].removeprefix("language-")}
    if tag == "blockquote" and "expandable" in attributes:
        return "expandable_blockquote", {}
    if tag == "tg-emoji":
        return "custom_emoji", {"custom_emoji_id": attributes["emoji-id"]}
    if tag == "tg-time":
        return "date_time", _time(attributes)
    return HTML_ENTITIES[tag], {}


def _time(attributes: dict[str, str]) -> dict[str, Any]:
    """A time and how it is written (core.telegram.org/bots/api#date-time-entity-formatting)."""
    unix, time_format = attributes.get("unix", ""), attributes.get("format", "")
    if (
        not unix.isdecimal()
        or not TIME_FORMAT.fullmatch(time_format)
        or attributes.keys() - {"unix", "format"}
    ):
        raise malformed('can\'t parse entities: Tag "tg-time" must have valid attributes "unix" and "format"')
    return {"unix_time": int(unix), **({"date_time_format": time_format} if time_format else {})}


def _link(url: str) -> tuple[str, dict[str, Any]]:
    if match := re.fullmatch(r"tg://user\?id=(\d+)", url):
        person = {"id": int(match[1]), "is_bot": False, "first_name": ""}
        return "text_mention", {"user": person}
    return "text_link", {"url": checked_link(url)}


def _from_markdown(source: str) -> FormattedText:
    built = _Builder()
    stack: list[str] = []
    quotes: list[int] = []
    position = 0
    for token in MARKDOWN_TOKEN.finditer(source):
        if token.start() < position:
            continue
        built.write(source[position : token.start()])
        position = token.end()
        mark = token[2]
        if mark is None:
            built.write(token[1])
        elif stack and stack[-1] in {"`", "```"} and mark != stack[-1]:
            built.write(mark)
        elif mark == ">":
            quotes.append(built.length)
        else:
            _apply_mark(mark, stack, built)
    built.write(source[position:])
    return _quoted(built, quotes)


def _apply_mark(mark: str, stack: list[str], built: _Builder) -> None:
    if mark.startswith("]"):
        stack.pop()
        kind, extra = _link(re.sub(r"\\(.)", r"\1", mark[2:-1]))
        built.open[-1] = (kind, built.open[-1][1], built.open[-1][2])
        built.end(extra)
    elif stack and stack[-1] == mark:
        stack.pop()
        built.end()
    elif mark != "**":
        stack.append(mark.lstrip("!"))
        built.begin(MARKDOWN_ENTITIES.get(mark, "text_link"))


def _quoted(built: _Builder, begins: list[int]) -> FormattedText:
    """Each line that began with an unescaped `>` is a quotation; neighbouring lines are one."""
    parsed = built.finish()
    quotes: list[Entity] = []
    for begin in begins:
        line = parsed.text.encode("utf-16-le")[begin * 2 :].decode("utf-16-le").partition("\n")[0]
        if quotes and quotes[-1].offset + quotes[-1].length + 1 == begin:
            quotes[-1] = replace(quotes[-1], length=begin + utf16_length(line) - quotes[-1].offset)
        else:
            quotes.append(Entity("blockquote", begin, utf16_length(line), {}))
    return FormattedText(parsed.text, (*(q for q in quotes if q.length), *parsed.entities))
