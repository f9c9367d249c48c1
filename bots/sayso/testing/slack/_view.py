"""What a person sees in Slack: plain values, as things looked when they were looked at."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sayso.testing.slack._kept import unescaped
from sayso.testing.slack._state import BOT_USER, Message, SlackState, ViewState
from sayso.testing.slack._text import Rendered, SeenEntity, render_blocks, render_markup

SELECTS = ("static_select", "external_select")


@dataclass(frozen=True, slots=True)
class SeenButton:
    """One button. `style` is "primary", "danger" or None."""

    label: str
    style: str | None


@dataclass(frozen=True, slots=True)
class SeenSelect:
    """A picker: its options, unless they are searched for."""

    placeholder: str
    options: tuple[str, ...]
    is_searched: bool


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file below a message."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """A message. `notified` are those for whom it rang as it was posted, by their ids; `version` counts edits from 1.
    Text, buttons and pickers are those of the blocks and, below them, of the attachments' blocks; `markup` is the text
    as Slack keeps it.
    """

    channel: str
    ts: str
    sender: str
    text: str
    notification: str
    entities: tuple[SeenEntity, ...]
    keyboard: tuple[tuple[SeenButton, ...], ...]
    selects: tuple[SeenSelect, ...]
    notified: tuple[str, ...]
    links: tuple[str, ...]
    date: datetime
    version: int
    thread_ts: str | None
    is_ephemeral: bool
    files: tuple[SeenFile, ...]
    blocks: tuple[dict[str, Any], ...] = field(repr=False, compare=False)
    attachments: tuple[dict[str, Any], ...] = field(default=(), repr=False, compare=False)
    markup: str = field(default="", repr=False, compare=False)

    @property
    def labels(self) -> list[list[str]]:
        """The labels of the buttons, row by row."""
        return [[button.label for button in row] for row in self.keyboard]


@dataclass(frozen=True, slots=True)
class SeenInput:
    """An input of a modal: what it takes, and why what was sent was not taken."""

    label: str
    kind: str
    options: tuple[str, ...]
    is_optional: bool
    hint: str
    error: str | None


@dataclass(frozen=True, slots=True)
class SeenView:
    """A modal or a home."""

    title: str
    text: str
    inputs: tuple[SeenInput, ...]
    submit: str | None
    keyboard: tuple[tuple[SeenButton, ...], ...]
    selects: tuple[SeenSelect, ...]
    close: str | None = None
    blocks: tuple[dict[str, Any], ...] = field(default=(), repr=False, compare=False)

    @property
    def labels(self) -> list[list[str]]:
        """The labels of the buttons, row by row."""
        return [[button.label for button in row] for row in self.keyboard]

    @property
    def errors(self) -> dict[str, str]:
        """Why inputs were not taken, by label."""
        return {one.label: one.error for one in self.inputs if one.error is not None}


@dataclass(frozen=True, slots=True)
class PressResult:
    """The result of an action. Without an acknowledgement the person sees that it failed."""

    is_acknowledged: bool
    took: timedelta
    words: tuple[str, ...] = field(default=())


def seen_message(state: SlackState, channel: str, message: Message, now: datetime) -> SeenMessage:
    """A message as it is read now."""
    blocks = [block for _, block in blocks_of(message.blocks, message.attachments)]
    rendered = render_blocks(blocks, now, names_in(state))
    notification = render_markup(message.text, rendered)
    text = rendered.text if message.blocks else "\n".join(filter(None, [notification, rendered.text]))
    person = state.people.get(message.user)
    return SeenMessage(
        channel=channel,
        ts=message.ts,
        sender="sayso" if message.user == BOT_USER else person.name if person else message.user,
        text=text,
        notification=notification,
        entities=tuple(rendered.entities),
        keyboard=_keyboard(blocks),
        selects=_selects(blocks),
        notified=tuple(message.notified),
        links=tuple(rendered.links),
        date=message.date,
        version=message.version,
        thread_ts=message.thread_ts,
        is_ephemeral=message.only_for is not None,
        files=tuple(SeenFile(one.name, one.content) for one in message.files),
        blocks=tuple(deepcopy(message.blocks)),
        attachments=tuple(deepcopy(message.attachments)),
        markup=message.text,
    )


def seen_view(state: SlackState, view: ViewState, now: datetime) -> SeenView:
    """A modal or a home as it is read now."""
    body = view.body
    rendered: Rendered = render_blocks(body["blocks"], now, names_in(state))
    return SeenView(
        title=unescaped(body.get("title", {}).get("text", "")),
        text=rendered.text,
        inputs=tuple(_input(block, view.errors) for block in body["blocks"] if block["type"] == "input"),
        submit=body.get("submit", {}).get("text"),
        keyboard=_keyboard(body["blocks"]),
        selects=_selects(body["blocks"]),
        close=body.get("close", {}).get("text"),
        blocks=tuple(deepcopy(body["blocks"])),
    )


def names_in(state: SlackState) -> dict[str, str]:
    """What mentions show, by ids."""
    people = {one.id: one.name for one in state.people.values()}
    return people | {one.id: one.name for one in state.user_groups.values()}


def blocks_of(
    blocks: Iterable[dict[str, Any]], attachments: Iterable[dict[str, Any]]
) -> Iterable[tuple[int | None, dict[str, Any]]]:
    """Every block of a message, those of attachments with the attachment's number."""
    for block in blocks:
        yield None, block
    for attachment in attachments:
        for block in attachment.get("blocks", ()):
            yield attachment["id"], block


def label_of(element: dict[str, Any]) -> str:
    """What stands on a button or an option."""
    return unescaped(element["text"]["text"])


def elements(blocks: Iterable[dict[str, Any]]) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    """Every interactive element of blocks that are no inputs, with its block."""
    for block in blocks:
        if block["type"] == "actions":
            for element in block["elements"]:
                yield block, element
        elif block["type"] == "section" and "accessory" in block:
            yield block, block["accessory"]


def _keyboard(blocks: Iterable[dict[str, Any]]) -> tuple[tuple[SeenButton, ...], ...]:
    rows: dict[str, list[SeenButton]] = {}
    for block, element in elements(blocks):
        if element["type"] == "button":
            row = rows.setdefault(str(block["block_id"]), [])
            row.append(SeenButton(label_of(element), element.get("style")))
    return tuple(tuple(row) for row in rows.values())


def _selects(blocks: Iterable[dict[str, Any]]) -> tuple[SeenSelect, ...]:
    return tuple(
        SeenSelect(
            unescaped(element.get("placeholder", {}).get("text", "")),
            tuple(label_of(one) for one in element.get("options", [])),
            element["type"] == "external_select",
        )
        for _, element in elements(blocks)
        if element["type"] in SELECTS
    )


def _input(block: dict[str, Any], errors: dict[str, str]) -> SeenInput:
    element = block["element"]
    return SeenInput(
        label=unescaped(block["label"]["text"]),
        kind=element["type"],
        options=tuple(label_of(one) for one in element.get("options", [])),
        is_optional=bool(block.get("optional")),
        hint=unescaped(block.get("hint", {}).get("text", "")),
        error=errors.get(block["block_id"]),
    )
