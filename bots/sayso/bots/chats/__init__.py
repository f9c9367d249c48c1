"""What all chat platforms share: the seam that each comes through, the outbox, cards, and which presses count.

Who presses and what it decides is for `answers`; how a message is sent, read and locked is the platform's.
"""

from sayso.bots.chats._budget import Budget, Rate
from sayso.bots.chats._cards import (
    Attachment,
    accounts_of,
    attachments,
    card_of,
    lacks_rest,
    rest_mark,
)
from sayso.bots.chats._configured import check_platforms, configured_platforms
from sayso.bots.chats._findings import Finding
from sayso.bots.chats._lifetime import (
    FIRST_BACK_OFF,
    LONGEST_BACK_OFF,
    REPLIES_LIVE,
    WORDS_LIVE,
    Afterwards,
    Ready,
    Stopping,
    Tasks,
    pause_after,
)
from sayso.bots.chats._messages import Reference, UnderWay
from sayso.bots.chats._outbox import Outbox
from sayso.bots.chats._platform import Connection, Listener, Parts, Platform, PlatformCounts
from sayso.bots.chats._presses import Judged, Presses, Seen, Standing, Strikes, outdated_words
from sayso.bots.chats._proxies import proxy_for
from sayso.bots.chats._refusals import Patience, Refusals
from sayso.bots.chats._set_up import AnswerUnusable, HasSetUp, Questions, SetUp
from sayso.bots.chats._surface import (
    CardSurface,
    ContentRefused,
    DeliveryProblem,
    Keep,
    MessageGone,
    Said,
    Throttled,
    Unclear,
    Undeliverable,
    UnknownRefusal,
)

__all__ = [
    "FIRST_BACK_OFF",
    "LONGEST_BACK_OFF",
    "REPLIES_LIVE",
    "WORDS_LIVE",
    "Afterwards",
    "AnswerUnusable",
    "Attachment",
    "Budget",
    "CardSurface",
    "Connection",
    "ContentRefused",
    "DeliveryProblem",
    "Finding",
    "HasSetUp",
    "Judged",
    "Keep",
    "Listener",
    "MessageGone",
    "Outbox",
    "Parts",
    "Patience",
    "Platform",
    "PlatformCounts",
    "Presses",
    "Questions",
    "Rate",
    "Ready",
    "Reference",
    "Refusals",
    "Said",
    "Seen",
    "SetUp",
    "Standing",
    "Stopping",
    "Strikes",
    "Tasks",
    "Throttled",
    "Unclear",
    "Undeliverable",
    "UnderWay",
    "UnknownRefusal",
    "accounts_of",
    "attachments",
    "card_of",
    "check_platforms",
    "configured_platforms",
    "lacks_rest",
    "outdated_words",
    "pause_after",
    "proxy_for",
    "rest_mark",
]
