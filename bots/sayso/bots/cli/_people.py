"""`sayso people`: who is who; `withdraw` and `reassign`: changing a request without answering it."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from sayso.adapters.console import visible_line
from sayso.bots.cli._acting import carry_out, read
from sayso.bots.cli._ids import find_request, read_address, read_id
from sayso.bots.cli._options import DatabaseOption, JsonFlag
from sayso.bots.cli._output import Output
from sayso.bots.client import Service
from sayso.bots.exit_codes import ExitCode
from sayso.config import GroupSettings, find_settings
from sayso.engine import Outcome, OutcomeKind, Store, local_person

_CONSOLE = "console"


def people(*, database: DatabaseOption = None, as_json: JsonFlag = False) -> ExitCode:
    """List the people and groups in sayso.toml, and the accounts that people have linked."""
    output = Output(as_json=as_json)
    service = Service.build(database)
    settings = service.settings
    accounts = read(service, lambda reader: reader.accounts()) if service.is_there() else []
    linked = [one for one in accounts if one.linked_at is not None]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("Who", "Name", "Accounts"):
        table.add_column(name, overflow="fold")
    for name, person in settings.people.items():
        entry = f"person:{name}"
        own = [f"{one.account} (linked)" for one in linked if one.person == entry]
        shown = visible_line(", ".join([*person.accounts, *own]))
        table.add_row(Text(entry), Text(visible_line(person.name or name)), Text(shown))
    for one in linked:
        if one.person.removeprefix("person:") not in settings.people:
            table.add_row(Text(one.person), Text(""), Text(visible_line(f"{one.account} (linked)")))
    for name, group in settings.groups.items():
        members = [*group.members, *_of_platforms(group)]
        called = settings.place_names[f"group:{name}"]
        table.add_row(
            Text(f"group:{name}"), Text(visible_line(called)), Text(visible_line(", ".join(members)))
        )
    if table.row_count:
        output.show(table)
    else:
        output.say(
            "No people are configured, so every account counts as a separate person. "
            "Add people under [people] in sayso.toml."
        )
    output.value(
        {
            "people": msgspec.to_builtins(settings.directory().people),
            "groups": {name: one.model_dump(mode="json") for name, one in settings.groups.items()},
            "linked": msgspec.to_builtins(linked),
        }
    )
    return ExitCode.OK


def _of_platforms(group: GroupSettings) -> list[str]:
    platforms = ((find_settings(name), id) for name, id in group.platforms.items())
    return [platform.group_words(id) for platform, id in platforms if platform is not None]


def withdraw(
    request: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Request ID, or at least its first six characters.", show_default=False
        ),
    ],
    *,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Withdraw a request that you asked for. It can no longer be answered, and its workflow is told."""
    given = read_id(request)
    service = Service.build(database)
    record = read(service, lambda reader: find_request(reader, given))
    found = given if record is None else record.id

    async def act(store: Store) -> Outcome:
        async with service.runtime(store) as runtime:
            return await runtime.withdraw(found, person=local_person(), via=_CONSOLE)

    outcome, _ = carry_out(service, lambda client: client.withdraw(found), act)
    return _tell(outcome, Output(as_json=as_json))


def reassign(
    address: Annotated[
        str,
        typer.Argument(
            metavar="ID@REV", help="Request and revision, as `sayso requests` lists them.", show_default=False
        ),
    ],
    to: Annotated[
        str,
        typer.Argument(
            metavar="PERSON", help="Who should answer instead of you, such as person:ana.", show_default=False
        ),
    ],
    *,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Hand a request over to PERSON. If you have already voted, your vote is removed."""
    service = Service.build(database)
    given, revision = read_address(address)
    record = read(service, lambda reader: find_request(reader, given))
    found = given if record is None else record.id

    async def act(store: Store) -> Outcome:
        async with service.runtime(store) as runtime:
            me = local_person()
            asked = () if record is None else record.concerned
            facts = await service.facts(store.reader, asked, me)
            policy = None if record is None else record.policy
            allowed = () if policy is None else policy.hand_over_to
            return await runtime.reassign(
                found, revision, person=me, via=_CONSOLE, to=to, facts=facts,
                to_ids=await store.reader.ids_of(to), to_facts=await service.facts(store.reader, allowed, to),
            )  # fmt: skip

    outcome, _ = carry_out(service, lambda client: client.reassign(found, revision, to), act)
    return _tell(outcome, Output(as_json=as_json))


def _tell(outcome: Outcome, output: Output) -> ExitCode:
    is_done = outcome.kind is OutcomeKind.DONE
    output.say(visible_line(outcome.reason), "green" if is_done else "bold red")
    output.value({"outcome": outcome.kind, "reason": outcome.reason})
    if is_done:
        return ExitCode.OK
    return ExitCode.NOT_FOUND if outcome.kind is OutcomeKind.UNKNOWN else ExitCode.FAILED
