"""A request as a card of this service: with the names of its places, and the inbox that it links to."""

from __future__ import annotations

from collections.abc import Sequence

from sayso.adapters.cards import Card, Message, Words, build_card, notice_message
from sayso.config import Settings
from sayso.engine import CardRecord, Notice


def card_of(
    record: CardRecord, settings: Settings, notices: Sequence[Words | str] = (), reader: str | None = None
) -> Card:
    """The card of a request as it stands; `reader` is the account of the only one who reads it, where there is one."""
    return build_card(record, settings.place_names, notices, inbox=settings.http.public_url, reader=reader)


def message_of(record: CardRecord, notice: Notice, settings: Settings) -> Message | None:
    """A message beside the cards; None where there is nothing to say any more."""
    return notice_message(record, card_of(record, settings), notice, settings.place_names)


def accounts_of(entries: Sequence[str], settings: Settings, platform: str) -> list[str]:
    """The platform's own ids of the people among some entries: for mentions."""
    directory = settings.directory()
    accounts = [account for entry in entries for account in directory.accounts_of(entry)]
    found = [
        one.rpartition(":")[2] for one in accounts if one.startswith(f"{platform}:") and _is_account(one)
    ]
    return list(dict.fromkeys(found))


def groups_of(entries: Sequence[str], settings: Settings) -> list[str]:
    """The ids of the Slack user groups among some entries."""
    names = [entry.removeprefix("group:") for entry in entries if entry.startswith("group:")]
    found = [settings.groups[name].slack for name in names if name in settings.groups]
    return [one for one in found if one is not None]


def _is_account(entry: str) -> bool:
    """Whether it names somebody's account, and not a chat."""
    platform, _, rest = entry.partition(":")
    return ":" in rest if platform == "slack" else rest.isdecimal()
