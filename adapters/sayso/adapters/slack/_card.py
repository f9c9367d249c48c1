"""A card as a Slack message: blocks, the text of its notification, and what did not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sayso.adapters.cards import Card, Choice, Field, Words, pieces
from sayso.adapters.console import set_off, visible_line
from sayso.adapters.slack._content import draw_field
from sayso.adapters.slack._data import Action, CardButton
from sayso.adapters.slack._markup import column, context
from sayso.adapters.slack._text import (
    TEXT_LIMIT,
    Block,
    Stretch,
    Style,
    fallback,
    mention_text,
    plain,
    plain_text,
    rich_text,
    split,
    stretches,
)
from sayso.engine import Link, fold_text

MOST_BUTTONS = 25
"""Elements of one actions block; more options are picked from a list."""

MOST_OPTIONS = 100
"""Options of a list; among more, the reader searches."""

LABEL_LIMIT = 75
"""Characters of a button's or an option's text."""

_SHOWN_LABEL = 30
"""Characters of a button that Slack's clients are sure to show; the options stand in the text if one has more."""

MOST_MESSAGES = 10
"""A rest that needs more messages than these goes as a file."""

_SAID_LIMIT = 1000
_HEADING_LIMIT = 150
"""Characters of a header (docs.slack.dev/reference/block-kit/blocks/header-block)."""

_STATUS_ROOM = 40
"""Of that, what is kept for what became of it."""

_SHORT = 100
"""Details of one line and no more characters than these, name and all, stand in two columns: on a desktop, three lines
of one.
"""

_MOST_COLUMNS = 10
"""Fields of one section (docs.slack.dev/reference/block-kit/blocks/section-block)."""

_MOST_BLOCKS = 40
"""A message has at most 50 blocks; a question of more is drawn as running text."""

IN_INBOX = "Open in inbox"
_IN_REQUEST = "in Full request"
_IN_THREAD = "in the thread"


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """A message: `text` is what notifications show. `rest` is what did not fit, whole and plain, to be sent into the
    thread by `rest_messages` or as a file. `metadata` says to other apps which card it is.
    """

    text: str
    blocks: list[Block]
    rest: str = ""
    metadata: dict[str, Any] | None = None


def rest_messages(rest: str) -> tuple[SlackMessage, ...] | None:
    """The rest as messages; None when it is to go as a file."""
    texts = tuple(pieces(rest, TEXT_LIMIT))
    return None if len(texts) > MOST_MESSAGES else tuple(render_words(((text,),)) for text in texts)


def render_card(card: Card, users: Sequence[str] = ()) -> SlackMessage:
    """The card as everybody in a channel sees it; its buttons show to `users` alone where some are named, which spares
    the others a press that would be refused, and protects nothing.
    """
    asked = question(card, _IN_REQUEST if card.open else _IN_THREAD)
    buttons = [
        *reading(card, has_more=bool(asked.rest)), *for_users(controls(card), users), *_longer(card),
    ]  # fmt: skip
    text = fallback(f"{_status(card)}{set_off(card.prompt)}") + mention_text((*card.said, *card.context))
    stamp = {"event_type": "sayso_card", "event_payload": {"request": card.id, "revision": card.revision}}
    return SlackMessage(text, [*asked.blocks, *below(card), *buttons], asked.rest, stamp)


def render_words(lines: Sequence[Words]) -> SlackMessage:
    """A plain message of these lines."""
    content: list[Stretch] = []
    for position, line in enumerate(lines):
        content += [Stretch("\n")] if position else []
        content += stretches(line)
    kept, rest = split(content, TEXT_LIMIT)
    text = fallback(" ".join(plain(line) for line in lines)) + mention_text(lines)
    return SlackMessage(text, drawn(kept), rest)


def render_locked(card: Card, words: str, link: str | None = None) -> SlackMessage:
    """A message that is not the card's, or not any more: locked, with the state at that instant, what it is, and `link`
    to the card itself.
    """
    kept, _ = split([Stretch(set_off(card.prompt), Style.BOLD)], TEXT_LIMIT)
    below_it = [Stretch(f"\n{words}", Style.ITALIC)]
    if link is not None:
        below_it += [Stretch(" "), Stretch("Go to the card", Style.ITALIC, link)]
    for line in card.said[:1]:
        below_it += [Stretch("\n"), *_said(line)]
    return SlackMessage(fallback(f"{words} {set_off(card.prompt)}"), drawn([*kept, *below_it]))


def render_unposted(reason: str, link: str | None) -> SlackMessage:
    """Says below a card why its pictures and files do not stand there, and where they do."""
    words = f"Pictures and files could not be posted here: {visible_line(reason)}. "
    where = Stretch("Open them in the inbox" if link else "They are in the inbox", link=link)
    return SlackMessage(fallback(words), drawn([Stretch(words), where, Stretch(".")]))


