"""Whom a question is asked of: entries that name people, groups, chats and this machine's own surfaces."""

from __future__ import annotations

from collections.abc import Sequence

from sayso.engine._platforms import OWN_KINDS, find_platform, installed_platforms, platform_names
from sayso.engine.errors import InvalidRequest

OPERATOR = "operator"
"""In an audience: everybody who has access to one of this machine's own surfaces."""

REQUESTER = "requester"
"""In an audience or a policy: whoever started the run, once it asks."""

LOCAL_SURFACES = frozenset({"console", "web", "api"})
"""The surfaces that `operator` stands for. Of programs with a token, it stands for those alone that are operators."""

CODE = "code"
"""The way in of trusted code in the process: input by name, `WorkflowEngine.run({...})`."""

GROUP = "group"
"""The kind of an entry that names a group of the directory: `group:sre`."""

_PROGRAM = "token:"
_WEB = "web"
_PERSON_KINDS = frozenset({"local", _WEB, "token", "person"})


def is_person(entry: str) -> bool:
    """Whether an entry names one person: `person:ana`, `web:ana`, an account as its platform writes it, or
    `requester`.
    """
    kind, _, rest = entry.partition(":")
    if kind in _PERSON_KINDS:
        return bool(rest.strip())
    if entry == REQUESTER:
        return True
    platform = find_platform(kind)
    return platform is not None and platform.is_person(rest)


def is_no_person(entry: str) -> bool:
    """Whether an entry certainly names none: what was written for a platform that is not installed here, or not any
    more, nobody can tell, and what is stored has to be read all the same.
    """
    kind, colon, _ = entry.partition(":")
    is_known = not colon or kind in OWN_KINDS or kind in platform_names()
    return is_known and not is_person(entry)


def canonical(entry: str) -> str:
    """The one form of an entry or account. Names on the web (`web:NAME`) are typed by people or come from a proxy's
    directory, so their case and extra spaces are ignored. Ids of platforms are not changed, and neither is `web`, the
    surface.
    """
    kind, colon, name = entry.partition(":")
    return f"{kind}:{' '.join(name.split()).casefold()}" if kind == _WEB and colon else entry


def is_group(entry: str) -> bool:
    """Whether an entry names a group of the directory."""
    kind, _, name = entry.partition(":")
    return kind == GROUP and bool(name)


def is_program(person: str) -> bool:
    """Whether somebody is a program, which its token gives access."""
    return person.startswith(_PROGRAM)


def parse_audience(to: str | Sequence[str] | None) -> tuple[str, ...]:
    """The audience of `to=`: destinations, people, `requester`, or `operator`, which it is when nothing is named.

    An empty list is nobody. Raises `InvalidRequest` for what names neither a destination nor a person.
    """
    if to is None:
        return (OPERATOR,)
    entries = (to,) if isinstance(to, str) else tuple(to)
    for entry in entries:
        if not _is_audience(entry):
            chats = " or ".join(one.example_place for one in installed_platforms())
            raise InvalidRequest(
                "to",
                f"{entry!r} names nobody. Use requester, console, web, api, operator, a chat such as {chats}, "
                "a person such as person:ana or local:ana, or a group such as group:sre",
            )
    return tuple(dict.fromkeys(canonical(entry) for entry in entries))


def _is_audience(entry: object) -> bool:
    if not isinstance(entry, str):
        return False
    if entry in (OPERATOR, REQUESTER) or entry in LOCAL_SURFACES:
        return True
    kind, _, name = entry.partition(":")
    return bool(name) and kind.isidentifier()


def chats(entries: Sequence[str]) -> list[str]:
    """Those of some entries that are places for messages: chats and people there. The terminal and the web inbox list
    what is open and need none; what `person:` and `group:` stand for, the directory knows.
    """
    return [
        entry for entry in entries if ":" in entry and entry.partition(":")[0] not in _PERSON_KINDS | {GROUP}
    ]
