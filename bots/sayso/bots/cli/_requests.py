"""`sayso requests` and `sayso answer`: what is open, and answering it from a command line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

import typer
from msgspec.structs import replace

from sayso.adapters.cards import granted_words, longer_command
from sayso.adapters.console import instant_words, outcome_words, requests_table, visible_line
from sayso.bots.cli._acting import carry_out, read
from sayso.bots.cli._conversation import CONSOLE
from sayso.bots.cli._ids import find_request, find_run, read_address
from sayso.bots.cli._options import DatabaseOption, JsonFlag
from sayso.bots.cli._output import Output
from sayso.bots.cli._reading import own_locale, read_reason
from sayso.bots.cli._terminal import EndOfInput, Terminal
from sayso.bots.client import Service
from sayso.bots.exit_codes import ExitCode
from sayso.engine import (
    AnswerAttempt,
    InvalidAnswer,
    Json,
    Outcome,
    OutcomeKind,
    Reader,
    RequestRecord,
    Store,
    local_person,
)

_Address: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="ID@REV",
        help="Request and revision from `sayso requests`; the first six characters of the ID are enough.",
        show_default=False,
    ),
]
_Value: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="VALUE",
        help="An option's value or label (separate several with commas), yes or no, a number, text, or JSON.",
        show_default=False,
    ),
]
_Comment: TypeAlias = Annotated[
    str | None, typer.Option(help="A comment to record with the answer.", show_default=False)
]
_EventKey: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="KEY",
        help="Idempotency key: repeating the command with the same key returns the first result.",
        show_default=False,
    ),
]
_BreakGlass: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--break-glass",
        help="Emergency approval, if the policy names you for it; requires --comment.",
    ),
]
_Grant: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="OFFER",
        help="Approve later requests like it too, as the policy offers: session, 1h, 5x.",
        show_default=False,
    ),
]

_MOST_LONGER = 5
"""Requests below the list that say how to approve them for longer."""

_DONE = frozenset({OutcomeKind.RESOLVED, OutcomeKind.COUNTED, OutcomeKind.HELD, OutcomeKind.DUPLICATE})


def requests(
    *,
    run_id: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", help="Only requests of this run.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of requests.")] = 1000,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """List open requests, oldest first."""
    output = Output(as_json=as_json)

    async def find(reader: Reader) -> list[RequestRecord]:
        of_run = None
        if run_id is not None:
            of_run = (await reader.run(await find_run(reader, run_id))).run_id
        return await reader.pending(of_run, limit + 1)

    open_now = read(Service.build(database), find)
    found, is_more = open_now[:limit], len(open_now) > limit
    if as_json:
        output.value({"requests": [one.as_dict() for one in found], "more": is_more})
    elif found:
        output.show(requests_table(found, datetime.now(UTC)))
        if is_more:
            output.say(f"Showing the oldest {limit}. To see more, raise --limit.")
        output.say("To answer: sayso answer ID@REVISION VALUE", "dim")
        _say_longer(output, found)
    else:
        output.say("No open requests.")
    return ExitCode.OK


def _say_longer(output: Output, requests: Sequence[RequestRecord]) -> None:
    """Say which of them can be approved for longer, how, and what that covers."""
    found = [one for request in requests if (one := longer_command(request)) is not None]
    for command, covers in found[:_MOST_LONGER]:
        output.say(f"To approve for longer: {command}\n  {covers}", "dim")
    if len(found) > _MOST_LONGER:
        output.say(
            f"So can {len(found) - _MOST_LONGER} others. To see them, name their run with --run.", "dim"
        )


def answer(
    address: _Address,
    value: _Value,
    *,
    comment: _Comment = None,
    event_key: _EventKey = None,
    break_glass: _BreakGlass = False,
    grant: _Grant = None,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Answer a request as the user logged in on this machine, and print the outcome.

    If a service is running, the workflow continues at once; otherwise it continues when you resume it with `sayso run`.
    Put -- before a VALUE that starts with a hyphen.
    """
    output = Output(as_json=as_json)
    service = Service.build(database)
    given_id, revision = read_address(address)
    record = read(service, lambda reader: find_request(reader, given_id))
    found_id = given_id if record is None else record.id
    typed = AnswerAttempt(
        found_id,
        revision,
        value,
        local_person(),
        CONSOLE,
        event_key,
        comment,
        break_glass=break_glass,
        offer=grant,
    )
    attempt = _meant(record, typed, output)
    if attempt is None:
        return ExitCode.INTERRUPTED
    answered = _answer(service, record, attempt)
    until = _granted(service, found_id, attempt) if answered[1].accepted else ""
    return _say(output, record, answered, until)


