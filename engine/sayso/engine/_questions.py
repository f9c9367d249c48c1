"""What is asked: a question, its options and input type, its digest, and which answers fit it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from sayso.engine._content import Content, StoredFile, StoredImage, build_details, read_content
from sayso.engine._forms import fields_of
from sayso.engine._locales import ANYWHERE, Locale
from sayso.engine._schemas import build_schema, chosen_among, earlier_shapes, misfit
from sayso.engine._typed import (
    Unclear,
    check_told_apart,
    fold_text,
    read_date,
    read_json,
    read_number,
    unquoted,
)
from sayso.engine._values import Json, check, decode, decode_dict, digest, encode_sorted, to_json
from sayso.engine.errors import InvalidRequest

PLAIN_VERSION = 1
RICH_VERSION = 2
"""The versions of a question's text: one with plain details alone is as it always was, byte for byte."""

_OPTION_KEYS = frozenset({"value", "label", "description", "style"})
_SHOWN = 60
_MOST_NAMED = 20
_WORDS = {
    **dict.fromkeys(("yes", "y", "true", "1"), True),
    **dict.fromkeys(("no", "n", "false", "0"), False),
}


class InvalidAnswer(Exception):
    """An answer that does not fit its question; the text is the reason, for the person."""


class Option(msgspec.Struct, frozen=True, gc=False):
    """One choice. `value` is the answer, `label` is shown; `style` is `primary`, `danger` or a surface's own word."""

    value: str
    label: str
    description: str | None = None
    style: str | None = None


class Question(msgspec.Struct, frozen=True, gc=False):
    """What the person is shown, as given by the workflow's author. Equal questions have equal digests.

    `rich` names the details that are `Content`. With `read_all`, an approval counts only from people who have opened
    all of it. While it is asked, `files` are the bytes of its details by SHA-256, and `unread` says why one could not
    be read.
    """

    prompt: str | None
    options: list[Json] | None
    input_type: str
    schema: dict[str, Json] | None
    details: Json
    rich: tuple[str, ...] = ()
    read_all: bool = False
    files: tuple[tuple[str, bytes], ...] = ()
    unread: str | None = None

    @property
    def version(self) -> int:
        """The version of its text, and of the digest of that."""
        return RICH_VERSION if self.rich or self.read_all else PLAIN_VERSION

    def text(self) -> str:
        """The question as JSON, as it is stored and shown: keys stay in the order in which they were given."""
        version = self.version
        fields = _FIELDS if version == PLAIN_VERSION else (*_FIELDS, "rich", "read_all")
        return to_json({"v": version, **{name: getattr(self, name) for name in fields}})

    @property
    def contents(self) -> dict[str, Content]:
        """The details that are more than plain values, by their names."""
        details = cast("dict[str, Json]", self.details) if self.rich else {}
        return {name: read_content(details[name]) for name in self.rich}

    @property
    def file_hashes(self) -> tuple[str, ...]:
        """The SHA-256 of all pictures and files that it shows."""
        found = (one for one in self.contents.values() if isinstance(one, StoredImage | StoredFile))
        return tuple(dict.fromkeys(one.sha256 for one in found))

    @property
    def choices(self) -> tuple[Option, ...]:
        """The options with their labels filled in."""
        return tuple(_option(given) for given in self.options or ())

    def check_told_apart(self) -> None:
        """Raise `InvalidRequest` if people could not tell options apart, or a form's options or fields. New questions
        are held to that; questions that were asked before are not.
        """
        check_told_apart([one.label for one in self.choices], "options")
        for names in chosen_among(self.schema):
            check_told_apart([str(one) for one in names], "schema")

    def check_form(self) -> None:
        """Raise `InvalidRequest` with the path of what no surface can ask for. This, too, is only for new questions."""
        if self.schema is not None:
            fields_of(self.schema)

    def was_asked_as(self, digest: str) -> bool:
        """Whether a stored question with this digest asks the same: also one of an earlier version, whose forms kept
        options in another order or described times as any text.
        """
        if question_digest(self.text()) == digest:
            return True
        earlier = () if self.schema is None else earlier_shapes(self.schema)
        return any(question_digest(replace(self, schema=one).text()) == digest for one in earlier)

    def check_answer(self, value: Json) -> None:
        """Raise `InvalidAnswer` with the reason if the value does not fit."""
        _ANSWER_CHECKS[self.input_type](self, value)

    def read_text(self, text: str, locale: Locale = ANYWHERE) -> Json:
        """The value that somebody means by typing this text. Raises `InvalidAnswer` with the reason.

        A choice may be typed as its value or label in any case, with any quotes; several are separated by commas, or
        are a JSON list of values. What could mean two options means none, as does a number or a date that could be
        two, unless the locale settles it.
        """
        value = _TEXT_READERS[self.input_type](self, text, locale)
        self.check_answer(value)
        return value


