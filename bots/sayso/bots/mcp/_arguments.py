"""What each tool takes. An argument that a tool does not know is refused: a misspelled `policy` must not be dropped."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

LONGEST = 45.0
"""Seconds within which every tool returns: clients commonly give up after 60 (modelcontextprotocol.io, "Timeouts")."""

_Text: TypeAlias = Annotated[str, Meta(min_length=1)]
KEY = r"^[!-~]{1,200}$"
"""What a key may be: it travels in a header (RFC 9110, 5.5)."""

_Key: TypeAlias = Annotated[
    Annotated[str, Meta(pattern=KEY)] | None,
    Meta(
        description="Names this one attempt. The same key with the same words finds the question that was asked "
        "before instead of asking again; use a new key for each run. Default: a new one for each call."
    ),
]
_WaitSeconds: TypeAlias = Annotated[
    float, Meta(ge=0, le=LONGEST, description="Seconds to wait for the answer before this returns.")
]
_Id: TypeAlias = Annotated[_Text, Meta(description="The request's ID.")]


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The arguments of a tool."""


class AskApproval(Arguments, frozen=True, kw_only=True):
    """Ask people whether an action may run."""

    action: Annotated[_Text, Meta(description="What will run if they approve, exactly and in one sentence.")]
    details: Annotated[
        dict[str, Any] | None,
        Meta(
            description="What they need to decide, by name. Show text that matters as it is: "
            '{"type": "code", "text": "...", "language": "sh"} or {"type": "diff", "text": "..."}.'
        ),
    ] = None
    policy: Annotated[
        str | None, Meta(description="Name of a policy of the service, which says who must approve.")
    ] = None
    key: _Key = None
    wait_seconds: _WaitSeconds = LONGEST


class Ask(Arguments, frozen=True, kw_only=True):
    """Ask people for a value."""

    question: Annotated[_Text, Meta(description="The question, in plain words.")]
    options: Annotated[
        list[str] | None, Meta(description="Choices, one of which is the answer. Default: free text.")
    ] = None
    schema: Annotated[
        dict[str, Any] | None,
        Meta(description="JSON Schema of an object; people fill in a form. Not together with options."),
    ] = None
    to: Annotated[
        str | list[str] | None,
        Meta(
            description="People, groups or chats to ask, as the service names them, such as slack:#releases."
        ),
    ] = None
    key: _Key = None
    wait_seconds: _WaitSeconds = LONGEST


class Wait(Arguments, frozen=True, kw_only=True):
    """Wait for the answer to a request."""

    request: _Id
    wait_seconds: _WaitSeconds = LONGEST


class Named(Arguments, frozen=True, kw_only=True):
    """One request."""

    request: _Id


class Nothing(Arguments, frozen=True, kw_only=True):
    """No arguments."""


class Permit(Arguments, frozen=True, kw_only=True):
    """A tool call for which a coding agent needs permission (Claude Code's `--permission-prompt-tool`)."""

    tool_name: str
    input: dict[str, Any]
    tool_use_id: str | None = None
