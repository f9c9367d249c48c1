"""Cards: one request, one outcome, one decision for an operator, one run's end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, cast

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from sayso.adapters.console._content import content_text, stands_out
from sayso.adapters.console._drawing import draw_content
from sayso.adapters.console._escaping import quoted, set_off, visible, visible_line
from sayso.adapters.console._forms import form_fields, value_words
from sayso.adapters.console._names import person_name
from sayso.adapters.console._replies import is_numbered
from sayso.engine import (
    ANYWHERE,
    Attention,
    AttentionKind,
    FormField,
    Json,
    Locale,
    Outcome,
    OutcomeKind,
    Policy,
    Question,
    RequestRecord,
    StoredFile,
    StoredImage,
    Vote,
    attention_actions,
    evaluate,
    is_person,
    kind_of,
)

NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})

_ANYWHERE = "operator"
_SURFACE = "console"
_LONGEST_FIELD = 40
"""Lines of one field of a result; the rest stands in the run."""

_LONGEST_ECHO = 60

_PAST_TENSE = {"approve": "Approved", "reject": "Rejected"}
_STYLES = {
    OutcomeKind.RESOLVED: "green",
    OutcomeKind.COUNTED: "green",
    OutcomeKind.HELD: "yellow",
    OutcomeKind.DUPLICATE: "yellow",
}
_ATTENTION_WORDS = {
    AttentionKind.QUESTION_CHANGED: "The workflow now asks this in different words than the ones that were answered.",
    AttentionKind.ANSWER_UNUSED: "The workflow no longer asks this question, which was answered.",
    AttentionKind.STEP_UNFINISHED: "This step was started, and it is not known whether it finished.",
    AttentionKind.STEP_CHANGED: "This step was recorded with different arguments than the ones it is called with now.",
    AttentionKind.NODE_GONE: "This node is not in the loaded code.",
    AttentionKind.FILE_UNREADABLE: "A file that this question shows can no longer be read.",
    AttentionKind.PROCESS_DIED: "The process crashed repeatedly while this node ran.",
    AttentionKind.SAYSO_FAILED: "An internal error of sayso stopped this run; the log has the details.",
}
_ACTION_WORDS = {
    "reask": "ask again, in the new words; the recorded answer no longer counts",
    "accept": "use what was recorded",
    "done": "RESULT: record this JSON as the step's result and continue",
    "again": "run the step, or the node, again",
    "cancel": "cancel the run",
}


_HOUR = 60
_HOURS_OF_TWO_DAYS = 48


def instant_words(instant: datetime, now: datetime) -> str:
    """An instant in the reader's own time zone: `today 17:30`, or with its date."""
    local, today = instant.astimezone(), now.astimezone().date()
    return f"today {local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"


def age_words(instant: datetime, now: datetime) -> str:
    """How long ago something was: `5 min ago`, `2 h ago`, `3 days ago`."""
    minutes = int((now - instant).total_seconds()) // 60
    if minutes < 1:
        return "just now"
    if minutes < _HOUR:
        return f"{minutes} min ago"
    hours = minutes // _HOUR
    return f"{hours} h ago" if hours < _HOURS_OF_TWO_DAYS else f"{hours // 24} days ago"


def audience_words(record: RequestRecord, names: Mapping[str, str] = NO_NAMES) -> str:
    """Who is asked; `names` are those of people."""
    if not record.voters:
        return "nobody"
    words = {_ANYWHERE: "anyone on this machine", _SURFACE: "anyone at this terminal"}
    return ", ".join(
        person_name(entry, names) if is_person(entry) else visible_line(words.get(entry, _called(entry)))
        for entry in record.voters
    )


def _called(entry: str) -> str:
    """A group as cards call it, and a chat as the settings do."""
    return f"@{entry.removeprefix('group:')}" if entry.startswith("group:") else entry


def may_answer_here(record: RequestRecord, person: str, now: datetime) -> bool:
    """Whether the request's policy lets this person answer it in the terminal."""
    vote = Vote(person, _SURFACE, None, now)
    return person not in evaluate(Policy(record.voters), [vote], now).refused


