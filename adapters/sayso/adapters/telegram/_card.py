"""A card as a Telegram message: text, keyboard, and what did not fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from sayso.adapters.cards import Card, Choice, Field, Words, cut, pieces, utf16_length
from sayso.adapters.console import set_off
from sayso.adapters.telegram._content import draw_field, whole_field
from sayso.adapters.telegram._data import Action, CardButton
from sayso.adapters.telegram._text import (
    MESSAGE_LIMIT,
    Stretch,
    Style,
    active,
    as_html,
    in_zone,
    inert,
    length,
    plain,
    split,
    worded,
)
from sayso.engine import Diff, Table

MOST_BUTTONS = 25
"""More options than these are shown page by page."""

PAGE = 8
LABEL_LIMIT = 40
"""Longer labels do not fit a phone's width; they are cut there and stand whole in the text."""

MOST_MESSAGES = 3
"""A rest that needs more messages than these goes as a document."""

_QUESTION_ROOM = 2000
"""Of a question, so much stands in its card whatever else the card says: the rest below it begins there, and stays."""

_ROW_WIDTH = 40
_SAID_LIMIT = 1000
_STYLES = {"primary": "success", "danger": "danger"}
_CONTINUES = "\n(continues below)"

Keyboard = list[list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class TelegramMessage:
    """A message: `text` is HTML, `keyboard` rows of inline buttons (empty: none). `rest` is what did not fit, whole and
    plain, to be sent below by `rest_messages` or as a document. One that `is_silent` is sent without a sound.
    """

    text: str
    keyboard: Keyboard
    rest: str = ""
    is_silent: bool = False


def rest_file(rest: str) -> bytes:
    """The rest as a file, in which names and commands need not be kept from acting."""
    return active(rest).encode()


def rest_messages(rest: str) -> tuple[str, ...] | None:
    """The rest as plain texts of messages; None when it is to go as a document."""
    texts = tuple(pieces(inert(rest), MESSAGE_LIMIT, utf16_length))
    return texts if len(texts) <= MOST_MESSAGES else None


def render_card(card: Card, zone: tzinfo, now: datetime, page: int = 0) -> TelegramMessage:
    """The card at one instant; `page` is that of its options where they have several."""
    above = [part for line in card.notices for part in _said((*line, "\n"), zone, now, Style.ITALIC)]
    around = MESSAGE_LIMIT - _QUESTION_ROOM - utf16_length(_CONTINUES)
    above += [Stretch(f"{card.status} · ", Style.BOLD)] if card.status else []
    below = fitted(_below(card, zone, now), around - length(above))
    kept, rest = split(_body(card), _QUESTION_ROOM)
    marker = [Stretch(_CONTINUES, Style.ITALIC)] if rest else []
    rest = "\n\n".join(one for one in (rest, *_wholes(card)) if one)
    keyboard = _keyboard(card, page, has_more=bool(rest))
    return TelegramMessage(as_html([*above, *kept, *marker, *below]), keyboard, rest, not card.rings)


def fitted(stretches: list[Stretch], room: int) -> list[Stretch]:
    """As much of some text as there is room for."""
    if length(stretches) <= room:
        return stretches
    return [*split(stretches, room - 1)[0], Stretch("…")]


def question(card: Card, room: int) -> list[Stretch]:
    """The prompt and the details apart from the card, as much as there is room for."""
    details = draw_details(card.details, follows=False)
    kept, _ = split([Stretch(set_off(inert(card.prompt)), Style.BOLD), *details], room)
    return kept


def folded_details(card: Card, room: int) -> list[Stretch]:
    """The details in a quotation that opens at a tap, as much as there is room for."""
    kept, _ = split(list(draw_details(card.details, follows=False))[1:], room)
    return [replace(one, style=one.style & ~Style.QUOTE | Style.EXPANDABLE) for one in kept]


def render_locked(
    card: Card, zone: tzinfo, now: datetime, words: str, link: str | None = None
) -> TelegramMessage:
    """A message that is not the card's, or not any more: locked, with the state at that instant, what it is, and `link`
    to the card itself.
    """
    below = [Stretch(f"\n{words}", Style.ITALIC)]
    if link is not None:
        below += [Stretch(" "), Stretch("Go to the card", Style.ITALIC, link)]
    below += [part for line in card.said[:1] for part in _said(("\n", *line), zone, now)]
    kept, _ = split([Stretch(set_off(inert(card.prompt)), Style.BOLD)], MESSAGE_LIMIT - length(below) - 1)
    return TelegramMessage(as_html([*kept, *below]), [])


def draw_details(details: Sequence[Field], *, follows: bool = True) -> Iterator[Stretch]:
    """Details below a title, a line or more each; what they leave out `follows` below, or does not."""
    for position, field in enumerate(details):
        yield Stretch("\n\n" if position == 0 else "\n")
        yield from draw_field(field, follows=follows).stretches


def _wholes(card: Card) -> list[str]:
    """What the card shows the beginning of, whole."""
    return [drawn.whole for drawn in map(draw_field, card.details)]


@dataclass(frozen=True, slots=True)
class Opened:
    """What the button above the answers opens: `Full request`, or `Full diff` where the card shows everything else."""

    name: str
    text: str
    is_request: bool


def what_opens(card: Card) -> Opened:
    """All of a request as plain text (the prompt, the details and the options), or the one detail of which the card
    shows only the beginning, unless all has to be read.
    """
    labels = plain(_full_labels(card)).lstrip("\n")
    begun = [field for field in card.details if draw_field(field).whole]
    if len(begun) == 1 and not card.question.read_all and length(_body(card)) <= _QUESTION_ROOM:
        return Opened(_full_name(begun[0]), whole_field(begun[0]), is_request=False)
    parts = [set_off(inert(card.prompt)), *map(whole_field, card.details), labels]
    return Opened("Full request", "\n\n".join(parts).rstrip("\n"), is_request=True)


def _full_name(field: Field) -> str:
    match field.content:
        case Diff():
            return "Full diff"
        case Table():
            return "Full table"
        case _:
            return "Full code"


def _body(card: Card) -> list[Stretch]:
    return [
        Stretch(set_off(inert(card.prompt)), Style.BOLD),
        *draw_details(card.details),
        *_full_labels(card),
    ]


def _full_labels(card: Card) -> Iterator[Stretch]:
    """The options in the text: where a label was cut, where one has a description, and how many there are."""
    if len(card.choices) > MOST_BUTTONS:
        yield Stretch(f"\n\n{len(card.choices)} options")
    listed = any(_is_cut(choice) or choice.description for choice in card.choices)
    for position, choice in enumerate(card.choices if listed else ()):
        yield Stretch("\n\n" if position == 0 else "\n")
        yield Stretch(f"{choice.index + 1}. {inert(choice.label)}", Style.BOLD)
        yield Stretch(f": {inert(choice.description)}" if choice.description else "")


def _below(card: Card, zone: tzinfo, now: datetime) -> list[Stretch]:
    """What stands below the question: what became of it, and one line of context."""
    said = [part for line in card.said for part in _said(("\n", *line), zone, now)]
    *parts, name = card.context
    line = [one for part in parts for one in (*part, " · ")]
    context = worded(tuple(line), zone, now, Style.ITALIC)
    covers = [] if card.covers is None else _said(("\n", *card.covers), zone, now, Style.ITALIC)
    return [
        Stretch("\n"),
        *said,
        *covers,
        Stretch("\n"),
        *context,
        Stretch(inert(in_zone(name, zone, now)), Style.ITALIC, card.link),
    ]


def _said(words: Words, zone: tzinfo, now: datetime, style: Style = Style.PLAIN) -> list[Stretch]:
    return fitted(list(worded(words, zone, now, style)), _SAID_LIMIT)


def _keyboard(card: Card, page: int, *, has_more: bool) -> Keyboard:
    """The way to the rest stands above the buttons that decide: where there is more, or all has to be read first."""
    if not card.open:
        return []
    has_way = has_more or card.question.read_all
    opens = [[_button(f"📄 {what_opens(card).name}", _carried(card, Action.OPEN))]] if has_way else []
    return [*opens, *answers(card, page), *longer(card)]


def longer(card: Card) -> Keyboard:
    """The rows of buttons that approve beyond this one request."""
    return [[_button(one.label, _carried(card, Action.GRANT, one.index))] for one in card.longer]


def answers(card: Card, page: int) -> Keyboard:
    """The rows of buttons by which an open card is answered."""
    match card.question.input_type:
        case "select":
            return _choices(card, page)
        case "confirm":
            return [[_yes_or_no(card, 1, "✅", "Yes"), _yes_or_no(card, 0, "❌", "No")]]
        case "multiselect":
            return [[_button("☑️ Choose", _carried(card, Action.TYPE))]]
        case _:
            return [[_button("✍️ Answer", _carried(card, Action.TYPE))]]


def _yes_or_no(card: Card, number: int, sign: str, word: str) -> dict[str, Any]:
    if card.chosen is bool(number):
        return _chosen(word)
    button = _carried(card, Action.CONFIRM, number)
    return _button(f"{sign} {word}", button, "primary" if number else None)


def _choices(card: Card, page: int) -> Keyboard:
    if len(card.choices) <= MOST_BUTTONS:
        return in_rows([choice_button(card, choice) for choice in card.choices])
    pages = -(-len(card.choices) // PAGE)
    shown = page % pages
    rows = [[choice_button(card, one)] for one in card.choices[shown * PAGE : (shown + 1) * PAGE]]
    turn = [
        _button("◀", _carried(card, Action.PAGE, (shown - 1) % pages)),
        _button(f"{shown + 1}/{pages}", _carried(card, Action.PAGE, shown)),
        _button("▶", _carried(card, Action.PAGE, (shown + 1) % pages)),
    ]
    return [*rows, turn, [_button("🔎 Find by name", _carried(card, Action.FILTER))]]


def choice_button(card: Card, choice: Choice) -> dict[str, Any]:
    """The button of an option, with its sign: colour is never the only one."""
    shown = numbered(choice.index, choice.label)
    if card.chosen == choice.value:
        return _chosen(shown)
    return _button(f"{choice.sign}{shown}", _carried(card, Action.CHOOSE, choice.index), choice.style)


def numbered(index: int, label: str) -> str:
    """As much of a label as a button has room for, with its number where it is cut: two may have the same beginning."""
    number = f"{index + 1}. " if utf16_length(label) > LABEL_LIMIT else ""
    return f"{number}{cut(label, LABEL_LIMIT, utf16_length)}"


def in_rows(buttons: Iterable[dict[str, Any]]) -> Keyboard:
    """Buttons in rows that a phone can show: several in one only if their labels are short."""
    rows: Keyboard = []
    width = _ROW_WIDTH + 1
    for button in buttons:
        size = max(6, utf16_length(str(button["text"])) + 3)
        if width + size > _ROW_WIDTH or len(rows[-1]) == PAGE:
            rows.append([])
            width = 0
        rows[-1].append(button)
        width += size
    return rows


def _is_cut(choice: Choice) -> bool:
    return utf16_length(choice.label) > LABEL_LIMIT


def _chosen(label: str) -> dict[str, Any]:
    """The choice that its one reader has made: it shows, and does nothing (core.telegram.org/bots/api, 10.3)."""
    return {"text": f"✓ {label}", "disabled": {}}


def _button(label: str, button: CardButton, style: str | None = None) -> dict[str, Any]:
    drawn: dict[str, Any] = {"text": label, "callback_data": button.encode()}
    return {**drawn, "style": _STYLES[style]} if style in _STYLES else drawn


def _carried(card: Card, action: Action, number: int = 0) -> CardButton:
    return CardButton(action, card.id, card.revision, number, card.rendering)
