"""Calls of Slack's Web API, with the library's errors as what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Self, cast
from urllib.parse import urlsplit

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from sayso.bots.chats import (
    ContentRefused,
    DeliveryProblem,
    MessageGone,
    Throttled,
    Unclear,
    Undeliverable,
    UnknownRefusal,
    proxy_for,
)
from sayso.bots.slack._settings import SlackSettings
from sayso.config import InvalidSettings, read_secret

_TIMEOUT = 10
_UPLOAD_TIMEOUT = 60
_RESPONSE_URLS = ("https://hooks.slack.com/", "https://hooks.slack-gov.com/")
"""How Slack's response addresses begin, and GovSlack's."""

_MOST_SAID = 200
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
_TROUBLE = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"}
)
"""What Slack says of itself, and not of the call."""

_DEAD = {
    "access_denied": "the workspace's rules block the app; ask its administrators",
    "account_inactive": "the token's owner was removed from the workspace; install the app again",
    "cannot_dm_bot": "it is a bot, and bots get no direct messages",
    "channel_not_found": "there is no such channel, or the app is not in it; invite it with /invite",
    "invalid_auth": "Slack refuses the token; copy it again from the app's settings",
    "ekm_access_denied": "the workspace's administrators restrict messages; ask them",
    "enterprise_is_restricted": "the organisation blocks the app; ask its administrators",
    "is_archived": "the channel is archived; unarchive it",
    "messages_tab_disabled": "direct messages are off; allow them in the app's settings, under App Home",
    "missing_scope": "the app lacks a scope; `sayso doctor` says which",
    "no_permission": "the app may not do this in the workspace; ask its administrators",
    "not_allowed_token_type": "it is the wrong kind of token; sayso needs xoxb- and xapp- tokens",
    "not_authed": "there is no token",
    "not_in_channel": "the app is not in the channel; invite it with /invite",
    "org_login_required": "the workspace is being moved; try again when that is over",
    "restricted_action": "the workspace does not let the app write there; ask its administrators",
    "restricted_action_non_threadable_channel": "nobody may write in threads there; ask the channel's managers",
    "restricted_action_read_only_channel": "the app may only read there; ask the channel's managers",
    "restricted_action_thread_only_channel": "the app may only write in threads there; ask the channel's managers",
    "team_access_not_granted": "the app is not installed in that workspace",
    "token_expired": "the token has expired; copy a new one from the app's settings",
    "token_revoked": "the token was revoked; install the app again",
    "user_disabled": "the person's account is disabled",
    "user_not_found": "there is no such person",
    "user_not_visible": "the app may not see that person",
}

_OF_TOKEN = frozenset(
    {"account_inactive", "invalid_auth", "org_login_required", "token_expired", "token_revoked"}
)
_PASSING = _OF_TOKEN | {"not_in_channel", "team_access_not_granted"}
"""What Slack also says while it moves a workspace or renews a token."""

_UNFIT = frozenset(
    {
        "block_mismatch", "invalid_arguments", "invalid_attachments", "invalid_blocks", "invalid_blocks_format",
        "invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large", "msg_blocks_too_long",
        "msg_too_long", "no_text", "too_many_attachments",
    }
)  # fmt: skip
"""What Slack says of a message that it takes nowhere (docs.slack.dev/reference/methods/chat.postMessage)."""


class Expired(DeliveryProblem):
    """A press can no longer open a modal; nothing was decided by it."""


class Api:
    """One app's calls. `open` before the first, `close` after the last; `async with` does both.

    Nothing is sent a second time by the library: a connection that broke says nothing about what arrived.
    """

    def __init__(self, bot_token: str, api_url: str, app_token: str | None = None) -> None:
        self._bot_token = bot_token
        self._app_token = app_token
        self._base_url = f"{api_url.rstrip('/')}/"
        api = urlsplit(self._base_url)
        self._response_urls = (*_RESPONSE_URLS, f"{api.scheme}://{api.netloc}/")
        self._client: AsyncWebClient | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Make the connections' pool; the network is not used."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT))
            self._client = AsyncWebClient(
                token=self._bot_token,
                base_url=self._base_url,
                timeout=_TIMEOUT,
                session=self._session,
                retry_handlers=[],
            )
            # The library reads no NO_PROXY where it reads the environment itself.
            self._client.proxy = proxy_for(self._base_url)

    async def close(self) -> None:
        """Close the connections; harmless when they are closed."""
        self._client = None
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The pool, for sockets and response addresses."""
        assert self._session is not None, "open() comes first"
        return self._session

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The response of a method by the library's name for it, such as `chat_postMessage`; the scopes of the token
        are in `scopes`. Raises `DeliveryProblem`, of which `Expired` is a kind too.
        """
        assert self._client is not None, "open() comes first"
        try:
            response = await getattr(self._client, method)(**parameters)
        except SlackApiError as error:
            raise _translate(method, error, parameters.get("channel")) from error
        except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unclear(str(error) or type(error).__name__) from error
        data = cast("dict[str, Any]", response.data)
        headers = {str(name).lower(): value for name, value in response.headers.items()}
        return {**data, "scopes": str(headers.get("x-oauth-scopes", ""))}

    async def upload(self, name: str, content: bytes, alt: str | None = None) -> str:
        """Upload a file, which nobody sees until it is shared; its id. Raises `DeliveryProblem`."""
        length = len(content)
        begun = await self.call("files_getUploadURLExternal", filename=name, length=length, alt_txt=alt)
        address = str(begun["upload_url"])
        limit = aiohttp.ClientTimeout(total=_UPLOAD_TIMEOUT)
        try:
            async with self.session.post(
                address, data=content, timeout=limit, allow_redirects=False, proxy=proxy_for(address)
            ) as response:
                if response.status != HTTPStatus.OK:
                    said = (await response.content.read(_MOST_SAID)).decode(errors="replace")
                    is_refusal = response.status < HTTPStatus.INTERNAL_SERVER_ERROR
                    raise (UnknownRefusal if is_refusal else Unclear)(f"upload: {response.status}: {said}")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unclear(str(error) or type(error).__name__) from error
        return str(begun["file_id"])

    async def new_socket_address(self) -> str:
        """The address of one new socket. Raises `DeliveryProblem`."""
        return str((await self.call("apps_connections_open", app_token=self._app_token or ""))["url"])

    async def respond(self, address: str, body: dict[str, Any]) -> None:
        """Say something in private to the one who pressed. Only Slack is called, and whom `api_url` names: an address
        comes in a payload, and a redirect from whoever answers. Raises `DeliveryProblem`, `Throttled` where Slack says
        so.
        """
        if not address.startswith(self._response_urls):
            raise Undeliverable("the payload's response_url is not Slack's; it was not called")
        proxy = proxy_for(address)
        try:
            async with self.session.post(address, json=body, allow_redirects=False, proxy=proxy) as response:
                if response.status == HTTPStatus.TOO_MANY_REQUESTS:
                    raise Throttled(_retry_after(response.headers), budget_key("response_url", None))
                if response.status != HTTPStatus.OK:
                    said = (await response.content.read(_MOST_SAID)).decode(errors="replace")
                    raise Unclear(f"status {response.status}: {said}")
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unclear(str(error) or type(error).__name__) from error


def budget_key(method: str, channel: object) -> str:
    """Slack limits new messages by channel, everything else by method."""
    return f"post:{channel}" if method == "chat_postMessage" else f"method:{method}"


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    given = {str(name).lower(): value for name, value in headers.items()}
    return timedelta(seconds=float(given.get("retry-after", 1)))


def _translate(method: str, error: SlackApiError, channel: object) -> DeliveryProblem:
    response = cast("Any", error.response)
    # What no client of Slack's made sense of, such as a proxy's page or line, is text.
    given: object = getattr(response, "data", response)
    data = cast("Mapping[str, Any]", given) if isinstance(given, Mapping) else dict[str, Any]()
    name = str(data.get("error", ""))
    if getattr(response, "status_code", 0) == HTTPStatus.TOO_MANY_REQUESTS or name in (
        "ratelimited",
        "rate_limited",
    ):
        return Throttled(_retry_after(response.headers), budget_key(method, channel))
    if name in _GONE:
        return MessageGone()
    if name in ("expired_trigger_id", "exchanged_trigger_id", "trigger_expired", "trigger_exchanged"):
        return Expired(name)
    if name in _DEAD:
        return Undeliverable(f"{name}: {_DEAD[name]}", may_pass=name in _PASSING)
    details = cast("dict[str, Any]", data.get("response_metadata") or {})
    messages = "; ".join(str(one) for one in details.get("messages", []))
    reason = f"{method}: {name or error}{f' ({messages})' if messages else ''}"
    if name in _UNFIT:
        return ContentRefused(reason)
    is_answer = bool(name) and name not in _TROUBLE and getattr(response, "status_code", 0) == HTTPStatus.OK
    return UnknownRefusal(reason) if is_answer else Unclear(reason)


def is_about_token(reason: str) -> bool:
    """Whether a destination was given up because Slack refused the token, which concerns all of them alike."""
    return reason.partition(":")[0] in _OF_TOKEN


def make_api(settings: SlackSettings, *, is_guest: bool = False) -> Api:
    """The Web API of the configured app. Raises `InvalidSettings` where a token is missing."""
    bot_token = secret_of(settings.bot_token, settings, "bot_token")
    has_sockets = settings.mode == "socket" and not is_guest
    app_token = secret_of(settings.app_token, settings, "app_token") if has_sockets else None
    return Api(bot_token, settings.api_url, app_token)


def secret_of(value: SecretStr | None, settings: SlackSettings, name: str) -> str:
    """A secret that the mode needs. Raises `InvalidSettings` where it is missing."""
    found = read_secret(value, getattr(settings, f"{name}_file"), f"slack.{name}")
    if found is None:
        raise InvalidSettings(
            "sayso.toml",
            f"slack.{name}",
            f"it is missing, and {settings.mode} mode needs it",
            f"Set SAYSO_SLACK__{name.upper()} in the environment, or slack.{name}_file. "
            "docs/how-to/set-up-slack.md says where to find it.",
        )
    return found