def request_card(
    record: RequestRecord, workflow: str, now: datetime, names: Mapping[str, str] = NO_NAMES
) -> RenderableType:
    """The card of an open request; `names` are those of people."""
    question = record.question
    title = Text(f" {visible_line(workflow)} / {visible_line(record.name)} ", style="bold")
    parts: list[RenderableType] = [
        Text(set_off(visible(question.prompt or "Input is needed.")), style="bold")
    ]
    if question.details is not None:
        parts += [Rule(style="dim"), *_details(question)]
    parts += [Rule(style="dim"), _facts(record, now, names)]
    if question.options:
        parts += [Rule(style="dim"), _options(question)]
    return Panel(Group(*parts), title=title, title_align="left", border_style="cyan", padding=(0, 1))


def _facts(record: RequestRecord, now: datetime, names: Mapping[str, str]) -> Table:
    is_approved = record.policy is not None or kind_of(record) == "approval"
    facts = [("Approvers" if is_approved else "Assigned to", audience_words(record, names))]
    age = age_words(record.asked_at, now)
    if record.requested_by is None:
        facts.append(("Requested", age))
    else:
        facts.append(("Requested by", f"{person_name(record.requested_by, names)}, {age}"))
    if record.deadline is not None:
        facts.append(("Due", instant_words(record.deadline, now)))
    if record.note is not None:
        facts.append(("Note", set_off(visible(record.note))))
    if record.revision > 1:
        facts.append(("Changed", "the text is new; earlier votes were cleared"))
    return _fields(facts)


def _fields(rows: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True, max_width=24, overflow="fold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(visible_line(name)), Text(value, style="bold" if stands_out(name) else ""))
    return table


def _details(question: Question) -> Iterator[RenderableType]:
    """A dict as fields, long texts below their name; anything else as text."""
    details, contents = question.details, question.contents
    if not isinstance(details, dict):
        yield Text(quoted(_plain(details).strip("\n")).lstrip("\n"))
        return
    short: list[tuple[str, str]] = []
    for name, value in details.items():
        content = contents.get(name)
        text = _plain(value) if content is None else content_text(content)
        if (content is None and "\n" not in text.strip()) or isinstance(content, StoredImage | StoredFile):
            short.append((name, text))
            continue
        if short:
            yield _fields(short)
            short = []
        yield Text(visible_line(name), style="dim")
        yield Text(quoted(text.strip("\n")).lstrip("\n")) if content is None else draw_content(content)
    if short:
        yield _fields(short)


def _plain(value: Json) -> str:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return visible_line(", ".join(str(item) for item in value))
    return visible(
        json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, dict | list) else None)
    )


def _options(question: Question) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold cyan", no_wrap=True)
    table.add_column(overflow="fold")
    numbered = is_numbered(question)
    for position, option in enumerate(question.choices, start=1):
        label = Text(visible_line(option.label), style="bold")
        if option.label.casefold() != option.value.casefold():
            label.append(f" ({visible_line(option.value)})", style="dim")
        if option.description:
            label.append(f"  {visible_line(option.description)}", style="not bold")
        table.add_row(Text(f"{position}." if numbered else "-"), label)
    return table


def answer_words(question: Question, value: Json, locale: Locale = ANYWHERE) -> str:
    """An answer as people say it: the label of an option, yes or no, the text itself, a number or a date as in the
    reader's locale, a form field by field with their titles; on one line and not cut.
    """
    locale = locale.for_reading
    labels = {option.value: option.label for option in question.choices}
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return visible_line(locale.day(value) if question.input_type == "date" else labels.get(value, value))
    if isinstance(value, list) and question.options:
        return visible_line(", ".join(labels.get(str(item), str(item)) for item in value)) or "none"
    if isinstance(value, dict):
        titled = {one.path: one for one in form_fields(question) or ()}
        return visible_line(", ".join(_form_words(value, titled, locale)))
    return visible_line(_untitled(value, locale))


