"""Message text as Telegram reads it: markup becomes plain text with entities, lengths are UTF-16 units.

The rules for what may stand in HTML and MarkdownV2 are those of `teremok.validation`; this module does what comes after
them: it builds the entities, so that a test sees what a person sees. What links itself (mentions, commands, addresses)
is found here too, because a prompt that turns into a mention is a bug worth seeing.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from typing import Any

from teremok.validation import ApiRuleViolation, validate_html, validate_markdown

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
ATTRIBUTE = re.compile(r"([a-zA-Z-]+)(?:=(?:\"([^\"]*)\"|'([^']*)'))?")
MARKDOWN_TOKEN = re.compile(
    r"(?m)\\((?s:.))|(^>|```|`|\|\||__|_|\*\*(?=>)|\*|~|!?\[|\](?:\((?:\\.|[^)\\])*\))?)"
)
LINKS_ITSELF = re.compile(
    r"(?P<bot_command>(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>]))"
    r"|(?P<url>\bhttps?://[^\s<>\"]+)"
    r"|(?P<mention>(?<!\w)@[A-Za-z0-9_]{4,32})"
    r"|(?P<hashtag>(?<!\w)#\w*[^\W\d]\w*)"
)
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # shown as spaces
INVISIBLE = re.compile("[\r\u2028-\u202e]")  # dropped, the overrides of direction among them


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of formatted text; `offset` and `length` count UTF-16 units, `extra` holds url, language or user id."""

    type: str
    offset: int
    length: int
    extra: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As the Bot API writes it."""
        return {"type": self.type, "offset": self.offset, "length": self.length, **self.extra}


@dataclass(frozen=True, slots=True)
class FormattedText:
    """Plain text with its entities."""

    text: str
    entities: tuple[Entity, ...] = ()

    def covered(self, entity: Entity) -> str:
        """The words that an entity covers."""
        units = self.text.encode("utf-16-le")
        return units[entity.offset * 2 : (entity.offset + entity.length) * 2].decode("utf-16-le")


def utf16_length(text: str) -> int:
    """How long Telegram thinks the text is: an emoji outside the basic plane counts twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def read_text(
    raw: str, parse_mode: str | None, entities: list[dict[str, Any]] | None, *, caption: bool = False
) -> FormattedText:
    """What a message of the bot shows; raises `Refused` for broken markup and for what is empty or too long."""
    if entities is not None:
        parsed = FormattedText(raw, tuple(_given(entity, raw) for entity in entities))
    else:
        parsed = _parse(raw, parse_mode)
    parsed = _linked(_trimmed(parsed))
    if not parsed.text and not caption:
        raise malformed("message text is empty")
    if utf16_length(parsed.text) > (MAX_CAPTION if caption else MAX_TEXT):
        raise malformed("message caption is too long" if caption else "message is too long")
    return parsed


def typed_text(text: str) -> FormattedText:
    """What a person typed: no markup, but commands and links are found."""
    return _linked(_trimmed(FormattedText(text)))


def _parse(raw: str, parse_mode: str | None) -> FormattedText:
    cleaned = CONTROL.sub(" ", INVISIBLE.sub("", raw))
    try:
        match parse_mode:
            case None:
                return FormattedText(cleaned)
            case "HTML":
                validate_html(cleaned)
                return _from_html(cleaned)
            case "MarkdownV2":
                validate_markdown(cleaned, 2)
                return _from_markdown(cleaned)
            case _:
                raise malformed(f"parse_mode {parse_mode} is not played by the local server")
    except ApiRuleViolation as violation:
        raise malformed(violation.description.removeprefix("Bad Request: ")) from violation


def _given(entity: dict[str, Any], text: str) -> Entity:
    extra = {key: value for key, value in entity.items() if key not in {"type", "offset", "length"}}
    found = Entity(entity["type"], entity["offset"], entity["length"], extra)
    if found.offset < 0 or found.length <= 0 or found.offset + found.length > utf16_length(text):
        raise malformed("can't parse entities: entity out of text bounds")
    return found


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

    def finish(self) -> FormattedText:
        """Outer entities first. A `code` with a language inside a `pre` is one `pre` with that language."""
        languages = {(e.offset, e.length): e.extra for e in self.entities if "language" in e.extra}
        kept = [
            replace(e, extra=languages.get((e.offset, e.length), {}) if e.type == "pre" else e.extra)
            for e in reversed(self.entities)
            if "language" not in e.extra
        ]
        return FormattedText("".join(self.parts), tuple(sorted(kept, key=lambda e: (e.offset, -e.length))))


def _from_html(source: str) -> FormattedText:
    built = _Builder()
    position = 0
    for token in HTML_TOKEN.finditer(source):
        built.write(html.unescape(source[position : token.start()]))
        position = token.end()
        if token["end"]:
            built.end()
            continue
        attributes = {
            m[1].lower(): html.unescape(m[2] or m[3] or "") for m in ATTRIBUTE.finditer(token["attributes"])
        }
        built.begin(*_html_entity(token["tag"].lower(), attributes))
    built.write(html.unescape(source[position:]))
    return built.finish()


def _html_entity(tag: str, attributes: dict[str, str]) -> tuple[str, dict[str, Any]]:
    if tag == "a":
        return _link(attributes["href"])
    if tag == "code" and "class" in attributes:
        return "code", {"language": attributes["class"].removeprefix("language-")}
    if tag == "blockquote" and "expandable" in attributes:
        return "expandable_blockquote", {}
    if tag == "tg-emoji":
        return "custom_emoji", {"custom_emoji_id": attributes["emoji-id"]}
    return HTML_ENTITIES[tag], {}


def _link(url: str) -> tuple[str, dict[str, Any]]:
    if match := re.fullmatch(r"tg://user\?id=(\d+)", url):
        person = {"id": int(match[1]), "is_bot": False, "first_name": ""}
        return "text_mention", {"user": person}
    return "text_link", {"url": url}


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


def _trimmed(parsed: FormattedText) -> FormattedText:
    """Without the white space around it, as every message is stored."""
    start = utf16_length(parsed.text) - utf16_length(parsed.text.lstrip())
    text = parsed.text.strip()
    length = utf16_length(text)
    kept: list[Entity] = []
    for entity in parsed.entities:
        begin = max(entity.offset - start, 0)
        end = min(entity.offset + entity.length - start, length)
        if end > begin:
            kept.append(replace(entity, offset=begin, length=end - begin))
    return FormattedText(text, tuple(kept))


def _linked(parsed: FormattedText) -> FormattedText:
    covered = [
        (e.offset, e.offset + e.length) for e in parsed.entities if e.type in {"code", "pre", "text_link"}
    ]
    found = list(parsed.entities)
    for match in LINKS_ITSELF.finditer(parsed.text):
        offset, length = utf16_length(parsed.text[: match.start()]), utf16_length(match[0])
        inside = any(begin < offset + length and offset < end for begin, end in covered)
        known = any((e.type, e.offset) == (match.lastgroup, offset) for e in found)
        if not inside and not known:
            found.append(Entity(str(match.lastgroup), offset, length, {}))
    return FormattedText(parsed.text, tuple(sorted(found, key=lambda e: (e.offset, -e.length))))
