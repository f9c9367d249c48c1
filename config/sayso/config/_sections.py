"""The sections of the settings: workflows, destinations, people, the HTTP server, the log. Platforms bring theirs."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, cast

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

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def _read_duration(given: object) -> object:
    """`30m`, `1h30m`, `2d`: anything else is left to be refused."""
    if isinstance(given, timedelta):
        return given
    match = _DURATION.fullmatch(given.replace(" ", "")) if isinstance(given, str) and given.strip() else None
    if match is None:
        raise ValueError("write a duration such as 30m, 4h, 1d or 1h30m, in quotes")
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

    workflow: Text = Field(description="The workflow as MODULE:WORKFLOW.")
    starters: tuple[Text, ...] = Field(
        default=(),
        description="Who may start it from a chat, such as slack:T1:U2 or telegram:7; empty is nobody.",
    )
    to: tuple[Text, ...] = Field(
        default=(),
        description="Where its questions go that name nobody; empty is the operator at this machine.",
    )


class DestinationSettings(Section):
    """A chat to which cards go."""

    id: Text | None = Field(
        default=None, description="The platform's own id of the chat, where the name is not the id itself."
    )
    audience: Literal["members"] | tuple[Text, ...] | None = Field(
        default=None,
        description='Who may answer there: "members" (looked up at each press) or a list of people; '
        "a shared chat has no default.",
    )
    name: Text | None = Field(default=None, description="What cards call the place.")
    topic: int | None = Field(
        default=None,
        ge=1,
        description="The id of a thread in it, such as a forum topic's message_thread_id in Telegram.",
    )


class StageSettings(Section):
    """A stage of a policy: see `sayso.engine.Stage`."""

    approvers: tuple[Text, ...] = Field(description="People, destinations and surfaces who may approve.")
    need: int | Literal["all"] = Field(
        default=1, description="How many of them must; all, where they are people."
    )
    reject_at: int = Field(default=1, description="How many rejections of theirs reject.")
    veto: tuple[Text, ...] = Field(default=(), description="People whose one rejection rejects.")
    when: Text | None = Field(
        default=None,
        description="An expression over the request's details; where it does not hold, the stage is left out.",
    )
    name: str = Field(default="", description="What cards call the stage.")
    fallback: tuple[Text, ...] = Field(
        default=(), description="Who is asked as well where four eyes leaves too few of its people."
    )


class PolicySettings(Section):
    """A policy that questions name: see `sayso.engine.Policy`."""

    stages: tuple[StageSettings, ...] = Field(description="All of them must approve.")
    exclude_requester: bool = Field(default=False, description="Whoever asked may not approve.")
    author: Text | None = Field(
        default=None,
        description="Who made the change, and may not approve it: somebody, or details.NAME, where details name them.",
    )
    comment: tuple[Literal["approve", "reject"], ...] = Field(
        default=(), description="The choices that need a remark."
    )
    ordered: bool = Field(
        default=False, description="Whether each stage may vote only once those before have approved."
    )
    expires_after: Duration | None = Field(
        default=None, description="How long it may take, such as 30m, 4h or 1d; unset, for ever."
    )
    on_expiry: str | bool | None = Field(
        default=None,
        description="What is answered then, which must not approve; unset, RequestExpired is raised.",
    )
    remind_every: Duration | None = Field(
        default=None,
        description="When those still needed are reminded first; each next time takes twice as long.",
    )
    escalate_after: Duration | None = Field(default=None, description="When others are asked as well.")
    escalate_to: tuple[Text, ...] = Field(default=(), description="Who is asked as well then.")
    break_glass: tuple[Text, ...] = Field(
        default=(),
        description="People who may approve alone, with a reason; everybody who was skipped is told.",
    )
    hand_over_to: tuple[Text, ...] = Field(
        default=(), description="People and groups to whom a vote may be handed over; empty, to anybody."
    )
    reusable: bool = Field(default=False, description="Whether one approval is good for more than one visit.")


class PersonSettings(Section):
    """A person with all their accounts, whom entries call person:NAME."""

    accounts: tuple[Text, ...] = Field(
        default=(), description="Their accounts: slack:T1:U2, telegram:7, web:ana, local:ana."
    )
    name: Text | None = Field(default=None, description="What cards call them; unset, the table's own name.")
    time_zone: Text | None = Field(
        default=None,
        description="Their time zone, such as Europe/Berlin, for times in their own Telegram chat.",
    )


class GroupSettings(Section):
    """People who are asked together, whom entries call group:NAME. Beside these settings there are ids of the groups of
    installed platforms, by the platform's name.
    """

    model_config = ConfigDict(extra="allow", frozen=True)  # ids of groups, which `_take_groups` alone lets in

    if TYPE_CHECKING:

        def __init__(self, **values: Any) -> None: ...

    members: tuple[Text, ...] = Field(
        default=(), description="Names of people above, or accounts; whoever the platforms add comes on top."
    )
    to: tuple[Text, ...] = Field(
        default=(), description="Where cards for it go; empty, to each member's own chats."
    )
    name: Text | None = Field(
        default=None, description="What cards call it; unset, @ and the table's own name."
    )

    @model_validator(mode="before")
    @classmethod
    def _take_groups(cls, given: object) -> object:
        return take(groups(), given, cls.model_fields)

    @property
    def platforms(self) -> dict[str, str]:
        """The ids of groups whose members belong to it, by their platforms."""
        ids = cast("dict[str, str | None]", self.model_extra or {})
        return {platform: id for platform, id in ids.items() if id is not None}


class HttpSettings(Section):
    """The small HTTP server: the inbox, the API, health, counters, webhooks."""

    host: Host = Field(default="127.0.0.1", description="The address that it listens on.")
    port: int = Field(default=8765, ge=0, le=65535, description="Its port; 0 is any free one.")
    public_url: Origin | None = Field(
        default=None, description="How others reach it, if they do; cards in chats link to the inbox there."
    )
    operators: tuple[Text, ...] = Field(
        default=(),
        description="Who sees and does everything in the inbox and by the API, such as web:ana or token:ops, beside "
        "the user that the service runs as.",
    )
    answers_per_minute: int = Field(
        default=600, ge=1, description="How many answers a minute one person or program may try there."
    )
    sign_ins_per_minute: int = Field(
        default=20, ge=1, description="How many sign-ins a minute one address may try."
    )
    connections: int = Field(
        default=512,
        ge=1,
        description="How many connections are open at once; fewer where the process may open few files (ulimit -n). "
        "When there is no room, those go first that send no request.",
    )
    connections_per_address: int = Field(
        default=128,
        ge=1,
        description="How many of them one address may have. Behind a proxy that trusted_proxies does not name, write "
        "as many as connections.",
    )
    request_timeout: Duration = Field(
        default=timedelta(seconds=20),
        description="How long a request may take to arrive, with its body; then its connection is closed.",
    )
    user_header: Text | None = Field(
        default=None,
        description="A header in which a reverse proxy says who has signed in with it, such as X-Forwarded-User: "
        "they are web:NAME here. Only with trusted_proxies.",
    )
    trusted_proxies: tuple[Text, ...] = Field(
        default=(), description="The addresses of proxies whose user_header is believed, such as 127.0.0.1."
    )

    proxy_secret: SecretStr | None = Field(
        default=None,
        description="What the proxy sends in X-Sayso-Proxy-Secret, so that nothing else on its machine passes for it; "
        "environment only.",
    )
    proxy_secret_file: Path | None = Field(default=None, description="A file that holds the proxy's secret.")

    @model_validator(mode="after")
    def _header_needs_its_proxies(self) -> Self:
        if (self.user_header is None) != (not self.trusted_proxies):
            raise ValueError(
                "user_header and trusted_proxies go together: a header that anybody can send is no proof"
            )
        if self.user_header is not None and self.proxy_secret is None and self.proxy_secret_file is None:
            raise ValueError(
                "user_header needs proxy_secret_file, or SAYSO_HTTP__PROXY_SECRET in the environment: an address is "
                "that of everything on the proxy's machine. Have the proxy send the secret in X-Sayso-Proxy-Secret"
            )
        return self


class LogSettings(Section):
    """What `sayso serve` writes to standard error."""

    format: Literal["text", "json"] = Field(
        default="text", description="Log lines for people, or JSON for machines."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="What is logged.")
