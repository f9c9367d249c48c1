"""The one place where things change in the local Slack: messages, views, triggers, response addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sayso.testing.slack._inputs import input_states, still_there
from sayso.testing.slack._kept import NOTHING_TO_SHOW, kept, kept_markup, kept_typed, kept_view
from sayso.testing.slack._notified import notified
from sayso.testing.slack._refusals import Refused
from sayso.testing.slack._schema import LONGEST_TEXT, check_blocks, check_view
from sayso.testing.slack._state import (
    APP,
    BOT_ID,
    BOT_USER,
    TEAM,
    Account,
    Channel,
    Message,
    Reply,
    ResponseAddress,
    SharedFile,
    SlackState,
    Trigger,
    ViewState,
)

TRIGGER_LIVES = timedelta(seconds=3)
RESPONSES_LIVE = timedelta(minutes=30)
MOST_RESPONSES = 5
DEEPEST_STACK = 3

Send = Callable[[dict[str, Any], str], None]
"""Takes an event and the workspace that it happened in."""


class Now(Protocol):
    """The server's clock."""

    def __call__(self) -> datetime:
        """The instant now."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says, as it was sent."""

    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    attachments: list[dict[str, Any]] | None = None


class World:
    """State and the rules of changing it, in one workspace. `send` brings an event to the bot, `changed` tells who
    waits, `problem` notes what a correct bot never does.
    """

    def __init__(
        self,
        state: SlackState,
        now: Now,
        changed: Callable[[], None],
        send: Send,
        problem: Callable[[str], None],
        team: str = TEAM,
    ) -> None:
        self.state = state
        self.now = now
        self.changed = changed
        self.send = send
        self.team = team
        self.problem = problem
        self.spares_emoji = False
        self.spares_inputs = False
        self.stamp = 0

    def elsewhere(self, team: str) -> World:
        """Another workspace in which the app is installed and everything has the same ids."""
        return World(self.state, self.now, self.changed, self.send, self.problem, team)

    def send_event(self, event: dict[str, Any]) -> None:
        """Bring an event to the bot."""
        self.send(event, self.team)

    # --- people and channels -----------------------------------------------------------------------

    def person(self, user_id: object) -> Account:
        """An account. Raises `Refused`."""
        if user_id not in self.state.people:
            raise Refused("user_not_found")
        return self.state.people[str(user_id)]

    def channel(self, channel_id: object, *, writable: bool = False) -> Channel:
        """A channel that the bot knows of; one that it is in, to write. Raises `Refused`."""
        found = self.state.channels.get(str(channel_id))
        if found is None or (found.is_private and BOT_USER not in found.members):
            raise Refused("channel_not_found")
        if writable and found.is_archived:
            raise Refused("is_archived")
        if writable and BOT_USER not in found.members:
            raise Refused("not_in_channel")
        return found

    def direct(self, user_id: object) -> Channel:
        """The direct messages of a person with the bot, made by the first who asks. Raises `Refused`."""
        account = self.person(user_id)
        if account.is_bot:
            raise Refused("cannot_dm_bot")
        for channel in self.state.channels.values():
            if channel.im_user == account.id:
                return channel
        made = Channel(self.new_id("D"), "", [account.id, BOT_USER], is_private=True, im_user=account.id)
        self.state.channels[made.id] = made
        self.changed()
        return made

    def new_id(self, letter: str) -> str:
        """An id as Slack makes them."""
        return f"{letter}0LOCAL{self.state.next_number():04d}"

    # --- messages ----------------------------------------------------------------------------------

    def post(
        self,
        channel: Channel,
        user: str,
        said: Said,
        *,
        thread_ts: str | None = None,
        only_for: str | None = None,
        is_broadcast: bool = False,
        metadata: dict[str, Any] | None = None,
        files: Iterable[SharedFile] = (),
    ) -> Message:
        """Add a message. Everybody but the one whom an ephemeral is for hears of it, the bot included."""
        now = self.now()
        self.state.last_ts = max(now.timestamp(), self.state.last_ts + 0.000001)
        message = Message(
            ts=f"{self.state.last_ts:.6f}",
            user=user,
            text=said.text,
            date=now,
            blocks=self.filled(said.blocks),
            attachments=self.attached(said.attachments or ()),
            metadata=metadata,
            thread_ts=thread_ts,
            only_for=only_for,
            is_broadcast=is_broadcast,
            files=list(files),
        )
        message.notified = notified(self.state, channel, message)
        channel.messages.append(message)
        if only_for is None:
            for parent in (one for one in channel.messages if one.ts == thread_ts):
                parent.replies.append(Reply(user, message.ts))
            self.send_event(self.message_event(channel, message))
        self.changed()
        return message

    def message(self, channel: Channel, ts: object) -> Message:
        """A message that is no ephemeral. Raises `Refused`."""
        for message in channel.messages:
            if message.ts == ts and message.only_for is None:
                return message
        raise Refused("message_not_found")

    def edit(self, message: Message, said: Said) -> None:
        """Show this in a message from now on; its attachments stay unless others are given."""
        message.text, message.blocks = said.text, self.filled(said.blocks)
        if said.attachments is not None:
            message.attachments = self.attached(said.attachments)
        message.version += 1
        message.edited_at = self.now()
        self.changed()

    def checked(self, given: dict[str, Any]) -> Said:
        """The text, blocks and attachments of a call. Raises `Refused`."""
        text = str(given.get("text") or "")
        blocks: list[dict[str, Any]] = given.get("blocks") or []
        attachments: list[dict[str, Any]] | None = given.get("attachments")
        if not text and not blocks and not attachments:
            raise Refused("no_text", bug=True)
        if len(text) > LONGEST_TEXT:
            raise Refused("msg_too_long", bug=True)
        if problems := check_blocks(blocks, "message"):
            raise Refused("invalid_blocks", bug=True, messages=problems)
        for position, attachment in enumerate(attachments or ()):
            where = f"/attachments/{position}/blocks"
            if problems := check_blocks(attachment.get("blocks", []), "message", where):
                raise Refused("invalid_attachments", bug=True, messages=problems)
        return Said(text, blocks, attachments)

    def filled(self, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Blocks and what can be pressed in them with an id each."""
        made = deepcopy(blocks)
        for block in made:
            block.setdefault("block_id", f"b{self.state.next_number()}")
            pressed = [block[name] for name in ("accessory", "element") if name in block]
            for element in [*pressed, *(block["elements"] if block["type"] == "actions" else ())]:
                element.setdefault("action_id", f"a{self.state.next_number()}")
        return made

    def attached(self, attachments: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Attachments with a number each, from 1."""
        made: list[dict[str, Any]] = []
        for number, one in enumerate(attachments, 1):
            blocks = {"blocks": self.filled(one["blocks"])} if "blocks" in one else {}
            made.append({"fallback": "[no preview available]", "id": number, **deepcopy(one), **blocks})
        return made

    def kept(self, value: Any) -> Any:
        """Blocks or anything in them, as Slack keeps it."""
        return kept(value, spares_emoji=self.spares_emoji)

    def as_sent(self, message: Message) -> dict[str, Any]:
        """A message as Slack describes it, in answers, presses and events alike."""
        found: dict[str, Any] = {
            "type": "message",
            "user": message.user,
            "ts": message.ts,
            "text": kept_markup(message.text) or NOTHING_TO_SHOW,
            "team": self.team,
        }
        for name, value in (("blocks", message.blocks), ("attachments", message.attachments)):
            if value:
                found[name] = self.kept(value)
        if message.user == BOT_USER:
            profile = {"id": BOT_ID, "app_id": APP, "name": "sayso", "team_id": self.team, "deleted": False}
            found |= {"bot_id": BOT_ID, "app_id": APP, "bot_profile": profile}
        if message.edited_at is not None:
            found["edited"] = {"user": message.user, "ts": f"{message.edited_at.timestamp():.6f}"}
        if message.thread_ts is not None:
            found["thread_ts"] = message.thread_ts
        elif message.replies:
            found |= _thread(message)
        if message.metadata is not None:
            found["metadata"] = message.metadata
        return found

    def message_event(self, channel: Channel, message: Message) -> dict[str, Any]:
        """The event of a new message."""
        kind = "im" if channel.im_user else "group" if channel.is_private else "channel"
        return {
            **self.as_sent(message),
            "channel": channel.id,
            "channel_type": kind,
            "event_ts": message.ts,
        }

    # --- triggers and response addresses -----------------------------------------------------------

    def new_trigger(self, user: str) -> str:
        """A `trigger_id`, which lives three seconds and works once."""
        name = f"{self.state.next_number()}.{self.team}.local"
        self.state.triggers[name] = Trigger(user, self.now())
        return name

    def use_trigger(self, name: object) -> str:
        """The user of a trigger, which is then used up. Raises `Refused`."""
        trigger = self.state.triggers.get(str(name))
        if trigger is None:
            raise Refused("invalid_arguments", bug=True, messages=["[ERROR] invalid trigger_id"])
        if trigger.is_used:
            raise Refused("exchanged_trigger_id")
        if self.now() - trigger.made_at > TRIGGER_LIVES:
            raise Refused("expired_trigger_id")
        trigger.is_used = True
        return trigger.user

    def new_response(self, user: str, channel: str | None, thread_ts: str | None) -> str:
        """The name of a response address: five uses in thirty minutes."""
        name = f"r{self.state.next_number()}"
        self.state.responses[name] = ResponseAddress(user, channel, thread_ts, self.now())
        return name

    def respond(self, name: str, given: dict[str, Any]) -> str | None:
        """Use a response address; why not, where it cannot be used. Raises `Refused` for what is malformed."""
        address = self.state.responses.get(name)
        if address is None:
            return "no_such_response_url"
        if address.uses >= MOST_RESPONSES:
            return "used_url"
        if self.now() - address.made_at > RESPONSES_LIVE:
            return "expired_url"
        address.uses += 1
        said = self.checked(given)
        channel = self.state.channels[str(address.channel)]
        only_for = None if given.get("response_type") == "in_channel" else address.user
        self.post(channel, BOT_USER, said, thread_ts=given.get("thread_ts"), only_for=only_for)
        return None

    # --- views -------------------------------------------------------------------------------------

    def checked_view(self, view: Any, kind: str) -> dict[str, Any]:
        """A view of a call. Raises `Refused`."""
        problems = check_view(view)
        if not problems and view["type"] != kind:
            problems = [f"[ERROR] must be a {kind} [json-pointer:/view/type]"]
        if problems:
            raise Refused("invalid_arguments", bug=True, messages=problems)
        found: dict[str, Any] = view
        return found

    def push_view(self, user: str, body: dict[str, Any]) -> ViewState:
        """Open a modal on top of what is open. Raises `Refused`."""
        stack = self.state.modals.setdefault(user, [])
        if len(stack) >= DEEPEST_STACK:
            raise Refused("push_limit_reached")
        view = ViewState(self.new_id("V"), user, {}, "")
        stack.append(view)
        return self.show_view(view, body)

    def show_view(self, view: ViewState, body: dict[str, Any]) -> ViewState:
        """Show this in a view from now on."""
        before = self.input_states(view)
        view.body = {**deepcopy(body), "blocks": self.filled(body["blocks"])}
        view.typed = still_there(view, before)
        view.hash = f"{self.now().timestamp():.3f}.{self.state.next_number()}"
        view.errors = {}
        self.changed()
        return view

    def input_states(self, view: ViewState) -> dict[str, dict[str, Any]]:
        """What the inputs of a view hold, by block and action."""
        return input_states(view, self.kept, self.typed_in)

    def typed_in(self, text: str) -> str:
        """A text as Slack sends it that stands in an input."""
        return text if self.spares_inputs else kept_typed(text)

    def view(self, view_id: object) -> ViewState:
        """An open modal. Raises `Refused`."""
        for stack in self.state.modals.values():
            for view in stack:
                if view.id == view_id:
                    return view
        raise Refused("not_found")

    def view_as_sent(self, view: ViewState) -> dict[str, Any]:
        """A view as Slack describes it: below which it lies, and what was entered."""
        stack = [one.id for one in self.state.modals.get(view.user, ())]
        below = stack[: stack.index(view.id)] if view.id in stack else []
        return {
            "id": view.id,
            "team_id": self.team,
            "app_id": APP,
            "app_installed_team_id": self.team,
            "bot_id": BOT_ID,
            "title": {"type": "plain_text", "text": "Home", "emoji": True},
            "callback_id": "",
            "private_metadata": "",
            "external_id": "",
            "close": None,
            "submit": None,
            "clear_on_close": False,
            "notify_on_close": False,
            "previous_view_id": below[-1] if below else None,
            "root_view_id": below[0] if below else view.id,
            "hash": view.hash,
            **kept_view(view.body, spares_emoji=self.spares_emoji),
            "state": {"values": self.input_states(view)},
        }


def _thread(message: Message) -> dict[str, Any]:
    """What a message says of the thread below it."""
    users = list(dict.fromkeys(one.user for one in message.replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(message.replies),
        "reply_users_count": len(users),
        "latest_reply": message.replies[-1].ts,
        "reply_users": users[:5],
        "is_locked": False,
        "subscribed": False,
    }
