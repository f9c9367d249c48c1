"""Requests as Slack messages, modals and a home view, and Slack's payloads as what somebody did. No I/O."""

from sayso.adapters.slack._card import (
    SlackMessage,
    find_choices,
    render_card,
    render_copy,
    render_former,
    render_words,
)
from sayso.adapters.slack._data import ANSWER_VIEW, COMMAND, Action, CardButton, ViewTag
from sayso.adapters.slack._events import (
    ChannelReturned,
    Commanded,
    Event,
    HomeOpened,
    Ignored,
    Pressed,
    Searched,
    Sender,
    Submitted,
    parse_event,
)
from sayso.adapters.slack._home import home_view
from sayso.adapters.slack._manifest import APP_SCOPES, EVENTS, REQUEST_PATH, SCOPES, manifest
from sayso.adapters.slack._modal import (
    Entered,
    Rejected,
    View,
    answer_view,
    loading_view,
    read_remark,
    read_submission,
    refused_submission,
    remark_view,
    words_view,
)
from sayso.adapters.slack._text import plain

__all__ = [
    "ANSWER_VIEW",
    "APP_SCOPES",
    "COMMAND",
    "EVENTS",
    "REQUEST_PATH",
    "SCOPES",
    "Action",
    "CardButton",
    "ChannelReturned",
    "Commanded",
    "Entered",
    "Event",
    "HomeOpened",
    "Ignored",
    "Pressed",
    "Rejected",
    "Searched",
    "Sender",
    "SlackMessage",
    "Submitted",
    "View",
    "ViewTag",
    "answer_view",
    "find_choices",
    "home_view",
    "loading_view",
    "manifest",
    "parse_event",
    "plain",
    "read_remark",
    "read_submission",
    "refused_submission",
    "remark_view",
    "render_card",
    "render_copy",
    "render_former",
    "render_words",
    "words_view",
]
