"""`sayso sign-in`, `token`, `access` and `revoke`: who has access to the inbox and the API."""

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
from sayso.engine import Bounds, Credential, CredentialKind, Scope, local_person

if TYPE_CHECKING:
    from sayso.bots.http import Credentials
    from sayso.engine import Store

T = TypeVar("T")
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the person or program.", show_default=False)
]
ScopeOption = Annotated[
    list[Scope] | None,
    typer.Option(
        help="What the token may do; can be repeated. Default: start and read. `answer` cannot be combined with "
        "start or ask.",
        show_default=False,
    ),
]
PolicyOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="With the scope ask: a policy that its questions may name, and no other; can be repeated. A question "
        "that names none gets the only one.",
        show_default=False,
    ),
]
ToOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHOM",
        help="With the scope ask: a person, chat or group that its questions may name, and no other; can be repeated.",
        show_default=False,
    ),
]
WorkflowOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="With the scope start: a workflow that it may start, and no other; can be repeated.",
        show_default=False,
    ),
]
DEFAULT_SCOPES = (Scope.START, Scope.READ)
"""The scopes of a token created without --scope: enough for a script that starts a run and waits for it."""

_KINDS = {
    CredentialKind.LINK: "unused sign-in link",
    CredentialKind.SESSION: "session",
    CredentialKind.TOKEN: "token",
}


def sign_in(name: NameArgument, *, database: DatabaseOption = None, as_json: JsonFlag = False) -> ExitCode:
    """Print a link that signs NAME in to the inbox of the running service. It works once, within ten minutes.

    Anyone who opens the link is signed in as web:NAME, so give it only to that person.
    """
    output = Output(as_json=as_json)
    service = Service.build(database)
    client = service.client()
    if client is None:
        raise NotFound(
            f"No service is running on {service.name}, so there is no inbox. Start one with `sayso serve`."
        )
    with client:
        url = client.sign_in_link(name)
    if note := _unlisted(service, f"web:{name}"):
        output.note(note)
    output.say(f"Sign-in link for web:{visible_line(name)}. It works once, within ten minutes:")
    output.say(f"  {url}", "green")
    output.value({"person": f"web:{name}", "url": url})
    return ExitCode.OK


def _unlisted(service: Service, account: str) -> str:
    """What to say of an account that belongs to nobody where people are listed; nothing of others."""
    settings = service.settings
    if not settings.people or len(settings.directory().ids_of(account)) > 1:
        return ""
    if len(read(service, lambda reader: reader.ids_of(account))) > 1:
        return ""
    shown = visible_line(account)
    return f"{shown} is not an account of anyone under [people] in sayso.toml, so it counts as a separate person."


def token(
    name: NameArgument,
    *,
    scope: ScopeOption = None,
    policy: PolicyOption = None,
    to: ToOption = None,
    workflow: WorkflowOption = None,
    expires: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the token is valid, at most 366d.")
    ] = "90d",
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Create an API token for a program, which acts as token:NAME. The token is shown only once."""
    output = Output(as_json=as_json)
    scopes = tuple(dict.fromkeys(scope or DEFAULT_SCOPES))
    lives = read_age(expires)
    bounds = Bounds(tuple(policy or ()), tuple(to or ()), tuple(workflow or ()))
    made, until = _act(
        Service.build(database),
        lambda client: client.make_token(name, scopes, lives, bounds),
        lambda _, credentials: credentials.make_token(name, scopes, lives, bounds),
    )
    output.say(f"Created token:{visible_line(name)}. Copy the token now; it won't be shown again:")
    output.say(f"  {made}", "green")
    output.say(f"Scopes: {_scope_words(scopes)}. Expires: {instant_words(until, datetime.now(UTC))}.")
    if bounds:
        output.say(f"Allowed only: {visible_line(str(bounds))}.")
    output.say("Send it as: Authorization: Bearer TOKEN")
    output.value(
        {
            "person": f"token:{name}",
            "token": made,
            "scopes": sorted(scopes),
            "bounds": msgspec.to_builtins(bounds) if bounds else None,
            "expires_at": until.isoformat(),
        }
    )
    return ExitCode.OK


def access(*, database: DatabaseOption = None, as_json: JsonFlag = False) -> ExitCode:
    """List who has access to the inbox and the API."""
    output = Output(as_json=as_json)
    found = read(Service.build(database), lambda reader: reader.credentials(datetime.now(UTC)))
    if found:
        output.show(_table(found))
        if old := [one.person for one in found if one.expires_at is None]:
            output.say(
                f"{visible_line(', '.join(old))}: created before tokens expired. To replace one, run `sayso revoke "
                "token:NAME`, then `sayso token NAME --scope ...`."
            )
    else:
        output.say("Nobody has access yet. Grant it with `sayso sign-in NAME` or `sayso token NAME`.")
    output.value({"credentials": msgspec.to_builtins(found)})
    return ExitCode.OK


def revoke(
    person: Annotated[
        str,
        typer.Argument(
            metavar="PERSON", help="web:NAME or token:NAME, as `sayso access` lists it.", show_default=False
        ),
    ],
    *,
    database: DatabaseOption = None,
    as_json: JsonFlag = False,
) -> ExitCode:
    """Revoke all access of PERSON at once: tokens, sessions and sign-in links."""
    output = Output(as_json=as_json)

    async def remove(store: Store, _credentials: Credentials) -> int:
        return await store.revoke(person, local_person())

    removed = _act(Service.build(database), lambda client: client.revoke(person), remove)
    if not removed:
        raise NotFound(f"{person!r} has no access. `sayso access` lists who has.")
    counted = "1 credential" if removed == 1 else f"{removed} credentials"
    output.say(f"Access revoked for {visible_line(person)}: {counted} removed.")
    output.value({"person": person, "removed": removed})
    return ExitCode.OK


def _act(
    service: Service,
    ask_service: Callable[[ServiceClient], T],
    act: Callable[[Store, Credentials], Awaitable[T]],
) -> T:
    """By the service that runs on the database, or else on the file itself."""

    async def on_file(store: Store) -> T:
        with needs_extra("the API", "web"):
            from sayso.bots.http import Credentials
        return await act(store, Credentials(store, (), local_person()))

    return carry_out(service, ask_service, on_file)[0]


def _scope_words(scopes: Sequence[Scope]) -> str:
    return ", ".join(sorted(scopes))


def _table(found: list[Credential]) -> Table:
    now = datetime.now(UTC)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("Who", "Access", "Scopes", "Only", "Since", "Expires"):
        table.add_column(name, overflow="fold")
    for one in found:
        until = "never" if one.expires_at is None else instant_words(one.expires_at, now)
        is_over = one.expires_at is not None and one.expires_at <= now
        table.add_row(
            Text(visible_line(one.person)),
            Text(f"{_KINDS[one.kind]}{', expired' if is_over else ''}"),
            Text(_scope_words(one.scopes)),
            Text(visible_line(str(one.bounds or ""))),
            Text(instant_words(one.made_at, now)),
            Text(until),
        )
    return table
