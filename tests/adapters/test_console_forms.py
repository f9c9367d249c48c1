"""Forms are asked field by field, objects within objects as well; what cannot be is refused where it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Literal, cast
from zoneinfo import ZoneInfo

import msgspec
import pytest

from sayso.adapters.cards import Card, build_card
from sayso.adapters.console import (
    REQUIRED,
    EmptyReply,
    Entered,
    default_words,
    field_help,
    form_fields,
    read_field,
    read_form,
)
from sayso.adapters.slack import read_submission as read_slack
from sayso.adapters.telegram import Finished, Goal, GoOn, begin, take_text
from sayso.adapters.web import Pages, Visitor
from sayso.adapters.web import read_answer as read_web
from sayso.engine import FormField, InvalidAnswer, InvalidRequest, Json, Locale, shown_text
from sayso.engine._questions import build_question
from tests.adapters.card_records import PLACES, pending
from tests.adapters.console_support import question


@dataclass
class Order:
    item: str
    count: int
    price: float = 1.0
    gift: bool = False
    size: Literal["S", "M"] = "M"
    tags: list[str] = field(default_factory=list[str])
    note: str | None = None


def fields_of(schema: object) -> dict[str, FormField]:
    found = form_fields(question("form", schema=cast("dict[str, Json]", schema)))
    assert found is not None
    return {one.name: one for one in found}


ORDER = fields_of(msgspec.json.schema(Order))


def test_a_dataclass_is_asked_field_by_field_in_its_order() -> None:
    assert list(ORDER) == ["item", "count", "price", "gift", "size", "tags", "note"]
    assert [name for name, one in ORDER.items() if one.required] == ["item", "count"]


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("item", "tea", "tea"),
        ("count", "3", 3),
        ("price", "2.5", 2.5),
        ("gift", "YES", True),
        ("gift", "n", False),
        ("size", "s", "S"),
        ("tags", "a, b", ["a", "b"]),
        ("note", "for Bo", "for Bo"),
    ],
)
def test_each_field_is_read_by_its_type(name: str, typed: str, value: Json) -> None:
    assert read_field(ORDER[name], typed) == value


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("count", "3.5"),
        ("count", "many"),
        ("price", "NaN"),
        ("price", "1e999"),
        ("gift", "maybe"),
        ("size", "XL"),
    ],
)
def test_what_does_not_fit_a_field_is_refused_by_its_title(name: str, typed: str) -> None:
    with pytest.raises(InvalidAnswer, match=f"^{name.capitalize()}: "):
        read_field(ORDER[name], typed)


def test_an_empty_line_leaves_a_field_out() -> None:
    with pytest.raises(EmptyReply):
        read_field(ORDER["note"], "  ")


def test_limits_of_the_schema_hold_for_each_field() -> None:
    age = fields_of({"type": "object", "properties": {"age": {"type": "integer", "minimum": 18}}})["age"]
    with pytest.raises(InvalidAnswer, match="minimum of 18"):
        read_field(age, "7")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object"},
        {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}},
        {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "number"}]}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"type": "object", "properties": {"a": True}},
    ],
)
def test_what_no_surface_can_draw_is_refused_where_it_is_asked(schema: dict[str, Json]) -> None:
    """What was asked before stands, and is answered as JSON."""
    asked = question("form", schema=schema)
    with pytest.raises(InvalidRequest, match="which no surface can ask for: "):
        asked.check_form()
    assert form_fields(asked) is None


class Stage(Enum):
    """Where it goes."""

    STAGING = "staging"
    PRODUCTION = "production"


class Rollout(msgspec.Struct):
    source: Stage
    target: Stage = Stage.PRODUCTION
    replicas: Annotated[int | None, msgspec.Meta(title="How many?")] = 3
    notify: bool = True
    paths: list[str] = []
    ticket: str | None = None


ROLLOUT = cast("dict[str, Json]", build_question("Go?", None, "form", Rollout, None).schema)


def test_a_title_is_the_field_s_own_and_never_that_of_its_type() -> None:
    fields = fields_of(ROLLOUT)
    titles = ["Source", "Target", "How many?", "Notify", "Paths", "Ticket"]
    assert [one.title for one in fields.values()] == titles
    assert fields["target"].description == "Where it goes."
    assert field_help(fields["target"]) == "Where it goes."


@pytest.mark.parametrize("title", ["Name", "Name\u200b", " Name ", "Na\u00adme"])
def test_fields_whose_titles_look_alike_are_told_apart_by_their_names(title: str) -> None:
    plain: dict[str, Json] = {"type": "string", "title": "Name"}
    fields = fields_of({"type": "object", "properties": {"a": plain, "b": {**plain, "title": title}}})
    assert [shown_text(one.title) for one in fields.values()] == ["Name (a)", "Name (b)"]


@pytest.mark.parametrize("title", ["", "\u200b", " \n"])
def test_a_title_that_shows_nothing_is_the_name(title: str) -> None:
    schema: dict[str, Json] = {"type": "object", "properties": {"a": {"type": "string", "title": title}}}
    assert fields_of(schema)["a"].title == "A"


def left_empty_in_slack(card: Card) -> Json:
    choice = {"type": "static_select", "selected_option": {"value": "0"}}
    entered = read_slack(card, {f"{card.id}:{card.revision}:0": {"value": choice}})
    assert isinstance(entered, Entered), entered
    return entered.value


def left_empty_on_the_web(card: Card) -> Json:
    entered = read_web(card, {"field-0": ["0"], "field-1": [""]})
    assert isinstance(entered, Entered), entered
    return entered.value


def left_empty_in_telegram(card: Card) -> Json:
    step = take_text(card, begin(card, "telegram:7", Goal.ANSWER), "staging")
    while isinstance(step, GoOn):
        step = take_text(card, step.conversation, "/skip")
    assert isinstance(step, Finished), step
    return step.value


@pytest.mark.parametrize(
    "left_empty",
    [left_empty_in_slack, left_empty_on_the_web, left_empty_in_telegram],
    ids=lambda one: one.__name__,
)
def test_what_is_left_empty_takes_the_default_that_was_shown(left_empty: Callable[[Card], Json]) -> None:
    """The answer holds what the person saw, and the workflow gets it."""
    card = build_card(pending(question("form", schema=ROLLOUT)), PLACES)
    assert left_empty(card) == {
        "source": "staging",
        "target": "production",
        "replicas": 3,
        "notify": True,
        "paths": [],
    }
    assert {one.name: default_words(one) for one in fields_of(ROLLOUT).values()} == {
        "source": "",
        "target": "production",
        "replicas": "3",
        "notify": "yes",
        "paths": "",
        "ticket": "",
    }


@pytest.mark.parametrize("default", ["seven", None, [1]])
def test_a_default_that_does_not_fit_is_none(default: Json) -> None:
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {"a": {"type": "integer", "default": default}},
    }
    assert fields_of(schema)["a"].default is None


@pytest.mark.parametrize(
    ("typed", "value"), [("a", "a"), ("A", "A"), ("“a”", "a"), ("Don\u2019t", "Don't"), ("b  b", "b b")]
)
def test_an_option_of_a_field_is_found_as_phones_type_it(typed: str, value: str) -> None:
    schema: dict[str, Json] = {"enum": ["A", "a", "Don't", "b b"]}
    field = fields_of({"type": "object", "properties": {"one": schema}})["one"]
    assert read_field(field, typed) == value


@pytest.mark.parametrize("name", ["count", "price"])
@pytest.mark.parametrize("typed", ["1.000", "1,000"])
def test_a_number_that_could_be_another_is_refused_in_a_form(name: str, typed: str) -> None:
    with pytest.raises(InvalidAnswer, match="Please"):
        read_field(ORDER[name], typed)


def test_a_default_is_read_as_it_is_filled_in() -> None:
    """Also where what stands there could be another number."""
    items = {"type": "array", "items": {"type": "number"}, "default": [1.125, 2.5]}
    price = {"type": "number", "default": 1.125}
    fields = fields_of({"type": "object", "properties": {"price": price, "prices": items}})
    german = Locale.of("de")
    assert read_field(fields["price"], "1.125") == 1.125
    assert read_field(fields["price"], "1.125", german) == 1.125
    assert read_field(fields["price"], "1,125", german) == 1.125
    assert read_field(fields["price"], "1.126", german) == 1126
    assert read_field(fields["prices"], "1.125\n3", german) == [1.125, 3]


class Address(msgspec.Struct):
    street: str
    city: str
    zip_code: str | None = None


class Person(msgspec.Struct):
    name: str
    address: Address
    billing: Annotated[Address | None, msgspec.Meta(title="Invoice")] = None
    hours: list[int] = []
    days: list[Literal["Mon", "Tue"]] = []


PERSON = question(
    "form", schema=cast("dict[str, Json]", build_question("?", None, "form", Person, None).schema)
)


def read_person(**typed: str) -> tuple[dict[str, Json], dict[str, str]]:
    """The form that comes of what was typed by the names of fields, and what is wrong by their names."""
    fields = form_fields(PERSON)
    assert fields is not None
    given = {name.replace("__", "."): text for name, text in typed.items()}
    form, wrong = read_form(PERSON, fields, lambda _, one: read_field(one, given.get(one.name, "")))
    return form, {fields[at].name: why for at, why in wrong.items()}


class Lists(msgspec.Struct):
    places: list[str] = []
    counts: list[int] = []
    rates: list[float] = []


def read_entries(name: str, typed: str, decimal: str = "") -> Json:
    lists = cast("dict[str, Json]", build_question("?", None, "form", Lists, None).schema)
    return read_field(fields_of(lists)[name], typed, Locale(decimal=decimal))


@pytest.mark.parametrize(
    ("name", "typed", "meant"),
    [
        ("places", "Rome, Oslo", ["Rome", "Oslo"]),
        ("places", '"Rome, Italy", Oslo', ["Rome, Italy", "Oslo"]),
        ("places", "“Rome, Italy”", ["Rome, Italy"]),
        ("places", "Rome, Italy\nOslo", ["Rome, Italy", "Oslo"]),
        ("places", '5" pipe, 6" pipe, "new"', ['5" pipe', '6" pipe', '"new"']),
        ("counts", "1,2,3", [1, 2, 3]),
        ("counts", "100, 200", [100, 200]),
        ("counts", "1,2000", [1, 2000]),
        ("counts", "1,000,000; 2", [1000000, 2]),
        ("rates", "1.5, 2", [1.5, 2]),
        ("rates", "1,5; 2", [1.5, 2]),
        ("rates", "1,5", None),
        ("counts", "100,200", None),
    ],
)
def test_entries_of_a_list_are_typed_without_json(name: str, typed: str, meant: list[Json] | None) -> None:
    """What could be one number or two is asked about, and not guessed."""
    if meant is not None:
        assert read_entries(name, typed) == meant
        return
    with pytest.raises(
        InvalidAnswer, match=f'"{typed}" could be one number or several. Please put semicolons'
    ):
        read_entries(name, typed)


def test_who_writes_decimals_with_a_point_puts_commas_between_numbers() -> None:
    assert read_entries("rates", "1,5", decimal=".") == [1, 5]
    with pytest.raises(InvalidAnswer, match="could be one number or several"):
        read_entries("rates", "1,500", decimal=".")


def test_objects_within_objects_become_fields_with_both_titles() -> None:
    fields = form_fields(PERSON)
    assert fields is not None
    assert [(one.name, one.title, one.required) for one in fields] == [
        ("name", "Name", True),
        ("address.street", "Address: Street", True),
        ("address.city", "Address: City", True),
        ("address.zip_code", "Address: Zip code", False),
        ("billing.street", "Invoice: Street", False),
        ("billing.city", "Invoice: City", False),
        ("billing.zip_code", "Invoice: Zip code", False),
        ("hours", "Hours", False),
        ("days", "Days", False),
    ]


def test_a_form_of_objects_comes_together_again() -> None:
    form, wrong = read_person(
        name="Ana", address__street="1 Way", address__city="Rome", hours="9\n1,234,567", days="tue"
    )
    assert wrong == {}
    assert form == {
        "name": "Ana",
        "address": {"street": "1 Way", "city": "Rome"},
        "hours": [9, 1234567],
        "days": ["Tue"],
    }


def test_an_object_that_may_be_left_out_is_left_out_or_whole() -> None:
    _, wrong = read_person(name="Ana", address__street="1 Way", address__city="Rome", billing__city="Bonn")
    assert wrong == {"billing.street": REQUIRED}
    _, wrong = read_person(billing__street="2 Way", billing__city="Bonn", hours="many")
    assert wrong.pop("hours").startswith('Hours: "many" is not a number')
    assert wrong == {"name": REQUIRED, "address.street": REQUIRED, "address.city": REQUIRED}


@pytest.mark.parametrize(
    ("part", "path"),
    [
        (
            {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
            r"a\.b is a list of objects",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            r"a\.b is an object without named fields",
        ),
        ({"anyOf": [{"type": "string"}, {"type": "number"}]}, r"a\.b has no one plain type"),
        ({"type": "array", "prefixItems": [{"type": "string"}]}, r"a\.b is a tuple"),
    ],
)
def test_a_refusal_names_the_path_and_what_to_do(part: Json, path: str) -> None:
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {"b": part}}},
    }
    with pytest.raises(InvalidRequest, match=rf"^schema: {path}.*, which no surface can ask for: \w+"):
        question("form", schema=schema).check_form()


class Part(msgspec.Struct):
    name: str


class Left(msgspec.Struct, tag=True):
    at: int


class Right(msgspec.Struct, tag=True):
    at: int


@pytest.mark.parametrize(
    ("kind", "what", "instead"),
    [
        (list[Part], "parts is a list of objects", "ask once for each entry"),
        (list[dict[str, str]], "parts is a list of objects", "ask once for each entry"),
        (list[list[str]], "parts is a list of lists", "ask for a list of texts"),
        (list[int | str], r"parts\[\] has no one plain type", "use one of string"),
        (dict[str, int], "parts is an object without named fields", "name its fields"),
        (tuple[int, str], "parts is a tuple", "give each part a field of its own"),
        (int | str, "parts has no one plain type", "use one of string"),
        (Left | Right, "parts has no one plain type", "use one of string"),
    ],
)
def test_a_type_that_nobody_could_fill_in_is_refused_with_its_field_and_the_next_step(
    kind: object, what: str, instead: str
) -> None:
    form = msgspec.defstruct("Form", [("name", str), ("parts", kind)])
    with pytest.raises(InvalidRequest, match=f"^schema: {what}, which no surface can ask for: .*{instead}"):
        build_question("Which?", None, "form", form, None).check_form()


def test_a_form_of_more_fields_than_a_modal_holds_is_refused() -> None:
    many: dict[str, Json] = {f"f{at}": {"type": "string"} for at in range(91)}
    with pytest.raises(InvalidRequest, match=r"has 91 fields.*at most 90"):
        question("form", schema={"type": "object", "properties": many}).check_form()


def test_a_date_is_read_as_people_write_it() -> None:
    due = fields_of({"type": "object", "properties": {"due": {"type": "string", "format": "date"}}})["due"]
    for typed in ("2026-12-31", "31.12.2026", "31/12/2026"):
        assert read_field(due, typed) == "2026-12-31"
    with pytest.raises(InvalidAnswer, match="could be 2026-04-03 or 2026-03-04"):
        read_field(due, "03/04/2026")
    with pytest.raises(InvalidAnswer, match=r"Due: .* is not a date"):
        read_field(due, "tomorrow")


class Window(msgspec.Struct):
    """A type within a type."""

    opens: datetime
    closes: Annotated[datetime | None, msgspec.Meta(title="Closes at")] = None


@dataclass
class Change:
    window: Window
    also: list[datetime] = field(default_factory=list[datetime])
    times: list[datetime] | None = None
    noted: Annotated[datetime, msgspec.Meta(description="With its zone.", tz=True)] | None = None
    local: Annotated[datetime, msgspec.Meta(tz=False)] | None = None
    note: str = ""


def test_a_datetime_of_a_type_is_a_time_on_every_surface() -> None:
    """Only one that says that it has no zone is none, and stays a text."""
    schema = cast("dict[str, Json]", build_question("When?", None, "form", Change, None).schema)
    found = fields_of(schema)
    times = {name for name, one in found.items() if (one.item or one).is_instant}
    assert times == {"window.opens", "window.closes", "also", "times", "noted"}
    assert found["window.closes"].title == "Window: Closes at"
    there = Locale.of("de", ZoneInfo("Europe/Berlin"))
    assert read_field(found["window.opens"], "31.12.2026 17:30", there) == "2026-12-31T16:30:00+00:00"
    assert read_field(found["also"], "31.12.2026 17:30\n1.1.2027 8:00", there) == [
        "2026-12-31T16:30:00+00:00",
        "2027-01-01T07:00:00+00:00",
    ]


def test_a_default_is_shown_below_a_field_that_stands_empty_alone() -> None:
    """What is filled in shows it already; in what may be left out as a whole nothing is filled in."""
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {
            "rate": {"type": "number", "default": 1.5},
            "extra": {
                "type": "object",
                "properties": {
                    "share": {"type": "number", "default": 2.5},
                    "due": {"type": "string", "format": "date", "default": "2026-12-31"},
                    "place": {"type": "string"},
                },
                "required": ["place"],
            },
        },
    }
    helps = {name: field_help(one, Locale.of("de-DE")) for name, one in fields_of(schema).items()}
    assert helps == {
        "rate": "",
        "extra.place": "",
        "extra.share": "Default: 2,5",
        "extra.due": "Default: 31.12.2026",
    }
    ana = Visitor("ana", "", 0, is_operator=False)
    page = Pages(UTC).start(ana, "trip", tuple(fields_of(schema).values()), None, Locale.of("de-DE"))
    assert 'value="1,5"' in page
    assert read_field(fields_of(schema)["rate"], "1,5", Locale.of("de-DE")) == 1.5
