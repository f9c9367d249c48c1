"""The sections of the settings: workflows, destinations, people, the HTTP server, the log. Platforms bring theirs."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    StringConstraints,
    model_validator,
)

from sayso.config._addresses import Host, Origin
from sayso.config._platforms import groups, take

Ring: TypeAlias = Literal["always", "first", "never"]
"""When a chat mentions and notifies the people who are needed: see `DestinationSettings.ring`."""

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def _read_duration(given: object) -> object:
    """`30m`, `1h30m`, `2d`: anything else is left to be refused."""
    if isinstance(given, timedelta):
        return given
    match = _DURATION.fullmatch(given.replace(" ", "")) if isinstance(given, str) and given.strip() else None
    if match is None:
        raise ValueError(
            f'invalid duration: {given!r}; use one such as "30m", "4h", "1d" or "1h30m", in quotes'
        )
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _write_duration(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    parts = (
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "m"),
        (seconds % 60, "s"),
    )
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


Duration = Annotated[
    timedelta, BeforeValidator(_read_duration), PlainSerializer(_write_duration, when_used="json")
]


class Section(BaseModel):
    """A table of the file. An unknown key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WorkflowSettings(Section):
    """A workflow that `sayso serve` hosts."""

    workflow: Text = Field(description="The workflow, as MODULE:WORKFLOW.")
    starters: tuple[Text, ...] = Field(
        default=(),
        description="Who may start it from a chat, such as slack:T1:U2 or telegram:7. Default: nobody.",
    )
    to: tuple[Text, ...] = Field(
        default=(),
        description="Where to send requests that name no approvers. Default: the operator at this machine.",
    )


class DestinationSettings(Section):
    """A chat that cards are sent to."""

    id: Text | None = Field(
        default=None, description="The platform's ID of the chat, unless the name is the ID."
    )
    audience: Literal["members"] | tuple[Text, ...] | None = Field(
        default=None,
        description='Who may answer there: "members" (checked at each press) or a list of people. '
        "Required for a shared chat.",
    )
    name: Text | None = Field(default=None, description="Display name of the chat on cards.")
    ring: Ring = Field(
        default="first",
        description="When to mention and notify the people who are needed: first (when a request is posted, and in "
        "reminders and hand-overs), always (also when a stage begins or the question changes) or never.",
    )
    topic: int | None = Field(
        default=None,
        ge=1,
        description="ID of a thread in the chat, such as a Telegram forum topic's message_thread_id.",
    )


class StageSettings(Section):
    """A stage of a policy: see `sayso.engine.Stage`."""

    approvers: tuple[Text, ...] = Field(
        description="People, groups, destinations or surfaces that may approve."
    )
    need: int | Literal["all"] = Field(
        default=1, description="How many of them must approve, or 'all' if they are people."
    )
    reject_at: int = Field(default=1, description="How many rejections reject the request.")
    veto: tuple[Text, ...] = Field(default=(), description="People who can reject alone.")
    when: Text | None = Field(
        default=None,
        description="Condition on the request's details; if it is false, the stage is skipped.",
    )
    name: str = Field(default="", description="Display name of the stage on cards.")
    fallback: tuple[Text, ...] = Field(
        default=(), description="Who may approve as well if four eyes leaves too few approvers."
    )


class RuleSettings(Section):
    """A rule of a policy: see `sayso.engine.Rule`."""

    when: Text = Field(description="Condition on the request's details, such as details.tool == 'Read'.")
    answer: Literal["approve", "reject"] = Field(description="What to answer where it is true.")
    written_by: Text = Field(description="Who wrote the rule, and so answers for it.")
    reason: str = Field(default="", description="Comment of the answer.")