def drawn(content: Sequence[Stretch]) -> list[Block]:
    """Text as a block, where there is any."""
    block = rich_text(content)
    return [] if block is None else [block]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as blocks, and `rest`, what did not fit in them, as plain text."""

    blocks: list[Block]
    rest: str


def question(card: Card, where: str, *, is_compact: bool = False) -> Asked:
    """What is asked, whole or as much as fits, with the words that say `where` all of it is: in blocks that set its
    title and its short details off, or where it `is_compact` as one block of text.
    """
    notices = [part for line in card.notices for part in (Stretch("\n"), *stretches(line, Style.ITALIC))]
    heading = None if is_compact else _heading(card)
    top = [*drawn(notices[1:]), *([heading] if heading else [])]
    title = [] if heading else [Stretch(set_off(card.prompt), Style.BOLD)]
    status = [] if heading else [Stretch(_status(card), Style.BOLD)]
    listed = list(list_options(card))
    kept, rest = split(joined(title, card.details, listed), TEXT_LIMIT)
    wholes = [one.whole for one in map(draw_field, card.details) if one.whole]
    marker = [Stretch(f"(continues {where})", Style.ITALIC)] if rest or wholes else []
    everything = "\n\n".join(one for one in (rest, *wholes) if one)
    blocks = [] if rest or is_compact else _set_off(card, [*status, *title], listed)
    if 0 < len(blocks) <= _MOST_BLOCKS:
        return Asked([*top, *blocks, *drawn(marker)], everything)
    gap = [Stretch("\n")] if marker else []
    return Asked([*top, *drawn([*status, *kept, *gap, *marker])], everything)


def _set_off(card: Card, title: list[Stretch], listed: list[Stretch]) -> list[Block]:
    """A question that fits, with its short details in two columns."""
    blocks = drawn(title)
    for is_in_columns, groups in groupby(_grouped(card.details), lambda group: group[0]):
        fields = [field for _, group in groups for field in group]
        blocks += _in_columns(fields) if is_in_columns else drawn(joined([], fields, []))
    return [*blocks, *drawn(listed)]


def _grouped(details: Sequence[Field]) -> Iterator[tuple[bool, list[Field]]]:
    """Details that stand one after the other, and whether they go into columns: short ones beside each other."""
    for is_short, group in groupby(details, _is_short):
        fields = list(group)
        yield is_short and len(fields) > 1, fields


def _is_short(field: Field) -> bool:
    """Whether it fits into a column."""
    shown = draw_field(field).stretches[1:]
    is_line = isinstance(field.content, Link | None) and "\n" not in field.text and bool(field.text.strip())
    size = len(field.name) + sum(one.length for one in shown)
    return is_line and size <= _SHORT and column(field.name, shown) is not None


def _in_columns(fields: Sequence[Field]) -> list[Block]:
    """Details side by side, in their order."""
    shown = [column(field.name, draw_field(field).stretches[1:]) for field in fields]
    parts = [shown[at : at + _MOST_COLUMNS] for at in range(0, len(shown), _MOST_COLUMNS)]
    return [{"type": "section", "fields": part} for part in parts]


def _heading(card: Card) -> Block | None:
    """The title as a header, which has one line; None where that may become too long once it is decided: what did not
    fit was sent when nobody had voted, so where it begins must not depend on that.
    """
    if len(card.prompt) > _HEADING_LIMIT - _STATUS_ROOM or "\n" in card.prompt or not card.prompt.strip():
        return None
    return {"type": "header", "text": plain_text(f"{_status(card)}{card.prompt}", _HEADING_LIMIT)}


def _status(card: Card) -> str:
    """What became of it, in front of its title."""
    return f"{card.status} · " if card.status else ""


def joined(title: list[Stretch], details: Sequence[Field], listed: list[Stretch]) -> list[Stretch]:
    """A question as one text: its title, its details a line each, and its options."""
    text = list(title)
    for position, field in enumerate(details):
        gap = "\n" if position else "\n\n" if title else ""
        text += [Stretch(gap), *draw_field(field).stretches]
    return [*text, *([Stretch("\n\n")] if text and listed else []), *listed]


def list_options(card: Card) -> Iterator[Stretch]:
    """The options in the text: where a label could be cut, where one has a description, and how many there are."""
    if len(card.choices) > MOST_BUTTONS:
        yield Stretch(f"{len(card.choices)} options")
    shown = _SHOWN_LABEL if len(card.choices) <= MOST_BUTTONS else LABEL_LIMIT
    listed = any(len(choice.label) > shown or choice.description for choice in card.choices)
    for position, choice in enumerate(card.choices if listed else ()):
        gap = "\n\n" if len(card.choices) > MOST_BUTTONS else ""
        yield Stretch("\n" if position else gap)
        yield Stretch(f"{choice.index + 1}. {choice.label}", Style.BOLD)
        yield Stretch(f": {choice.description}" if choice.description else "")


def below(card: Card) -> list[Block]:
    """What stands below the question: what became of it, and one small grey line of context."""
    lines: list[Stretch] = []
    for line in card.said:
        lines += [*([Stretch("\n")] if lines else []), *_said(line)]
    inbox = [] if card.link is None else [[Stretch(IN_INBOX, link=card.link)]]
    return [*drawn(lines), *context([*(list(stretches(part)) for part in card.context), *inbox])]


def _said(words: Words) -> list[Stretch]:
    kept, rest = split(stretches(words), _SAID_LIMIT)
    return [*kept, Stretch("…")] if rest else kept


# What can be pressed.


def reading(card: Card, *, has_more: bool) -> list[Block]:
    """The step to all of an open card's request, which stands above the buttons that decide: where it `has_more` than
    the card shows, or has to be read first.
    """
    if not card.open or not (has_more or card.question.read_all):
        return []
    return [_actions([_button("📄 Full request", _carried(card, Action.READ))])]


def controls(card: Card) -> list[Block]:
    """The blocks by which an open card is answered; none of them when it is not."""
    if not card.open:
        return []
    match card.question.input_type:
        case "select":
            return _choices(card)
        case "confirm":
            return [_actions([_yes_or_no(card, 1, "primary", "✅ Yes"), _yes_or_no(card, 0, None, "❌ No")])]
        case "multiselect":
            return [_actions([_button("☑️ Choose", _carried(card, Action.OPEN))])]
        case _:
            return [_actions([_button("✍️ Answer", _carried(card, Action.OPEN))])]


def _longer(card: Card) -> list[Block]:
    """What approves beyond this one request, and what that covers."""
    if card.covers is None:
        return []
    return [*longer(card, "Approve for longer?"), *context([list(stretches(card.covers))])]


def longer(card: Card, title: str) -> list[Block]:
    """What approves beyond this one request; what that covers is shown again under this title before it is sent."""
    if not card.longer or card.covers is None:
        return []
    ways = [{"text": plain_text(one.label, LABEL_LIMIT), "value": str(one.index)} for one in card.longer]
    picker: dict[str, Any] = {
        "type": "static_select",
        "action_id": _carried(card, Action.GRANT).encode(),
        "placeholder": plain_text("Approve for longer", 150),
        "options": ways,
        "confirm": {
            "title": plain_text(title, 100),
            "text": plain_text(plain(card.covers), 300),
            "confirm": plain_text("Approve", 30),
            "deny": plain_text("Back", 30),
        },
    }
    return [_actions([picker])]


def for_users(blocks: list[Block], users: Sequence[str]) -> list[Block]:
    """The controls with buttons that show to some alone; to all where none are named."""
    for element in (one for block in blocks if users for one in block["elements"]):
        if element["type"] == "button":
            element["visible_to_user_ids"] = list(users)
    return blocks


def _choices(card: Card) -> list[Block]:
    if len(card.choices) <= MOST_BUTTONS:
        return [_actions([_choice_button(card, choice) for choice in card.choices])]
    picker: dict[str, Any] = {
        "action_id": _carried(card, Action.PICK).encode(),
        "placeholder": plain_text(f"Choose one of {len(card.choices)}", 150),
        "confirm": {
            "title": plain_text("Answer with this?", 100),
            "text": plain_text("What you picked becomes your answer.", 300),
            "confirm": plain_text("Answer", 30),
            "deny": plain_text("Back", 30),
        },
    }
    if len(card.choices) <= MOST_OPTIONS:
        return [_actions([{"type": "static_select", **picker, "options": options(card.choices)}])]
    return [_actions([{"type": "external_select", **picker, "min_query_length": 0}])]


def options(choices: Sequence[Choice]) -> list[dict[str, Any]]:
    """Options of a list; the value is the position."""
    return [
        {"text": plain_text(option_label(choice), LABEL_LIMIT), "value": str(choice.index)}
        for choice in choices
    ]


def option_label(choice: Choice) -> str:
    """The text of an option, with its number where it will be cut."""
    return numbered(choice.index, choice.label)


def numbered(index: int, label: str) -> str:
    """A label, with its number where it will be cut: two may have the same beginning."""
    return f"{index + 1}. {label}" if len(label) > LABEL_LIMIT else label


def find_choices(card: Card, typed: str) -> list[dict[str, Any]]:
    """The options with what was typed in their labels, as many as a list may have."""
    wanted = fold_text(typed)
    found = [choice for choice in card.choices if wanted in fold_text(choice.label)]
    return options(found[:MOST_OPTIONS])


def _choice_button(card: Card, choice: Choice) -> dict[str, Any]:
    """The button of an option, with its sign: colour is never the only one."""
    number = f"{choice.index + 1}. " if len(choice.label) > _SHOWN_LABEL else ""
    label = f"{choice.sign}{number}{choice.label}"
    return _button(label, _carried(card, Action.CHOOSE, choice.index), choice.style)


def _yes_or_no(card: Card, number: int, style: str | None, label: str) -> dict[str, Any]:
    return _button(label, _carried(card, Action.CONFIRM, number), style)


def _button(label: str, button: CardButton, style: str | None = None) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "type": "button",
        "text": plain_text(label, LABEL_LIMIT),
        "action_id": button.encode(),
    }
    return {**drawn, "style": style} if style else drawn


def _actions(elements: list[dict[str, Any]]) -> Block:
    return {"type": "actions", "elements": elements}


def _carried(card: Card, action: Action, number: int = 0) -> CardButton:
    return CardButton(action, card.id, card.revision, number, card.rendering)
