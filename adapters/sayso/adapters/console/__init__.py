"""The terminal: cards and listings as rich renderables, typed replies as values. No input or output happens here.

Whatever people wrote is shown, never obeyed: neither rich's markup nor control sequences in it take effect.
"""

from sayso.adapters.console._cards import (
    answer_words,
    attention_card,
    audience_words,
    instant_words,
    may_answer_here,
    outcome_words,
    request_card,
    result_card,
)
from sayso.adapters.console._content import content_text, size_words, stands_out, table_rows
from sayso.adapters.console._drawing import draw_content
from sayso.adapters.console._escaping import csv_cell, quoted, set_off, visible, visible_line
from sayso.adapters.console._forms import (
    EXAMPLE_DAY,
    REMOVE_ENTRY,
    REQUIRED,
    Entered,
    Rejected,
    check_field,
    default_words,
    entry_of,
    field_help,
    field_hint,
    form_fields,
    has_entries,
    most_entries,
    most_words,
    put_together,
    read_field,
    read_form,
    read_list,
    value_words,
)
from sayso.adapters.console._ids import SHORTEST, parse_address, parse_id
from sayso.adapters.console._listings import audit_table, findings_table, requests_table, runs_table
from sayso.adapters.console._markdown import Block, Span, read_markdown
from sayso.adapters.console._names import person_name
from sayso.adapters.console._replies import EmptyReply, first_word, is_numbered, read_reply, reply_hint

__all__ = [
    "EXAMPLE_DAY",
    "REMOVE_ENTRY",
    "REQUIRED",
    "SHORTEST",
    "Block",
    "EmptyReply",
    "Entered",
    "Rejected",
    "Span",
    "answer_words",
    "attention_card",
    "audience_words",
    "audit_table",
    "check_field",
    "content_text",
    "csv_cell",
    "default_words",
    "draw_content",
    "entry_of",
    "field_help",
    "field_hint",
    "findings_table",
    "first_word",
    "form_fields",
    "has_entries",
    "instant_words",
    "is_numbered",
    "may_answer_here",
    "most_entries",
    "most_words",
    "outcome_words",
    "parse_address",
    "parse_id",
    "person_name",
    "put_together",
    "quoted",
    "read_field",
    "read_form",
    "read_list",
    "read_markdown",
    "read_reply",
    "reply_hint",
    "request_card",
    "requests_table",
    "result_card",
    "runs_table",
    "set_off",
    "size_words",
    "stands_out",
    "table_rows",
    "value_words",
    "visible",
    "visible_line",
]
