"""The client of a sayso service: ask people from any program, and wait for what they decide.

It needs httpx and msgspec, and imports nothing else of sayso. No answer is never a yes: `approved` is true only if the
service says that people approved; whatever fails raises an error or leaves the request open.
"""

from sayso.client._client import AsyncClient, Client
from sayso.client._content import Code, Content, Diff, File, Image, Link, Markdown, Table
from sayso.client._errors import (
    AlreadyUsed,
    InvalidAddress,
    KeyReused,
    NotApproved,
    Refused,
    SaysoError,
    Unreachable,
)
from sayso.client._values import Consumption, Decision, GrantUse, InputType, Question, Request, Rule, Vote

__all__ = [
    "AlreadyUsed",
    "AsyncClient",
    "Client",
    "Code",
    "Consumption",
    "Content",
    "Decision",
    "Diff",
    "File",
    "GrantUse",
    "Image",
    "InputType",
    "InvalidAddress",
    "KeyReused",
    "Link",
    "Markdown",
    "NotApproved",
    "Question",
    "Refused",
    "Request",
    "Rule",
    "SaysoError",
    "Table",
    "Unreachable",
    "Vote",
]