def _granted(service: Service, request_id: str, attempt: AnswerAttempt | Outcome) -> str:
    """What somebody granted just now, and until when it holds; nothing where they granted nothing."""
    if isinstance(attempt, Outcome) or attempt.offer is None:
        return ""
    card = read(service, lambda reader: reader.card(request_id))
    words = () if card is None else granted_words(card, attempt.person, attempt.offer)
    now = datetime.now(UTC)
    return "".join(one if isinstance(one, str) else instant_words(one, now) for one in words).strip()


def _say(
    output: Output, record: RequestRecord | None, answered: tuple[Json, Outcome, bool], granted: str
) -> ExitCode:
    """Say what became of an answer, what it granted, and what to do where no service drives the run on."""
    said, outcome, is_served = answered
    question = None if record is None else record.question
    output.show(outcome_words(outcome, question, said, own_locale()))
    if granted:
        output.say(granted)
    if outcome.kind is OutcomeKind.RESOLVED and record is not None and not is_served:
        output.say(f"To continue, run: sayso run MODULE:WORKFLOW {visible_line(record.run_id)}", "dim")
    output.value(_as_dict(record, outcome))
    return ExitCode.OK if outcome.kind in _DONE else _refusal_code(outcome)


def _refusal_code(outcome: Outcome) -> ExitCode:
    return ExitCode.NOT_FOUND if outcome.kind is OutcomeKind.UNKNOWN else ExitCode.FAILED


def _as_dict(record: RequestRecord | None, outcome: Outcome) -> dict[str, Any]:
    return {
        "id": None if record is None else record.id,
        "run_id": None if record is None else record.run_id,
        "outcome": outcome.kind,
        "reason": outcome.reason,
        "repeated": outcome.repeated,
    }


def _meant(
    record: RequestRecord | None, typed: AnswerAttempt, output: Output
) -> AnswerAttempt | Outcome | None:
    """The attempt with the value that was typed, and with the reason that its person gives at the terminal where one is
    asked for; or why that is no answer, and None where they leave instead.
    """
    # A text that was meant for another revision is read by no question; the store says that it was superseded.
    if record is None or not record.open or record.revision != typed.revision:
        return typed
    try:
        value = record.question.read_text(str(typed.value), own_locale())
    except InvalidAnswer as error:
        return Outcome(OutcomeKind.INVALID, str(error))
    attempt = replace(typed, value=value)
    if attempt.comment is not None or attempt.break_glass or not output.has_reader:
        return attempt
    reason = read_reason(record, value, Terminal(sys.stdin.fileno()), output)
    try:
        return replace(attempt, comment=asyncio.run(reason))
    except (KeyboardInterrupt, EndOfInput):
        output.say("")
        output.say("Stopped before an answer was recorded.")
        return None


def _answer(
    service: Service, record: RequestRecord | None, attempt: AnswerAttempt | Outcome
) -> tuple[Json, Outcome, bool]:
    """The value that was meant, what became of it, and whether a service took it."""
    if isinstance(attempt, Outcome):
        return None, attempt, False

    async def act(store: Store) -> Outcome:
        asked = () if record is None else record.concerned
        async with service.runtime(store) as runtime:  # from here on the store knows whose accounts are whose
            facts = await service.facts(store.reader, asked, attempt.person)
            return await runtime.take(replace(attempt, facts=facts))

    outcome, is_served = carry_out(
        service,
        lambda client: client.answer(
            attempt.request_id,
            attempt.revision,
            attempt.value,
            comment=attempt.comment,
            event_key=attempt.event_key,
            break_glass=attempt.break_glass,
            grant=attempt.offer,
        ),
        act,
    )
    return attempt.value, outcome, is_served
