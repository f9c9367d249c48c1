"""The local Slack: the Web API and sockets on 127.0.0.1, people who use the bot, faults and a clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from aiohttp import web

from sayso.testing.platform import Answer, Fault, FaultKind, LocalServer
from sayso.testing.slack._control import SlackControl
from sayso.testing.slack._delivery import Delivery, event_payload
from sayso.testing.slack._limits import Meter, SlackLimits
from sayso.testing.slack._methods import NEEDED_SCOPES, Methods
from sayso.testing.slack._people import SlackPerson
from sayso.testing.slack._places import Place, SlackUserGroup
from sayso.testing.slack._refusals import Refused
from sayso.testing.slack._state import BOT_USER, TEAM, Account, Channel, SlackState, UserGroup
from sayso.testing.slack._world import World

BOT_TOKEN = "xoxb-local-bot-token"  # noqa: S105 - opens nothing but this server
APP_TOKEN = "xapp-local-app-token"  # noqa: S105 - likewise
SIGNING_SECRET = "local-signing-secret"  # noqa: S105 - likewise
SCOPES = "channels:read,chat:write,commands,files:write,groups:read,im:write,users:read,usergroups:read"
_NESTED = ("blocks", "view", "metadata", "files", "attachments")


class LocalSlack(LocalServer[SlackState]):
    """A Slack workspace for one app, as strict as the real one.

    `async with LocalSlack() as slack:` serves the Web API at `api_url`. `problems` lists what a correct bot never does
    (and what the server itself got wrong): end a test with `assert slack.problems == []`. With `state_file` the
    channels survive the process. `request_url` switches from Socket Mode to signed requests; `redirect_responses`
    has every call of a `response_url` redirected. Nothing here talks to the real Slack. With an `enterprise`, such as
    `E0LOCAL01`, the workspace is one of its Enterprise Grid; the app is installed in the workspace alone, or with
    `is_org_wide` in the whole organisation.
    """

    def __init__(
        self,
        *,
        limits: SlackLimits | None = None,
        port: int = 0,
        state_file: Path | None = None,
        enterprise: str | None = None,
        is_org_wide: bool = False,
    ) -> None:
        state = SlackState(enterprise=enterprise, is_org_wide=is_org_wide)
        super().__init__(state, port=port, state_file=state_file)
        self.bot_token, self.app_token, self.signing_secret = BOT_TOKEN, APP_TOKEN, SIGNING_SECRET
        self.team_id, self.bot_user_id = TEAM, BOT_USER
        self.scopes = SCOPES
        self.request_url: str | None = None
        self.redirect_responses: str | None = None
        self._meter = Meter(limits or SlackLimits())
        self._world = World(self._state, self.now, self.changed, self._send_event, self.problems.append)
        self._delivery = Delivery(self, lambda: self._state)
        self._methods = Methods(self._world, self)
        self.control = SlackControl(self)
        self._group: asyncio.TaskGroup | None = None
        self._background: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    # --- life --------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._group = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._stack.callback(self._cancel_background)
        await self.start()
        for payload in list(self._state.events):
            self.spawn(self._delivery.deliver_event(payload))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        await self._stack.aclose()
        self._group = None

    def _cancel_background(self) -> None:
        for task in self._background:
            task.cancel()

    def _add_routes(self, app: web.Application) -> None:
        app.router.add_route("*", "/api/{method}", self._handle)
        app.router.add_get("/socket/{ticket}", self._delivery.serve_socket)
        app.router.add_post("/response/{name}", self._handle_response)
        app.router.add_post("/upload/{name}", self._handle_upload)
        self.control.add_routes(app)

    def _cut(self) -> None:
        self.drop()

    @property
    def organisation_id(self) -> str:
        """The id of what people belong to: the enterprise where there is one, else the workspace."""
        return self._state.enterprise or TEAM

    @property
    def api_url(self) -> str:
        """What a bot takes as the Web API's address."""
        return f"{self.url}/api/"

    # --- people and channels -----------------------------------------------------------------------

    def add_person(
        self,
        name: str,
        *,
        is_bot: bool = False,
        is_restricted: bool = False,
        is_stranger: bool = False,
        team: str | None = None,
        organisation: str | None = None,
        locale: str = "en-US",
    ) -> SlackPerson:
        """A new person, or a bot; a restricted one is a guest. `team` is their home workspace, the app's unless said
        otherwise. People of another `organisation` (`E...` or `T...`) meet the app in shared channels; a stranger is
        one of them who shares no channel with it.
        """
        if is_stranger and organisation is None:
            organisation = "T0ELSEWHERE"
        if team is None and organisation is not None:
            team = organisation if organisation.startswith("T") else f"T{organisation[1:]}"
        account = Account(
            self._world.new_id("U"), name, team or TEAM, organisation,
            is_bot=is_bot, is_restricted=is_restricted, is_stranger=is_stranger, locale=locale,
        )  # fmt: skip
        self._state.people[account.id] = account
        self.changed()
        return self._person(account)

    def add_channel(
        self,
        name: str,
        members: Iterable[SlackPerson] = (),
        *,
        is_private: bool = False,
        has_bot: bool = True,
    ) -> Place:
        """A new channel of these people, with the bot in it."""
        ids = [person.id for person in members] + ([BOT_USER] if has_bot else [])
        channel = Channel(self._world.new_id("C"), name, ids, is_private=is_private)
        self._state.channels[channel.id] = channel
        self.changed()
        return Place(self._world, channel.id)

    def add_user_group(self, name: str, members: Iterable[SlackPerson] = ()) -> SlackUserGroup:
        """A new user group of these people."""
        group = UserGroup(self._world.new_id("S"), name, [person.id for person in members])
        self._state.user_groups[group.id] = group
        self.changed()
        return SlackUserGroup(self._world, group.id)

    def people(self) -> list[SlackPerson]:
        """All people, in the order in which they were added."""
        return [self._person(account) for account in self._state.people.values()]

    def channels(self) -> list[Place]:
        """Every channel, without direct messages."""
        return [Place(self._world, one.id) for one in self._state.channels.values() if one.im_user is None]

    def _person(self, account: Account) -> SlackPerson:
        return SlackPerson(self._world, account, self._delivery.deliver, self)

    # --- what the bot does -------------------------------------------------------------------------

    @property
    def connections(self) -> int:
        """How many sockets are open."""
        return self._delivery.connections

    @property
    def without_sockets(self) -> timedelta:
        """For how long no socket was open, since the first one was."""
        return self._delivery.without_sockets

    @property
    def lost_events(self) -> list[dict[str, Any]]:
        """Events that nobody acknowledged after all retries."""
        return self._delivery.lost_events

    @property
    def late_acknowledgements(self) -> list[str]:
        """The kinds of payloads that were acknowledged after their three seconds, for nothing."""
        return self._delivery.late

    async def disconnect(self, reason: str = "refresh_requested", *, still_delivers: bool = False) -> None:
        """Ask for new connections: `warning`, `refresh_requested` or `link_disabled`. Where it `still_delivers`,
        presses come on the old ones as well until the bot closes them.
        """
        await self._delivery.disconnect(reason, still_delivers=still_delivers)

    async def hang_up(self) -> None:
        """Close the connections that clients were asked to replace, as Slack does some seconds later."""
        await self._delivery.hang_up()

    @property
    def spares_emoji(self) -> bool:
        """Whether emoji stay characters in plain text with `emoji: false`; nobody knows what Slack does there."""
        return self._world.spares_emoji

    @spares_emoji.setter
    def spares_emoji(self, spares: bool) -> None:
        self._world.spares_emoji = spares

    @property
    def spares_inputs(self) -> bool:
        """Whether what people type into modals and pickers comes as they typed it, and not escaped as elsewhere."""
        return self._world.spares_inputs

    @spares_inputs.setter
    def spares_inputs(self, spares: bool) -> None:
        self._world.spares_inputs = spares

    def turn_away(self, count: int, reason: str = "refresh_requested") -> None:
        """Send the next connections away: each gets its `hello`, and `disconnect` at once."""
        self._delivery.farewells += [reason] * count

    @property
    def answers_closes(self) -> bool:
        """Whether a bot that closes a socket is answered; Slack may stay silent, and the socket open."""
        return self._delivery.answers_closes

    @answers_closes.setter
    def answers_closes(self, answers: bool) -> None:
        self._delivery.answers_closes = answers

    def drop(self) -> None:
        """Tear all sockets down."""
        self._delivery.drop()

    def refuse_handshakes(self, count: int) -> None:
        """Refuse the next WebSocket handshakes."""
        self._delivery.handshakes_to_refuse = count

    def signature(self, body: bytes, at: datetime | None = None) -> dict[str, str]:
        """The headers of a request that Slack signed."""
        return self._delivery.signature(body, at)

    # --- for the parts -----------------------------------------------------------------------------

    def now(self) -> datetime:
        """The instant on the server's clock."""
        return self.clock.now()

    def new_ticket(self) -> str:
        """The address of one new socket."""
        return self._delivery.new_ticket()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something until it is done or the server is left."""
        if self._group is None:
            work.close()
            return
        self._background = [task for task in self._background if not task.done()]
        self._background.append(self._group.create_task(work))

    def _send_event(self, event: dict[str, Any], team: str) -> None:
        enterprise = self._state.enterprise_in(team)
        payload = event_payload(event, self._state.next_number(), self.now(), team, enterprise)
        self._state.events.append(payload)
        self.spawn(self._delivery.deliver_event(payload))

    # --- HTTP --------------------------------------------------------------------------------------

    async def _answer(self, method: str, request: web.Request) -> Answer:
        given: dict[str, Any] = {}
        headers = {"x-oauth-scopes": self.scopes}
        try:
            given = await _read_arguments(request)
            self._authorize(method, _token_of(request, given))
            self._count(method, given.get("channel"))
            found = {"ok": True, **self._methods.call(method, given)}
            return Answer(web.json_response(found, headers=headers), given)
        except Refused as refused:
            if refused.retry_after is not None:
                headers["Retry-After"] = str(refused.retry_after)
            status = 200 if refused.retry_after is None else 429
            response = web.json_response(refused.body, status=status, headers=headers)
            return Answer(response, given, str(refused), refused.bug)
        except ConnectionError:
            # The bot died in the middle of its call, which then never happened.
            return Answer(web.Response(status=400), given)
        except Exception as error:  # noqa: BLE001 - a fault of this server fails one call, and is a problem
            body = {"ok": False, "error": "fatal_error"}
            words = f"the local server failed: {error!r}"
            return Answer(web.json_response(body, status=500), given, words, is_bug=True)

    def _planned(self, fault: Fault) -> Answer | None:
        match fault.kind:
            case FaultKind.SERVER_ERROR | FaultKind.SERVER_ERROR_AFTER:
                body = {"ok": False, "error": "internal_error"}
                return Answer(web.json_response(body, status=500), {}, fault.kind)
            case FaultKind.TOO_MANY_REQUESTS:
                body, headers = {"ok": False, "error": "ratelimited"}, {"Retry-After": str(fault.retry_after)}
                return Answer(web.json_response(body, status=429, headers=headers), {}, fault.kind)
            case FaultKind.REFUSED:
                refused = Refused(fault.error)
                return Answer(web.json_response(refused.body), {}, refused.error)
            case _:
                return None

    def _authorize(self, method: str, token: str | None) -> None:
        """Raises `Refused`."""
        if token is None:
            raise Refused("not_authed")
        if method == "api.test":
            return
        wanted, other = self.bot_token, self.app_token
        if method == "apps.connections.open":
            wanted, other = other, wanted
        if token == other:
            raise Refused("not_allowed_token_type", bug=True)
        if token != wanted:
            raise Refused("invalid_auth")
        needed = NEEDED_SCOPES.get(method)
        if needed is not None and needed not in self.scopes.split(","):
            raise Refused("missing_scope", needed=needed, provided=self.scopes)

    def _count(self, method: str, channel: str | None) -> None:
        """Raises `Refused`."""
        wait = self._meter.take(method, channel, self.now())
        if wait is not None:
            raise Refused("ratelimited", retry_after=wait)

    async def _handle_response(self, request: web.Request) -> web.StreamResponse:
        if self.redirect_responses is not None:
            return web.Response(status=307, headers={"Location": self.redirect_responses})
        return await self._handle_as("response_url", self._respond, request)

    async def _respond(self, _method: str, request: web.Request) -> Answer:
        given: dict[str, Any] = {}
        try:
            given = await request.json()
            error = self._world.respond(request.match_info["name"], given)
        except Refused as refused:
            self.problems.append(f"response_url: {refused}")
            error = refused.error
        except (ConnectionError, ValueError) as broken:
            error = repr(broken)
        return Answer(web.Response(text=error or "ok", status=404 if error else 200), given, error)

    async def _handle_upload(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if request.content_type.startswith("multipart/"):
            fields = await request.post()
            parts = [one.file.read() for one in fields.values() if isinstance(one, web.FileField)]
            content = parts[0] if parts else b""
        else:
            content = await request.read()
        why_not = self._methods.uploads.take(name, content)
        self.changed()
        return web.Response(text=why_not or "OK", status=200 if why_not is None else 400)


def _token_of(request: web.Request, given: dict[str, Any]) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    in_body = given.pop("token", None)
    return token if scheme == "Bearer" and token else in_body


async def _read_arguments(request: web.Request) -> dict[str, Any]:
    """The arguments as a bot gave them, in the query, a form or JSON; nested ones come in forms as JSON."""
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise Refused("invalid_arguments", bug=True, messages=["[ERROR] invalid JSON"]) from None
        return given | cast("dict[str, Any]", body)
    given |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    for name in _NESTED:
        if isinstance(given.get(name), str):
            try:
                given[name] = json.loads(given[name])
            except ValueError:
                raise Refused("invalid_arguments", bug=True, messages=[f"[ERROR] {name}: no JSON"]) from None
    return given