_FIELDS = ("prompt", "options", "input_type", "schema", "details")


def question_from_text(text: str) -> Question:
    """The question whose `text` this is."""
    fields = cast("dict[str, Any]", decode_dict(text))
    del fields["v"]
    rich: list[str] = fields.pop("rich", [])
    return Question(**fields, rich=tuple(rich))


def question_digest(text: str) -> str:
    """The digest of a question's text: SHA-256 in hex over its JSON with the keys sorted."""
    return digest(encode_sorted(decode(text)))


def build_question(
    prompt: str | None,
    options: Sequence[str | Mapping[str, str]] | None,
    input_type: str,
    schema: object,
    details: object,
    *,
    read_all: bool = False,
) -> Question:
    """Check what a workflow's author asks; raises `InvalidRequest` by the parameter's name."""
    if prompt is not None and not isinstance(prompt, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequest("prompt", f"{prompt!r} is not a text")
    if input_type not in _ANSWER_CHECKS:
        raise InvalidRequest("input_type", f"{input_type!r} is not one of {', '.join(_ANSWER_CHECKS)}")
    check(prompt, "prompt")
    shown = build_details(details)
    choices = _build_options(options, input_type)
    check(choices, "options")
    return Question(
        prompt,
        choices,
        input_type,
        build_schema(schema, input_type),
        shown.stored,
        shown.rich,
        read_all,
        shown.files,
        shown.unread,
    )


def _build_options(options: Sequence[str | Mapping[str, str]] | None, input_type: str) -> list[Json] | None:
    takes_options = input_type in ("select", "multiselect")
    if options is None:
        if takes_options:
            raise InvalidRequest("options", f"input_type={input_type!r} needs a list of options")
        return None
    if not takes_options:
        raise InvalidRequest("options", f"go with input_type='select' or 'multiselect', not {input_type!r}")
    if isinstance(options, str | bytes | Mapping) or not isinstance(options, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequest("options", f"{options!r} is not a list of options")
    if not options:
        raise InvalidRequest("options", "the list is empty; nobody could answer")
    values: set[str] = set()
    for given in options:
        value = _check_option(given)
        if value in values:
            raise InvalidRequest("options", f"{value!r} appears twice")
        values.add(value)
    return [given if isinstance(given, str) else dict(given) for given in options]


def _check_option(given: object) -> str:
    if isinstance(given, str):
        value: object = given
    elif isinstance(given, Mapping):
        fields = cast("Mapping[object, object]", given)
        unknown = [key for key in fields if key not in _OPTION_KEYS]
        if unknown:
            raise InvalidRequest(
                "options", f"{given!r} has unknown keys {unknown!r}; known: {sorted(_OPTION_KEYS)}"
            )
        for key, field in fields.items():
            if not isinstance(field, str):
                raise InvalidRequest("options", f"{given!r}: {key} must be text")
        value = fields.get("value")
    else:
        raise InvalidRequest("options", f"{given!r} is neither a string nor a dict with a value")
    if type(value) is not str or not value:
        raise InvalidRequest(
            "options", f"{given!r} has no value; an option's value is a text that is not empty"
        )
    return value


def _option(given: Json) -> Option:
    if isinstance(given, dict):
        fields = cast("dict[str, str]", given)
        value = fields["value"]
        return Option(value, fields.get("label", value), fields.get("description"), fields.get("style"))
    return Option(cast("str", given), cast("str", given))


def _check_text(question: Question, value: Json) -> None:
    """Any stored value is an answer to a text question when it comes from code; surfaces send text."""


def _check_select(question: Question, value: Json) -> None:
    values = [given["value"] if isinstance(given, dict) else given for given in question.options or ()]
    if value not in values:
        raise _no_option(value, [str(one) for one in values])


def _no_option(value: Json, options: Sequence[str]) -> InvalidAnswer:
    more = f" and {len(options) - _MOST_NAMED} more" if len(options) > _MOST_NAMED else ""
    known = ", ".join(options[:_MOST_NAMED])
    return InvalidAnswer(f"{_shown(value)} is not an option. Please choose one of: {known}{more}.")


def _check_multiselect(question: Question, value: Json) -> None:
    if not isinstance(value, list):
        raise InvalidAnswer(f"{_shown(value)} is not a list of options.")
    for item in value:
        _check_select(question, item)
    texts = cast("list[str]", value)
    if len(set(texts)) != len(texts):
        raise InvalidAnswer("An option was chosen twice. Please choose each at most once.")


def _check_confirm(question: Question, value: Json) -> None:  # noqa: ARG001 - one signature for all
    if not isinstance(value, bool):
        raise InvalidAnswer(f"{_shown(value)} is neither yes nor no. Please answer yes or no.")


def _check_number(question: Question, value: Json) -> None:  # noqa: ARG001 - one signature for all
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidAnswer(f"{_shown(value)} is not a number. Please send a number, for example 40.")


def _check_date(question: Question, value: Json) -> None:  # noqa: ARG001 - one signature for all
    if not isinstance(value, str) or not _is_date(value):
        raise InvalidAnswer(f"{_shown(value)} is not a date. Please send one as 2026-12-31.")


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _check_form(question: Question, value: Json) -> None:
    assert question.schema is not None
    found = misfit(question.schema, value)
    if found is not None:
        raise InvalidAnswer(str(found))


_ANSWER_CHECKS: dict[str, Callable[[Question, Json], None]] = {
    "text": _check_text,
    "select": _check_select,
    "multiselect": _check_multiselect,
    "confirm": _check_confirm,
    "number": _check_number,
    "date": _check_date,
    "form": _check_form,
}


def _read_text(question: Question, text: str, locale: Locale) -> Json:  # noqa: ARG001 - one signature for all
    return text


def _read_select(question: Question, text: str, locale: Locale = ANYWHERE) -> Json:  # noqa: ARG001 - one signature for all
    for typed in dict.fromkeys((text.strip(), unquoted(text))):
        meant = _meant(question.choices, typed)
        if len(meant) > 1:
            labels = ", ".join(one.label for one in meant[:_MOST_NAMED])
            raise InvalidAnswer(
                f"{_shown(typed)} could mean several options: {labels}. Please choose in the card instead."
            )
        if meant:
            return meant[0].value
    raise _no_option(text.strip(), [one.label for one in question.choices])


def _meant(choices: Sequence[Option], typed: str) -> list[Option]:
    """The options that a text may mean: several only where none of them is told apart by the case of its letters."""
    wanted = fold_text(typed)
    found = [one for one in choices if wanted in (fold_text(one.value), fold_text(one.label))]
    exact = [one for one in found if typed in (one.value, one.label)]
    if len(exact) != 1 or len(found) == 1:
        return found
    others = (one for one in found if one is not exact[0])
    is_clear = typed == exact[0].label or all(fold_text(one.label) != wanted for one in others)
    return exact if is_clear else found


def _read_multiselect(question: Question, text: str, locale: Locale) -> Json:  # noqa: ARG001 - one signature for all
    if text.lstrip().startswith("["):
        try:
            return read_json(text)
        except Unclear:
            pass  # an option may begin so
    parts = [part for part in text.split(",") if part.strip()]
    if not any("," in word for one in question.choices for word in (one.value, one.label)):
        return [_read_select(question, part) for part in parts]
    readings = _readings(question, parts)
    if len(readings) > 1:
        raise InvalidAnswer(f"{_shown(text)} could mean several choices. Please choose in the card instead.")
    return readings[0] if readings else [_read_select(question, part) for part in parts]


def _readings(question: Question, parts: Sequence[str]) -> list[list[Json]]:
    """The ways to read parts between commas where options have commas themselves; no more than two of them."""
    longest = 1 + max(word.count(",") for one in question.choices for word in (one.value, one.label))
    ways: list[list[list[Json]]] = [[] for _ in parts]
    ways.append([[]])
    for start in reversed(range(len(parts))):
        for end in range(start + 1, min(start + longest, len(parts)) + 1):
            meant = _meant(question.choices, ",".join(parts[start:end]).strip())
            ways[start] += [[one.value, *rest] for one in meant for rest in ways[end]]
        del ways[start][2:]
    return ways[0]


def _read_confirm(question: Question, text: str, locale: Locale) -> Json:  # noqa: ARG001 - one signature for all
    return _WORDS.get(fold_text(unquoted(text)), text)


def _read_number(question: Question, text: str, locale: Locale) -> Json:  # noqa: ARG001 - one signature for all
    try:
        return read_number(text, locale)
    except Unclear as error:
        raise InvalidAnswer(str(error)) from error


def _read_date(question: Question, text: str, locale: Locale) -> Json:  # noqa: ARG001 - one signature for all
    try:
        return read_date(text, locale)
    except Unclear as error:
        raise InvalidAnswer(str(error)) from error


def _read_form(question: Question, text: str, locale: Locale) -> Json:  # noqa: ARG001 - one signature for all
    try:
        return read_json(text)
    except Unclear as error:
        raise InvalidAnswer(f"Not taken: {error}.") from error


_TEXT_READERS: dict[str, Callable[[Question, str, Locale], Json]] = {
    "text": _read_text,
    "select": _read_select,
    "multiselect": _read_multiselect,
    "confirm": _read_confirm,
    "number": _read_number,
    "date": _read_date,
    "form": _read_form,
}


def _shown(value: Json) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f'"{text[:_SHOWN]}…"' if len(text) > _SHOWN else f'"{text}"'
