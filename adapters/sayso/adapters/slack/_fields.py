"""A form in a modal: an input for each field, and for each entry of a list, with buttons that add and remove entries.
What was typed comes back as a value, or as reasons by input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, cast

from sayso.adapters.cards import pieces
from sayso.adapters.console import (
    REMOVE_ENTRY,
    EmptyReply,
    Entered,
    Rejected,
    check_field,
    default_words,
    entry_of,
    field_help,
    has_entries,
    most_entries,
    most_words,
    read_field,
    read_form,
    visible,
    visible_line,
)
from sayso.adapters.slack._card import MOST_OPTIONS, numbered
from sayso.adapters.slack._data import COMMAND, EntryButton
from sayso.adapters.slack._text import TEXT_LIMIT, Block, plain_text, typed_text
from sayso.engine import ANYWHERE, FormField, Json, Locale, Question

VALUE: Final = "value"
"""The `action_id` of every input."""

YES: Final = "yes"
MOST_CHECKBOXES: Final = 10
_ADD_ENTRY = "Add another"
_MOST_BLOCKS = 100
"""Of a modal (docs.slack.dev/reference/views/modal-views)."""

BlockIds = Callable[[int], str]
"""The `block_id` of a field's input, by its position; those of a list's entries begin with it."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A modal as it is being filled in: the ids of its inputs, their `state.values`, and the button that changes how
    many entries a list has.
    """

    inputs: frozenset[str]
    values: Mapping[str, Any]
    button: EntryButton


def input_block(block_id: str, label: str, element: Block, hint: str = "", *, required: bool = True) -> Block:
    """An input."""
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, 2000),
        "element": {**element, "action_id": element.get("action_id", VALUE)},
    }
    block |= {} if required else {"optional": True}
    return {**block, "hint": plain_text(hint, 2000)} if hint else block


def option(label: str, value: str) -> dict[str, Any]:
    """One of the options of an input."""
    return {"text": plain_text(label or "(empty)", 75), "value": value}


# What is asked.


def form_inputs(
    fields: Sequence[FormField],
    block_id: BlockIds,
    around: Sequence[Block],
    locale: Locale = ANYWHERE,
    filled: Filled | None = None,
) -> list[Block]:
    """The inputs of a form, beside the blocks around them; where it is `filled` in, with one entry more or fewer, and
    with what was typed so far. Where a modal has no room for entries, a list is typed into one input.
    """
    room = _MOST_BLOCKS - len(around)
    counts = _counts(fields, block_id, filled)
    if filled is None and len(fields) + sum(counts.values()) > room:
        counts = {}
    room -= len(fields) + sum(counts.values())
    blocks: list[Block] = []
    for position, field in enumerate(fields):
        if position in counts:
            blocks += _entries(field, block_id(position), position, (counts[position], room), locale)
        else:
            blocks.append(_form_input(block_id(position), field, locale))
    return blocks if filled is None else [_kept(block, filled) for block in blocks]


def _counts(fields: Sequence[FormField], block_id: BlockIds, filled: Filled | None) -> dict[int, int]:
    """How many entries each list shows: at least one, those of its default, or as many as there are in what is filled
    in.
    """
    counts: dict[int, int] = {}
    for position, field in enumerate(fields):
        if not has_entries(field):
            continue
        default = field.default if field.within is None and isinstance(field.default, list) else []
        counts[position] = max(1, len(default))
        if filled is not None:
            drawn = sum(_entry_id(block_id(position), at) in filled.inputs for at in range(_MOST_BLOCKS))
            change = 0
            if filled.button.position == position:
                change = 1 if filled.button.adds else -1
            counts[position] = max(1, drawn + change)
    return counts


def _entry_id(block_id: str, at: int) -> str:
    return f"{block_id}.{at}"


def _entries(
    field: FormField, block_id: str, position: int, count_and_room: tuple[int, int], locale: Locale
) -> list[Block]:
    count, room = count_and_room
    most = most_entries(field)
    is_full = most is not None and count >= most
    limit = ""
    if is_full:
        limit = f"{most_words(count)}."
    elif room < 1:
        limit = f"No more entries fit here. For a longer list, use the inbox: {COMMAND} inbox"
    blocks: list[Block] = []
    for at in range(count):
        entry = entry_of(field, at)
        hints = (field_help(field, locale) if at == 0 else "", limit if at == count - 1 else "")
        blocks.append(
            input_block(
                _entry_id(block_id, at),
                visible_line(entry.title),
                _form_element(entry),
                visible(" ".join(one for one in hints if one)),
                required=field.required and at == 0,
            )
        )
    buttons = [] if limit else [_entry_button(field, _ADD_ENTRY, EntryButton(position, adds=True))]
    buttons += [_entry_button(field, REMOVE_ENTRY, EntryButton(position, adds=False))] if count > 1 else []
    more = {"type": "actions", "block_id": f"{block_id}.more", "elements": buttons}
    return [*blocks, more] if buttons else blocks


def _entry_button(field: FormField, label: str, button: EntryButton) -> Block:
    return {
        "type": "button",
        "action_id": button.encode(),
        "text": plain_text(label, 75),
        "accessibility_label": plain_text(f"{label}: {visible_line(field.title)}", 75)["text"],
    }


def _kept(block: Block, filled: Filled) -> Block:
    """An input with what was typed so far. Slack keeps that itself where the ids stay the same, whatever the input has
    at first (docs.slack.dev/reference/methods/views.update); an entry that is new is empty.
    """
    block_id = block.get("block_id", "")
    state = next(iter(filled.values.get(block_id, {}).values()), None)
    if block["type"] != "input" or (state is None and block_id in filled.inputs):
        return block
    element = {name: one for name, one in block["element"].items() if not name.startswith("initial_")}
    return {**block, "element": {**element, **_initial_state(element, state or {})}}


def _initial_state(element: Block, state: Mapping[str, Any]) -> Block:
    picked = state.get("selected_options") or [state.get("selected_option")]
    values = {str(one["value"]) for one in picked if one is not None}
    chosen = [one for one in element.get("options", ()) if one["value"] in values]
    if chosen:
        return {"initial_options": chosen} if "selected_options" in state else {"initial_option": chosen[0]}
    if state.get("selected_date"):
        return {"initial_date": state["selected_date"]}
    if state.get("selected_date_time"):
        return {"initial_date_time": state["selected_date_time"]}
    return _initial_text(typed_text(state.get("value") or ""))


def _form_input(block_id: str, field: FormField, locale: Locale) -> Block:
    element = _form_element(field)
    label = visible_line(field.title) or field.name
    return input_block(block_id, label, element, visible(_hint(field, locale)), required=field.required)


def _hint(field: FormField, locale: Locale) -> str:
    is_typed = field.item is not None and not _picks(field.item)
    return " ".join(
        part
        for part in (field_help(field, locale), "One per line, or with commas." if is_typed else "")
        if part
    )


def _picks(field: FormField) -> bool:
    """Whether its choices are picked from a list; more are typed."""
    return field.kind != "boolean" and 0 < len(field.choices) <= MOST_OPTIONS


def _choices_of(field: FormField) -> list[Block]:
    return [option(numbered(at, visible_line(str(one))), str(at)) for at, one in enumerate(field.choices)]


def _form_element(field: FormField) -> Block:
    """What a field is filled in with, as it stands by default; an object that may be left out stands empty."""
    default = None if field.within is not None else field.default
    if field.kind == "boolean":
        given = [option("Yes", YES), option("No", "no")]
        return {
            "type": "radio_buttons",
            "options": given,
            **_initial(given, None if default is None else int(not default)),
        }
    if _picks(field):
        given = _choices_of(field)
        at = field.choices.index(default) if default in field.choices else None
        shown = {"type": "static_select", "placeholder": plain_text("Choose one", 150), "options": given}
        return {**shown, **_initial(given, at)}
    if field.item is not None:
        return _list_element(field.item, default)
    if field.kind in ("integer", "number"):
        element: Block = {"type": "number_input", "is_decimal_allowed": field.kind == "number"}
    elif field.is_date:
        return {"type": "datepicker", **({} if default is None else {"initial_date": default})}
    elif field.is_instant:
        return {"type": "datetimepicker", **_initial_instant(default)}
    else:
        element = {"type": "plain_text_input"}
    return {**element, **_initial_text(default_words(field) if default is not None else "")}


def _list_element(item: FormField, default: Json) -> Block:
    chosen = cast("list[Json]", default or [])
    if not _picks(item):
        return {"type": "plain_text_input", "multiline": True, **_initial_text("\n".join(map(str, chosen)))}
    given = _choices_of(item)
    kind = "checkboxes" if len(given) <= MOST_CHECKBOXES else "multi_static_select"
    initial = [given[item.choices.index(one)] for one in chosen if one in item.choices]
    return {"type": kind, "options": given, **({"initial_options": initial} if initial else {})}


def _initial(given: list[Block], at: int | None) -> Block:
    return {} if at is None else {"initial_option": given[at]}


def _initial_text(text: str) -> Block:
    return {"initial_value": text} if text else {}


def _initial_instant(default: Json) -> Block:
    """A time as Slack writes it, in seconds; one that names no offset is in UTC."""
    try:
        at = datetime.fromisoformat(str(default))
    except ValueError:
        return {}
    return {"initial_date_time": int((at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp())}


# What was typed.


def read_fields(
    question: Question,
    fields: Sequence[FormField],
    values: Mapping[str, Any],
    block_id: BlockIds,
    locale: Locale = ANYWHERE,
) -> Entered | Rejected:
    """The form in a view's `state.values`, whose inputs have these ids by the position of their fields."""
    wrong_entries: dict[int, str] = {}

    def read(position: int, field: FormField) -> Json:
        given = _given_entries(values, block_id(position))
        if not given:
            return _read_one(field, given_in(values, block_id(position)), locale)
        entries: list[Json] = []
        for at, one in given.items():
            wrong_entries[position] = _entry_id(block_id(position), at)
            entries.append(_read_one(entry_of(field, at), one, locale))
        del wrong_entries[position]
        return check_field(field, entries)

    form, wrong = read_form(question, fields, read)
    if not wrong:
        return Entered(form)
    errors: dict[str, str] = {}
    for position, why in wrong.items():
        first = first_input(values, block_id(position))
        errors[wrong_entries.get(position, first)] = next(pieces(why, TEXT_LIMIT))
    return Rejected(errors)


