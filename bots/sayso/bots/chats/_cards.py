"""A request as a card of this service: with the names of its places, and the inbox that it links to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

from sayso.adapters.cards import Card, Mentions, Words, build_card, nobody
from sayso.config import Settings
from sayso.engine import CardRecord, StoredFile, StoredImage, is_person

Attachment: TypeAlias = StoredImage | StoredFile
"""A picture or file among the details of a card."""

NO_REST = "0"
"""What a message's reference keeps where nothing was sent below it."""

_SOME_REST = "1"
"""What earlier versions kept where everything had been sent, a rest or none."""


def card_of(
    record: CardRecord,
    settings: Settings,
    notices: Sequence[Words | str] = (),
    reader: str | None = None,
    rendering: int | None = None,
    *,
    mentions: Mentions = nobody,
    rings: bool = True,
) -> Card:
    """The card of a request in its present state. `reader` is the account of its only reader, if there is one,
    `rendering` the number that its buttons carry, if it can be pressed. `mentions` and `rings`: see `build_card`.
    """
    return build_card(
        record,
        settings.place_names,
        notices,
        inbox=settings.http.public_url,
        reader=reader,
        rendering=rendering,
        mentions=mentions,
        rings=rings,
    )


def attachments(card: Card) -> tuple[Attachment, ...]:
    """The pictures and files of a card, in their order."""
    contents = (field.content for field in card.details)
    return tuple(one for one in contents if isinstance(one, StoredImage | StoredFile))


def rest_mark(rest: str, files: Sequence[Attachment] = ()) -> str:
    """What a message's reference keeps of what was sent below it: the rest of its question, its pictures and files."""
    below = "".join([rest, *(one.sha256 for one in files)])
    return hashlib.sha256(below.encode()).hexdigest()[:12] if below else NO_REST


def lacks_rest(mark: str, sent: str, *, is_open: bool) -> bool:
    """Whether the messages below a card are not those that belong there, by their marks. What was sent below a closed
    card stays.
    """
    if sent == NO_REST or is_open:
        return mark != sent and not (sent == _SOME_REST and mark == NO_REST)
    return False


def accounts_of(entries: Sequence[str], settings: Settings, platform: str) -> list[str]:
    """The platform's own ids of the people among some entries."""
    directory = settings.directory()
    accounts = [account for entry in entries for account in directory.accounts_of(entry)]
    found = [one.rpartition(":")[2] for one in accounts if one.startswith(f"{platform}:") and is_person(one)]
    return list(dict.fromkeys(found))
