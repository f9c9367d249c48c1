"""What somebody types at the terminal for a question, or for what a workflow is started with."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, cast

from sayso.adapters.cards import why_words
from sayso.adapters.console import (
    REQUIRED,
    EmptyReply,
    check_field,
    default_words,
    entry_of,
    field_hint,
    form_fields,
    has_entries,
    most_entries,
    put_together,
    read_field,
    read_reply,
    reply_hint,
    visible_line,
)
from sayso.bots.cli._output import Output
from sayso.bots.cli._terminal import LineTooLong, Terminal
from sayso.engine import FormField, InvalidAnswer, Json, Locale, Question, RequestRecord


class QuestionClosed(Exception):
    """The question was closed while its answer was being typed."""


class _LeftOut(Exception):
    """An optional field was left empty."""


def own_locale() -> Locale:
    """How whoever sits at this terminal reads and writes, as the environment and the machine's zone tell."""
    tag = os.environ.get("LC_ALL") or os.environ.get("LC_NUMERIC") or os.environ.get("LANG")
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None
    return Locale.of(tag, zone)


async def read_inputs(
    name: str, schema: dict[str, Json], terminal: Terminal, output: Output
) -> dict[str, Any]:
    """What a workflow with inputs is started with. Raises `EndOfInput`."""
    output.say(f"{visible_line(name)} starts with:", "bold")
    return cast(
        "dict[str, Any]", await read_value(Question(None, None, "form", schema, None), terminal, output)
    )


async def read_value(question: Question, terminal: Terminal, output: Output) -> Json:
    """An answer that fits; every refusal says why. Raises `EndOfInput`, `QuestionClosed`."""
    fields = form_fields(question)
    if fields is None:
        return await _read(
            terminal, output, reply_hint(question), partial(read_reply, question, locale=own_locale())
        )
    output.say("Fill in one field at a time; press Enter to skip an optional field.", "dim")
    while True:
        form, wrong = put_together(question, fields, await _read_fields(fields, terminal, output))
        if not wrong:
            return form
        for position, why in wrong.items():
            _refuse(output, f"{fields[position].title}: {why}." if why == REQUIRED else why)


async def read_reason(record: RequestRecord, value: Json, terminal: Terminal, output: Output) -> str | None:
    """Why somebody chose this: a suggested reason by its number, or their own words; None where nothing is asked, and
    where they need not say. Raises as `read_value` does.
    """
    reasons = record.reasons_for(value)
    if reasons is None:
        return None
    output.say(why_words(record.question, value), "bold")
    for number, one in enumerate(reasons.suggested, start=1):
        output.say(f"  {number}. {visible_line(one)}")
    count = len(reasons.suggested)
    parts = [f"{'1' if count == 1 else f'1-{count}'} or your own words"] if count else []
    parts += [] if reasons.required else ["empty for none"]
    hint = f"Your reason [{', '.join(parts)}]" if parts else "Your reason"

    def read(typed: str) -> Json:
        words = typed.strip()
        if not words:
            raise EmptyReply
        number = int(words) if words.isascii() and words.isdecimal() else 0
        return reasons.suggested[number - 1] if 1 <= number <= count else words

    try:
        return str(await _read(terminal, output, hint, read, optional=not reasons.required))
    except _LeftOut:
        return None


async def _read_fields(fields: Sequence[FormField], terminal: Terminal, output: Output) -> dict[int, Json]:
    values: dict[int, Json] = {}
    locale = own_locale()
    for position, field in enumerate(fields):
        if field.description:
            output.say(visible_line(field.description), "dim")
        read = _read_entries if has_entries(field) else _read_field
        try:
            values[position] = await read(field, terminal, output, locale)
        except _LeftOut:
            continue
    return values


async def _read_field(field: FormField, terminal: Terminal, output: Output, locale: Locale) -> Json:
    hint = visible_line(f"{field.title} [{field_hint(field, locale)}{_need(field, locale)}]")
    read = partial(read_field, field, locale=locale)
    return await _read(terminal, output, hint, read, optional=not field.required)


async def _read_entries(field: FormField, terminal: Terminal, output: Output, locale: Locale) -> Json:
    """A list entry by entry, which an empty line ends; begun again where it does not fit as a whole."""
    most = most_entries(field)
    while True:
        given: list[Json] = []
        while most is None or len(given) < most:
            entry = entry_of(field, len(given))
            need = ", empty line when done" if given else _need(field, locale)
            hint = visible_line(f"{entry.title} [{field_hint(entry, locale)}{need}]")
            read = partial(read_field, entry, locale=locale)
            try:
                given.append(
                    await _read(terminal, output, hint, read, optional=bool(given) or not field.required)
                )
            except _LeftOut:
                break
        if not given:
            raise _LeftOut
        try:
            return check_field(field, given)
        except InvalidAnswer as refusal:
            _refuse(output, f"{refusal} Please enter the list again.")


def _need(field: FormField, locale: Locale) -> str:
    """What an empty line means at a field's beginning."""
    shown = default_words(field, locale)
    default = f", empty for {shown}" if shown else ", optional"
    return "" if field.required else default


async def _read(
    terminal: Terminal, output: Output, hint: str, read: Callable[[str], Json], *, optional: bool = False
) -> Json:
    """Read lines until one makes a value."""
    while True:
        output.prompt(hint)
        try:
            typed = await terminal.read_line()
        except LineTooLong:
            output.say(
                "That line is too long for the terminal and was not recorded. Press Ctrl-C and use `sayso answer`, "
                "which accepts any length.",
                "red",
            )
            continue
        if typed is None:
            raise QuestionClosed
        try:
            return read(typed)
        except EmptyReply as refusal:
            if optional:
                raise _LeftOut from refusal
            _refuse(output, str(refusal))
        except InvalidAnswer as refusal:
            _refuse(output, str(refusal))


def _refuse(output: Output, reason: str) -> None:
    output.say(visible_line(reason), "red")
