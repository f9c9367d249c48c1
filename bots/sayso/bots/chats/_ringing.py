"""Whom a place rings for: who of those that a request needs can be mentioned there, by the place's own setting.

A mention is made of the policy's entries and the directory alone, never of a text.
"""

from __future__ import annotations

from collections.abc import Sequence

from sayso.adapters.cards import Audible, Mentioned, Mentions, nobody, place_name
from sayso.config import Destination, Settings
from sayso.engine import CardRecord, is_person

_MOST_MEMBERS = 10
"""How many members of a group are mentioned where the group itself cannot be."""


def audible_at(
    record: CardRecord, settings: Settings, place: Destination, *, mentions_groups: bool
) -> Audible:
    """Whom a message beside the cards of a request notifies at a place."""

    def rings_for(entries: Sequence[str]) -> bool:
        if place.ring == "never":
            return False
        return not place.is_direct or any(place.chat_id in _people(settings, one, place) for one in entries)

    return Audible(
        mentions_at(record, settings, place, mentions_groups=mentions_groups),
        rings_for,
        is_on=place.ring != "never",
        is_again=place.ring == "always",
    )


def mentions_at(
    record: CardRecord, settings: Settings, place: Destination, *, mentions_groups: bool
) -> Mentions:
    """Whom words about a request mention at a place: nobody in a private chat, which rings by itself, nor where nothing
    is to ring, and none who have voted or may not. `mentions_groups` says that the platform can mention its own groups.
    """
    if place.is_direct or place.ring == "never":
        return nobody
    directory = settings.directory()
    policy = record.request.policy
    barred = {name for vote in record.votes for name in (vote.person, vote.account, *vote.accounts)}
    barred |= set() if policy is None else {one for name in policy.excluded for one in directory.ids_of(name)}

    def mentions(entry: str) -> tuple[Mentioned, ...]:
        if is_person(entry):
            if barred & set(directory.ids_of(entry)):
                return ()
            name = place_name(entry, {}, {**settings.person_names, **record.names})
            return tuple(Mentioned(name, one) for one in _people(settings, entry, place))
        group = settings.groups.get(entry.removeprefix("group:")) if entry.startswith("group:") else None
        own = None if group is None else group.platforms.get(place.platform)
        if own is not None and mentions_groups:
            return (Mentioned(settings.place_names[entry], own, is_group=True),)
        found = [one for member in directory.members_of(entry) for one in mentions(member)]
        return tuple(found[:_MOST_MEMBERS])

    return mentions


def _people(settings: Settings, entry: str, place: Destination) -> list[str]:
    """The platform's own ids of the people whom an entry means by name."""
    directory = settings.directory()
    entries = directory.members_of(entry) or (entry,)
    accounts = [account for one in entries for account in directory.accounts_of(one)]
    found = [
        one.rpartition(":")[2] for one in accounts if one.startswith(f"{place.platform}:") and is_person(one)
    ]
    return list(dict.fromkeys(found))
