"""A card as a Slack message: blocks, the text of its notification, and what did not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sayso.adapters.cards import Card, Choice, Field, Words, pieces
from sayso.adapters.console import set_off
from sayso.adapters.slack._content import draw_field
from sayso.adapters.slack._data import Action, CardButton
from sayso.adapters.slack._text import (
    TEXT_LIMIT,
    Block,
    Mention,
    Stretch,
    Style,
    fallback,
    plain,
    plain_text,
    rich_text,
    split,
    stretches,
)
from sayso.engine import fold_text

ROW = 5
"""Up to so many buttons stand in one row, which is what a wide window shows in one."""

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
_CONTINUES = "\n(continues in the thread)"


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
    asked, rest = question(card, _CONTINUES)
    blocks = [asked, rich_text(below(card)), *_for_users(controls(card), users)]
    text, shown = fallback(f"{_status(card)}{set_off(card.prompt)}"), [one for one in blocks if one]
    stamp = {"event_type": "sayso_card", "event_payload": {"request": card.id, "revision": card.revision}}
    return SlackMessage(text, shown, rest, stamp)


def render_words(lines: Sequence[Words]) -> SlackMessage:
    """A plain message of these lines."""
    content: list[Stretch] = []
    for position, line in enumerate(lines):
        content += [Stretch("\n")] if position else []
        content += stretches(line)
    kept, rest = split(content, TEXT_LIMIT)
    shown = rich_text(kept)
    return SlackMessage(fallback(" ".join(plain(line) for line in lines)), [shown] if shown else [], rest)


def render_mentions(message: SlackMessage, mentions: Sequence[Mention]) -> SlackMessage:
    """The message with those whom it concerns mentioned below, which notifies them."""
    if not mentions:
        return message
    elements = [element for one in mentions for element in (one.element, {"type": "text", "text": " "})]
    section = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}
    named = " ".join(one.text for one in mentions)
    return replace(message, text=f"{message.text} {named}", blocks=[*message.blocks, section])


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
    shown = rich_text([*kept, *below_it])
    return SlackMessage(fallback(f"{words} {set_off(card.prompt)}"), [shown] if shown else [])


def question(card: Card, continues: str) -> tuple[Block | None, str]:
    """What is asked, whole or with the words that say where it continues, and what did not fit."""
    kept, rest = split(_body(card), TEXT_LIMIT)
    wholes = [one.whole for one in map(draw_field, card.details) if one.whole]
    marker = [Stretch(continues, Style.ITALIC)] if rest or wholes else []
    above = [part for line in card.notices for part in (*stretches(line, Style.ITALIC), Stretch("\n"))]
    rest = "\n\n".join(one for one in (rest, *wholes) if one)
    return rich_text([*above, Stretch(_status(card), Style.BOLD), *kept, *marker]), rest


def _status(card: Card) -> str:
    """What became of it, in front of its title."""
    return f"{card.status} · " if card.status else ""


def _body(card: Card) -> Iterator[Stretch]:
    yield Stretch(set_off(card.prompt), Style.BOLD)
    yield from _details(card.details)
    yield from _options(card)


def _details(details: Sequence[Field]) -> Iterator[Stretch]:
    for position, field in enumerate(details):
        yield Stretch("\n\n" if position == 0 else "\n")
        yield from draw_field(field).stretches


def _options(card: Card) -> Iterator[Stretch]:
    """The options in the text: where a label could be cut, where one has a description, and how many there are."""
    if len(card.choices) > MOST_BUTTONS:
        yield Stretch(f"\n\n{len(card.choices)} options")
    shown = _SHOWN_LABEL if len(card.choices) <= MOST_BUTTONS else LABEL_LIMIT
    listed = any(len(choice.label) > shown or choice.description for choice in card.choices)
    for position, choice in enumerate(card.choices if listed else ()):
        yield Stretch("\n\n" if position == 0 else "\n")
        yield Stretch(f"{choice.index + 1}. {choice.label}", Style.BOLD)
        yield Stretch(f": {choice.description}" if choice.description else "")


def below(card: Card) -> list[Stretch]:
    """What stands below the question: what became of it, and one line of context."""
    lines: list[Stretch] = []
    for line in card.said:
        lines += [*_said(line), Stretch("\n")]
    *parts, name = card.context
    for part in parts:
        lines += [*stretches(part, Style.ITALIC), Stretch(" · ", Style.ITALIC)]
    return [*lines, Stretch(plain(name), Style.ITALIC, card.link)]


def _said(words: Words) -> list[Stretch]:
    kept, rest = split(stretches(words), _SAID_LIMIT)
    return [*kept, Stretch("…")] if rest else kept


# What can be pressed.


def controls(card: Card) -> list[Block]:
    """The blocks by which an open card is answered; none of them when it is not."""
    if not card.open:
        return []
    match card.question.input_type:
        case "select":
            return _choices(card)
        case "confirm":
            return [
                _actions([_yes_or_no(card, 1, "primary", "✅ Yes"), _yes_or_no(card, 0, "danger", "❌ No")])
            ]
        case "multiselect":
            return [_actions([_button("☑️ Choose", _carried(card, Action.OPEN))])]
        case _:
            return [_actions([_button("✍️ Answer", _carried(card, Action.OPEN))])]


def _for_users(blocks: list[Block], users: Sequence[str]) -> list[Block]:
    """The controls with buttons that show to some alone."""
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


def _yes_or_no(card: Card, number: int, style: str, label: str) -> dict[str, Any]:
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
