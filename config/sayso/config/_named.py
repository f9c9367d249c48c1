"""Whom the settings name, and where: for whoever checks that these people exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sayso.config._errors import InvalidSettings
from sayso.config._lines import place_of
from sayso.engine import OWN_KINDS, platform_names

if TYPE_CHECKING:
    from pathlib import Path

    from sayso.config._settings import Settings


class NamedEntry(NamedTuple):
    """An entry of a setting. With `is_person`, it must name a person, not a chat."""

    setting: str
    entry: str
    is_person: bool


def named_entries(settings: Settings) -> list[NamedEntry]:
    """All people and chats in settings that say who may act, who is asked, or who is excluded."""
    found: list[NamedEntry] = []
    for workflow in settings.workflows:
        found += _entries(f"starters of {workflow.workflow}", workflow.starters)
        found += _entries(f"to of {workflow.workflow}", workflow.to, is_person=False)
    for name, destination in settings.destinations.items():
        if isinstance(destination.audience, tuple):
            found += _entries(f'destinations."{name}".audience', destination.audience)
    for name, person in settings.people.items():
        found += _entries(f"people.{name}.accounts", person.accounts)
    for name, group in settings.groups.items():
        found += _entries(f"groups.{name}.members", [one for one in group.members if ":" in one])
        found += _entries(f"groups.{name}.to", group.to, is_person=False)
    found += _entries("github.people", list(settings.github.people.values()))
    for one in settings.github.environments:
        found += _entries(f"to of the environment {one.name}", one.to, is_person=False)
    found += _of_policies(settings)
    return found + list(_entries("http.operators", settings.http.operators))


def check_kinds(settings: Settings, path: Path) -> None:
    """Raise `InvalidSettings` for an entry of a kind that there is not, such as `slak:U1`: it would mean nobody, and
    nobody would say so.
    """
    known = OWN_KINDS | platform_names()
    for setting, entry, _ in named_entries(settings):
        kind, colon, _ = entry.partition(":")
        if colon and kind not in known:
            raise InvalidSettings(
                str(path),
                setting,
                f"{entry!r} begins with {kind!r}, which is neither a kind of entry nor an installed platform",
                f"Known here: {', '.join(sorted(known))}. Correct it, or install the platform's package.",
            )


def check_environments(settings: Settings, path: Path) -> None:
    """Raise `InvalidSettings` for an environment on GitHub whose policy does not exist."""
    for position, one in enumerate(settings.github.environments):
        if one.policy is not None and one.policy not in settings.policies:
            raise InvalidSettings(
                place_of(path, ("github", "environments", position)),
                "github.environments.policy",
                f"there is no policy {one.policy!r}",
                f"Add [[policies.{one.policy}.stages]], or correct the name.",
            )


def _of_policies(settings: Settings) -> Iterator[NamedEntry]:
    for name, policy in settings.policies.items():
        key = f"policies.{name}"
        for stage in policy.stages:
            for field in ("approvers", "veto", "fallback"):
                yield from _entries(f"{key}.stages.{field}", getattr(stage, field), is_person=False)
        yield from _entries(f"{key}.escalate_to", policy.escalate_to, is_person=False)
        yield from _entries(f"{key}.break_glass", policy.break_glass)
        yield from _entries(f"{key}.hand_over_to", policy.hand_over_to, is_person=False)
        if policy.author is not None and not policy.author.startswith("details."):
            yield from _entries(f"{key}.author", [policy.author])


def _entries(setting: str, entries: Sequence[str], *, is_person: bool = True) -> Iterator[NamedEntry]:
    for entry in entries:
        yield NamedEntry(setting, entry, is_person)