class GrantsSettings(Section):
    """What approvers may grant beyond one approval: see `sayso.engine.Grants`."""

    longest: Duration = Field(description="Time after which every grant ends at the latest, at most 7d.")
    durations: tuple[Duration, ...] = Field(default=(), description='Times to offer, such as ["1h", "8h"].')
    times: int | None = Field(
        default=None, description="Number of uses to offer, within longest. Default: not offered."
    )
    session: Text | None = Field(
        default=None,
        description="Detail that names the asker's session, such as Session. Default: no grant for a session.",
    )
    patterns: dict[str, str] = Field(
        default_factory=dict,
        description="Details that may differ, with a pattern each: * is anything, and a star in a text is letters, "
        "digits, dots, _ and -. Default: every detail must be the same.",
    )


class PolicySettings(Section):
    """A policy that questions refer to by name: see `sayso.engine.Policy`."""

    stages: tuple[StageSettings, ...] = Field(description="Stages; all of them must approve.")
    rules: tuple[RuleSettings, ...] = Field(
        default=(),
        description="Rules that answer without people; the first whose condition is true decides. If one cannot be "
        "checked, people are asked.",
    )
    grants: GrantsSettings | None = Field(
        default=None,
        description="What approvers may grant for a while. Default: one approval covers one request.",
    )
    exclude_requester: bool = Field(
        default=False, description="Whether to bar the requester from approving (four eyes)."
    )
    author: Text | None = Field(
        default=None,
        description="Who made the change and so may not approve it: a person, or details.NAME to read it from "
        "the details.",
    )
    comment: tuple[Literal["approve", "reject"], ...] = Field(
        default=(), description="Choices that require a comment."
    )
    reject_reasons: tuple[Text, ...] = Field(
        default=(),
        description="Reasons suggested to people who reject, at most 8 of up to 75 characters. The one picked becomes "
        "the comment.",
    )
    ordered: bool = Field(
        default=False,
        description="Whether stages vote in order, each only after those before it have approved.",
    )
    expires_after: Duration | None = Field(
        default=None, description="Time until the request expires, such as 30m, 4h or 1d. Default: never."
    )
    on_expiry: str | bool | None = Field(
        default=None,
        description="Answer to record on expiry; it must not approve. Default: raise RequestExpired in the workflow.",
    )
    remind_every: Duration | None = Field(
        default=None,
        description="Time until the first reminder to people who have not voted; the interval then doubles each time.",
    )
    escalate_after: Duration | None = Field(default=None, description="Time until more people are asked.")
    escalate_to: tuple[Text, ...] = Field(default=(), description="Who is asked then, in addition.")
    break_glass: tuple[Text, ...] = Field(
        default=(),
        description="People who may approve alone in an emergency, with a reason; everybody who was skipped is "
        "notified.",
    )
    hand_over_to: tuple[Text, ...] = Field(
        default=(), description="People and groups that a request may be handed over to. Default: anybody."
    )
    reusable: bool = Field(
        default=False, description="Whether one approval covers more than one visit to a node."
    )


class PersonSettings(Section):
    """A person with all their accounts, called person:NAME in other settings."""

    accounts: tuple[Text, ...] = Field(
        default=(), description="All their accounts: slack:T1:U2, telegram:7, web:ana, local:ana."
    )
    name: Text | None = Field(
        default=None, description="Display name on cards. Default: the name of the table."
    )
    time_zone: Text | None = Field(
        default=None,
        description="Time zone for times in their own Telegram chat, such as Europe/Berlin.",
    )


class GroupSettings(Section):
    """A group of people, called group:NAME in other settings. Further keys are the ids of its groups on installed
    platforms, by the platform's name.
    """

    model_config = ConfigDict(extra="allow", frozen=True)  # ids of groups, which `_take_groups` alone lets in

    if TYPE_CHECKING:

        def __init__(self, **values: Any) -> None: ...

    members: tuple[Text, ...] = Field(
        default=(),
        description="Names of people above, or accounts. Members from the platform groups below are added.",
    )
    to: tuple[Text, ...] = Field(
        default=(), description="Where to send its cards. Default: each member's own chats."
    )
    name: Text | None = Field(
        default=None, description="Display name on cards. Default: @ and the name of the table."
    )

    @model_validator(mode="before")
    @classmethod
    def _take_groups(cls, given: object) -> object:
        return take(groups(), given, cls.model_fields)

    @property
    def platforms(self) -> dict[str, str]:
        """The ids of the platform groups whose members belong to it, by platform."""
        ids = cast("dict[str, str | None]", self.model_extra or {})
        return {platform: id for platform, id in ids.items() if id is not None}


