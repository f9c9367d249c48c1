"""`sayso requests` and `sayso answer`: what is open, and answering it from a command line."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from sayso.adapters.console import outcome_words, read_value, requests_table, visible_line
from sayso.bots.cli._conversation import CONSOLE
from sayso.bots.cli._exit_codes import ExitCode, NotFound, UsageProblem
from sayso.bots.cli._options import DatabaseOption, JsonFlag
from sayso.bots.cli._output import Output
from sayso.bots.client import ServiceClient
from sayso.bots.service import Service
from sayso.engine import (
    InvalidAnswer,
    Json,
    Outcome,
    OutcomeKind,
    RequestRecord,
    SQLiteReader,
    local_person,
)

_ADDRESS = re.compile(r"([0-9a-f]{6,32})@([0-9]{1,9})")
_ID = re.compile(r"[0-9a-f]{6,32}")
_FULL_ID = 32
_ALL = 1_000_000
_DONE = frozenset({OutcomeKind.RESOLVED, OutcomeKind.COUNTED, OutcomeKind.HELD, OutcomeKind.DUPLICATE})


def requests(
    *,
    run_id: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", help="Only requests of this run.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 1000,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """List the open requests, the oldest first. Works while another process drives their runs."""
    output = Output(as_json=as_json)

    async def read() -> list[RequestRecord]:
        async with Service.build(database).reader() as reader:
            if run_id is not None:
                await reader.run(run_id)
            return await reader.pending(run_id, limit)

    found = asyncio.run(read())
    if as_json:
        output.value({"requests": [one.as_dict() for one in found]})
    elif found:
        output.show(requests_table(found, datetime.now(UTC)))
        output.say("Answer one with: sayso answer ID@REVISION VALUE", "dim")
    else:
        output.say("No open requests.")
    return ExitCode.OK


def answer(
    address: Annotated[
        str,
        typer.Argument(
            metavar="ID@REV",
            help="The request and its revision, as `sayso requests` shows them; six or more characters of the id do.",
            show_default=False,
        ),
    ],
    value: Annotated[
        str,
        typer.Argument(
            metavar="VALUE",
            help="An option's value or label (several with commas), yes or no, a number, a text, or a form as JSON.",
            show_default=False,
        ),
    ],
    *,
    comment: Annotated[str | None, typer.Option(help="Recorded with the answer.", show_default=False)] = None,
    event_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Names this attempt: repeated with the same key, it returns what became of it the first time.",
            show_default=False,
        ),
    ] = None,
    break_glass: Annotated[
        bool,
        typer.Option(
            "--break-glass",
            help="Approve alone, where the policy names you for emergencies; --comment says why.",
        ),
    ] = False,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Answer a request, as the person who is logged in here. Nothing but the outcome that is printed happened.

    Through the running service, if there is one: then the run goes on at once. Otherwise it does when its workflow is
    run next. Put -- before a VALUE that begins with a hyphen.
    """
    output = Output(as_json=as_json)
    service = Service.build(database)
    given_id, revision = read_address(address)
    client = service.client()
    record, outcome, said = asyncio.run(
        _answer(
            service,
            client,
            given_id,
            revision,
            value,
            comment=comment,
            event_key=event_key,
            break_glass=break_glass,
        )
    )
    question = None if record is None else record.question
    output.show(outcome_words(outcome, question, said))
    if outcome.kind is OutcomeKind.RESOLVED and record is not None and client is None:
        output.say(f"It does with: sayso run MODULE:WORKFLOW {visible_line(record.run_id)}", "dim")
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


def read_address(address: str) -> tuple[str, int]:
    """A request's id and revision as they are typed. Raises `UsageProblem`."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise UsageProblem(
            f"{address!r} is no ID@REV: write the request's id (six or more of its characters), @, and its revision, "
            "as `sayso requests` shows them."
        )
    return match[1], int(match[2])


def read_id(given: str) -> str:
    """A request's id, or its beginning, as it is typed. Raises `UsageProblem`."""
    if _ID.fullmatch(given) is None:
        raise UsageProblem(f"{given!r} is no request's id: write six or more characters of it.")
    return given


async def _answer(
    service: Service,
    client: ServiceClient | None,
    given_id: str,
    revision: int,
    text: str,
    *,
    comment: str | None,
    event_key: str | None,
    break_glass: bool,
) -> tuple[RequestRecord | None, Outcome, Json]:
    async with service.reader() as reader:
        record = await find_request(reader, given_id)
    value: Json = text
    # A text that was meant for another revision is read by no question; the store says that it was superseded.
    if record is not None and record.open and record.revision == revision:
        try:
            value = read_value(record.question, text)
        except InvalidAnswer as error:
            return record, Outcome(OutcomeKind.INVALID, str(error)), text
    found_id = given_id if record is None else record.id
    if client is not None:
        with client:
            return (
                record,
                client.answer(
                    found_id, revision, value, comment=comment, event_key=event_key, break_glass=break_glass
                ),
                value,
            )
    async with service.existing_store() as store, service.runtime(store) as runtime:
        asked = () if record is None else record.concerned
        facts = await service.facts(store.reader, asked, local_person())
        outcome = await runtime.answer(
            found_id,
            revision,
            value,
            person=local_person(),
            via=CONSOLE,
            event_key=event_key,
            comment=comment,
            facts=facts,
            break_glass=break_glass,
        )
    return record, outcome, value


async def find_request(reader: SQLiteReader, given_id: str) -> RequestRecord | None:
    """The request of an id, or of the beginning of an open one's; raises where that is nobody's or several's."""
    if len(given_id) == _FULL_ID:
        return await reader.request(given_id)
    found = [one for one in await reader.pending(limit=_ALL) if one.id.startswith(given_id)]
    if not found:
        raise NotFound(
            f"no open request's id begins with {given_id}. `sayso requests` lists them; one that is closed is found "
            "by its whole id."
        )
    if len(found) > 1:
        raise UsageProblem(f"{len(found)} open requests begin with {given_id}; give more of the id.")
    return found[0]
