"""What people are called, the same on every surface."""

from __future__ import annotations

from collections.abc import Mapping

from sayso.adapters.console._escaping import visible_line

_OWN_NAMES = ("local", "web", "token", "person")
"""Kinds of ids whose last part is a name that people chose."""


def person_name(person: str, names: Mapping[str, str]) -> str:
    """The name of a person, rule or grant for readers: the one that a surface reported, else the id's last part."""
    kind, _, rest = person.partition(":")
    known = names.get(person)
    if known:
        return visible_line(known)
    if kind in ("rule", "grant"):
        return visible_line(f"{kind} {rest[:8] if kind == 'grant' else rest}")
    return visible_line(rest if kind in _OWN_NAMES else person)