class HttpSettings(Section):
    """The HTTP server: inbox, API, health checks, metrics and webhooks."""

    host: Host = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8765, ge=0, le=65535, description="Port; 0 picks a free one.")
    public_url: Origin | None = Field(
        default=None,
        description="Public address of the service. If set, cards in chats link to the inbox there.",
    )
    operators: tuple[Text, ...] = Field(
        default=(),
        description="Operators, who can see and do everything in the inbox and API, such as web:ana or "
        "token:ops. The user that the service runs as always is one.",
    )
    mcp: bool = Field(
        default=False,
        description="Whether to serve tools for agents at /mcp, to tokens with the scope ask. Requires the extra mcp.",
    )
    answers_per_minute: int = Field(
        default=600, ge=1, description="Maximum answers per minute for one person or program."
    )
    sign_ins_per_minute: int = Field(
        default=20, ge=1, description="Maximum sign-in attempts per minute from one address."
    )
    connections: int = Field(
        default=512,
        ge=1,
        description="Maximum open connections, or fewer if the process may open few files (ulimit -n). At the "
        "limit, connections that have sent no request are closed first.",
    )
    connections_per_address: int = Field(
        default=128,
        ge=1,
        description="Maximum open connections from one address. Behind a proxy that is not in trusted_proxies, "
        "set it to the value of connections.",
    )
    request_timeout: Duration = Field(
        default=timedelta(seconds=20),
        description="Maximum time for a request to arrive in full; after that, its connection is closed.",
    )
    user_header: Text | None = Field(
        default=None,
        description="Header in which a reverse proxy names the signed-in user, such as X-Forwarded-User; that "
        "user is web:NAME. Requires trusted_proxies.",
    )
    trusted_proxies: tuple[Text, ...] = Field(
        default=(), description="Addresses of proxies whose user_header is trusted, such as 127.0.0.1."
    )

    proxy_secret: SecretStr | None = Field(
        default=None,
        description="Secret that the proxy sends in X-Sayso-Proxy-Secret, so that other programs on its "
        "machine cannot impersonate it; environment only.",
    )
    proxy_secret_file: Path | None = Field(default=None, description="File with the proxy's secret.")

    @model_validator(mode="after")
    def _header_needs_its_proxies(self) -> Self:
        if (self.user_header is None) != (not self.trusted_proxies):
            raise ValueError(
                "user_header and trusted_proxies must be set together, because anybody can send a header"
            )
        if self.user_header is not None and self.proxy_secret is None and self.proxy_secret_file is None:
            raise ValueError(
                "user_header needs proxy_secret_file, or SAYSO_HTTP__PROXY_SECRET in the environment, because other "
                "programs share the proxy's address. Have the proxy send the secret in X-Sayso-Proxy-Secret"
            )
        return self


class AskSettings(Section):
    """Questions that programs ask over the API, without a workflow of their own."""

    to: tuple[Text, ...] = Field(
        default=(),
        description="Where to send requests that name no approvers and no policy. Default: the operator at this "
        "machine.",
    )
    callback_hosts: tuple[Text, ...] = Field(
        default=(),
        description="Hosts that callbacks may report the result of a request to, such as ci.example.com or "
        "ci.example.com:8443. Default: none.",
    )


class LogSettings(Section):
    """What `sayso serve` writes to standard error."""

    format: Literal["text", "json"] = Field(default="text", description="Log format: text or json.")
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Log level: debug, info, warning or error."
    )