def _form_words(
    value: Mapping[str, Json],
    titled: Mapping[tuple[str, ...], FormField],
    locale: Locale,
    around: tuple[str, ...] = (),
) -> Iterator[str]:
    """Each field with its title, those of objects within it in their place; what has no title goes by its name."""
    for name, item in value.items():
        path = (*around, name)
        field = titled.get(path)
        if field is not None:
            yield f"{field.title}: {value_words(field, item, locale) or 'none'}"
        elif isinstance(item, dict) and item:
            yield from _form_words(item, titled, locale, path)
        else:
            yield f"{': '.join(path)}: {_untitled(item, locale)}"


def _untitled(value: Json, locale: Locale) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return locale.number(value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_untitled(item, locale)}" for name, item in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(_untitled(item, locale) for item in value) or "none"
    return value or "none"


def outcome_words(
    outcome: Outcome, question: Question | None, value: Json, locale: Locale = ANYWHERE
) -> Text:
    """The outcome of an answer, in the words of every surface and the reader's locale."""
    words = visible(outcome.reason)
    if outcome.kind is OutcomeKind.RESOLVED and question is not None:
        said = answer_words(question, value, locale)
        shown = said if len(said) <= _LONGEST_ECHO else f"{said[: _LONGEST_ECHO - 1]}…"
        past = _PAST_TENSE.get(str(value)) if question.options else None
        words = f"{past or f'Recorded: {shown}'}. The workflow continues."
    if outcome.repeated:
        words = f"This event was received before; its outcome was: {outcome.kind}. {words}"
    return Text(words, style=_STYLES.get(outcome.kind, "red"))


def attention_card(
    run_id: str, workflow: str, attention: Attention, seen: int | None = None
) -> RenderableType:
    """What an operator must decide, with both texts and the ways on; where it is known, the stop that this is `seen`
    at goes with them.
    """
    about = "" if seen is None else f" --seen {seen}"
    title = Text(f" {visible_line(workflow)} / {visible_line(attention.name)} needs attention ", style="bold")
    parts: list[RenderableType] = [Text(_ATTENTION_WORDS[attention.kind], style="bold")]
    if attention.reason:
        parts.append(Text(set_off(visible(attention.reason))))
    for label, text in (("Was", attention.was), ("Is now", attention.now)):
        if text is not None:
            parts += [Rule(Text(label), align="left", style="dim"), *_stored_text(text)]
    parts.append(Rule(Text("Your choices"), align="left", style="dim"))
    known = (
        {}
        if attention.result is None
        else {"done": "record the step's result, as you enter it, and continue"}
    )
    rows = [
        (f"sayso attention {run_id} {action}{about}", {**_ACTION_WORDS, **known}[action])
        for action in attention_actions(attention)
    ]
    for command, meaning in rows:
        parts += [Text(visible_line(command), style="cyan"), Text(f"    {meaning}")]
    return Panel(Group(*parts), title=title, title_align="left", border_style="yellow", padding=(0, 1))


def _stored_text(text: str) -> Iterator[RenderableType]:
    """A question's text as fields; anything else as it stands."""
    try:
        stored: Any = json.loads(text)
    except ValueError:
        stored = None
    if not isinstance(stored, Mapping) or "prompt" not in stored:
        yield Text(set_off(visible(text)))
        return
    fields = cast("Mapping[str, Json]", stored)
    shown = ("prompt", "options", "input_type", "schema", "details")
    yield _fields([(name, _plain(fields[name])) for name in shown if fields.get(name) is not None])


def result_card(shared: Mapping[str, Any]) -> RenderableType:
    """The state that a run ended with, as fields."""
    if not shared:
        return Text("(the run ended with an empty state)", style="dim")
    rows: list[tuple[str, str]] = []
    for name, value in shared.items():
        lines = _plain(value).split("\n")
        more = len(lines) - _LONGEST_FIELD
        rows.append(
            (name, "\n".join(lines[:_LONGEST_FIELD] + ([f"({more} more lines)"] if more > 0 else [])))
        )
    return _fields(rows)