def first_input(values: Mapping[str, Any], block_id: str) -> str:
    """The input of a field among those that were sent, or that of the first entry of a list."""
    entries = (one for at in range(_MOST_BLOCKS) if (one := _entry_id(block_id, at)) in values)
    return block_id if block_id in values else next(entries, block_id)


def _given_entries(values: Mapping[str, Any], block_id: str) -> dict[int, Any]:
    """What the entries of a list hold that are not empty, by their positions."""
    given = {at: given_in(values, _entry_id(block_id, at)) for at in range(_MOST_BLOCKS)}
    return {at: one for at, one in given.items() if one is not None and str(one).strip()}


def _read_one(field: FormField, given: Any, locale: Locale) -> Json:
    if isinstance(given, list):  # of the options of a list
        item = field.item
        picked = cast("list[str]", given)
        if item is None or not picked:
            raise EmptyReply
        return check_field(field, [item.choices[int(one)] for one in picked])
    text = "" if given is None else str(given)
    if _picks(field) and text:
        return field.choices[int(text)]
    return read_field(field, text, typed_locale(locale))


def typed_locale(locale: Locale) -> Locale:
    """How a modal was filled in: Slack's own inputs for numbers have a point before decimals in every country."""
    return locale if locale.decimal == "." else replace(locale, decimal="")


def given_in(values: Mapping[str, Any], block_id: str) -> Any:
    """What one input holds: a text, or a list of options' values; None where it is empty."""
    for found in cast("Mapping[str, Mapping[str, Any]]", values.get(block_id, {})).values():
        if "selected_options" in found:
            picked = cast("list[Mapping[str, Any]]", found["selected_options"] or [])
            return [str(one["value"]) for one in picked]
        if found.get("selected_option") is not None:
            return str(found["selected_option"]["value"])
        if found.get("selected_date_time") is not None:
            return datetime.fromtimestamp(int(found["selected_date_time"]), UTC).isoformat()
        typed = found.get("selected_date") or found.get("value")
        return None if typed is None else typed_text(typed)
    return None
