"""`sayso sign-in`, `token`, `access` and `shut-out`: who is let in to the inbox and the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from sayso.adapters.console import instant_words, visible_line
from sayso.bots.cli._acting import carry_out, read
from sayso.bots.cli._options import DatabaseOption, JsonFlag
from sayso.bots.cli._output import Output
from sayso.bots.cli._problems import NotFound
from sayso.bots.cli._upkeep import read_age
from sayso.bots.client import Service, ServiceClient
from sayso.bots.exit_codes import ExitCode
from sayso.config import needs_extra
from sayso.engine import Credential, CredentialKind, Scope, local_person

if TYPE_CHECKING:
    from sayso.bots.http import Credentials
    from sayso.engine import SQLiteStore

T = TypeVar("T")
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="What the person or program is called.", show_default=False)
]
DEFAULT_SCOPES = (Scope.START, Scope.READ)
"""Those of a token that is made without any: enough for a script that asks and waits."""

_KINDS = {
    CredentialKind.LINK: "a link that is not used yet",
    CredentialKind.SESSION: "signed in",
    CredentialKind.TOKEN: "a token",
}


def sign_in(name: NameArgument, *, database: DatabaseOption = None, as_json: JsonFlag = False) -> ExitCode:
    """Print a link that signs NAME in to the inbox of the running service, once, within ten minutes.

    Whoever has the link is web:NAME. Give it to that person alone.
    """
    output = Output(as_json=as_json)
    service = Service.build(database)
    client = service.client()
    if client is None:
        raise NotFound(
            f"no service runs on {service.path}, so there is no inbox. Start one with `sayso serve`."
        )
    with client:
        url = client.sign_in_link(name)
    output.say(f"This signs web:{visible_line(name)} in, once, within ten minutes:")
    output.say(f"  {url}", "green")
    output.value({"person": f"web:{name}", "url": url})
    return ExitCode.OK


def token(
    name: NameArgument,
    *,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(
            help="What the token may do; can be repeated. Default: start and read. No token can have answer together "
            "with start or ask.",
            show_default=False,
        ),
    ] = None,
    expires: Annotated[
        str, typer.Option(metavar="AGE", help="How long the token works, at most 366d.")
    ] = "90d",
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Make a token with which a program calls the API as token:NAME. It is shown once and stored as a hash."""
    output = Output(as_json=as_json)
    scopes = tuple(dict.fromkeys(scope or DEFAULT_SCOPES))
    lives = read_age(expires)
    made, until = _act(
        Service.build(database),
        lambda client: client.make_token(name, scopes, lives),
        lambda _, credentials: credentials.make_token(name, scopes, lives),
    )
    output.say(f"token:{visible_line(name)}; it is not shown again. Send it as: Authorization: Bearer TOKEN")
    output.say(f"  {made}", "green")
    output.say(f"Scopes: {_scope_words(scopes)}. Expires: {instant_words(until, datetime.now(UTC))}.")
    output.value(
        {
            "person": f"token:{name}",
            "token": made,
            "scopes": sorted(scopes),
            "expires_at": until.isoformat(),
        }
    )
    return ExitCode.OK


def access(*, database: DatabaseOption = None, as_json: JsonFlag = False) -> ExitCode:
    """List who is let in to the inbox and the API."""
    output = Output(as_json=as_json)
    found = read(Service.build(database), lambda reader: reader.credentials(datetime.now(UTC)))
    if found:
        output.show(_table(found))
        if old := [one.person for one in found if one.expires_at is None]:
            output.say(
                f"{visible_line(', '.join(old))}: from before tokens had an end. To renew one, run `sayso shut-out "
                "token:NAME`, then `sayso token NAME --scope ...`."
            )
    else:
        output.say("Nobody is let in. `sayso sign-in NAME` and `sayso token NAME` do.")
    output.value({"credentials": msgspec.to_builtins(found)})
    return ExitCode.OK


def shut_out(
    person: Annotated[
        str,
        typer.Argument(metavar="PERSON", help="web:NAME or token:NAME, as listed.", show_default=False),
    ],
    *,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Remove every token, session and link of PERSON, who is let in no more from now on."""
    output = Output(as_json=as_json)

    async def remove(store: SQLiteStore, _credentials: Credentials) -> int:
        return await store.shut_out(person, local_person())

    removed = _act(Service.build(database), lambda client: client.shut_out(person), remove)
    if not removed:
        raise NotFound(f"nothing lets {person!r} in. `sayso access` lists who is let in.")
    output.say(f"{visible_line(person)} is let in no more: {removed} removed.")
    output.value({"person": person, "removed": removed})
    return ExitCode.OK


def _act(
    service: Service,
    ask_service: Callable[[ServiceClient], T],
    act: Callable[[SQLiteStore, Credentials], Awaitable[T]],
) -> T:
    """By the service that runs on the database, or else on the file itself."""

    async def on_file(store: SQLiteStore) -> T:
        with needs_extra("the API", "web"):
            from sayso.bots.http import Credentials
        return await act(store, Credentials(store, (), local_person()))

    return carry_out(service, ask_service, on_file)[0]


def _scope_words(scopes: Sequence[Scope]) -> str:
    return ", ".join(sorted(scopes))


def _table(found: list[Credential]) -> Table:
    now = datetime.now(UTC)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("who", "how", "may", "since", "until"):
        table.add_column(name, overflow="fold")
    for one in found:
        until = "no end" if one.expires_at is None else instant_words(one.expires_at, now)
        is_over = one.expires_at is not None and one.expires_at <= now
        table.add_row(
            Text(visible_line(one.person)),
            Text(f"{_KINDS[one.kind]}{', expired' if is_over else ''}"),
            Text(_scope_words(one.scopes)),
            Text(instant_words(one.made_at, now)),
            Text(until),
        )
    return table
