"""What the control API has of Slack alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sayso.testing.platform import ControlApi, Handler, Impossible, read_json
from sayso.testing.slack._people import SlackPerson, SlackPress
from sayso.testing.slack._places import Place
from sayso.testing.slack._view import SeenMessage

if TYPE_CHECKING:
    from sayso.testing.slack._server import LocalSlack  # noqa: F401 - the base of the class names it


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Body of `POST /control/people`."""

    name: str
    is_bot: bool = False
    is_restricted: bool = False
    is_stranger: bool = False


@dataclass(frozen=True, slots=True)
class NewChannel:
    """Body of `POST /control/channels`; `members` are people's ids."""

    name: str
    members: list[str] = field(default_factory=list[str])
    is_private: bool = False
    has_bot: bool = True


@dataclass(frozen=True, slots=True)
class Act:
    """Body of `POST /control/people/ID/ACTION`. Without `channel` it is about the direct messages with the bot."""

    channel: str | None = None
    ts: str | None = None
    thread: str | None = None
    label: str = ""
    action_id: str | None = None
    number: int = 0
    text: str = ""
    values: dict[str, str | list[str]] = field(default_factory=dict[str, "str | list[str]"])


class SlackControl(ControlApi["LocalSlack", SlackPerson, Act]):
    """Channels, sockets, and what people do in channels, modals and the app's home."""

    @property
    def _body_of_act(self) -> type[Act]:
        return Act

    def _more_routes(self) -> Iterable[tuple[str, str, Handler]]:
        return [("POST", "/control/channels", self._add_channel), ("POST", "/control/drop", self._drop)]

    def _people(self) -> Iterable[SlackPerson]:
        return self._server.people()

    # --- looking -----------------------------------------------------------------------------------

    def _more_state(self) -> Mapping[str, Any]:
        server = self._server
        return {
            "people": [{"id": one.id, "name": one.name} for one in server.people()],
            "channels": [
                {"id": one.id, "name": one.name, "members": one.members} for one in server.channels()
            ],
            "connections": server.connections,
        }

    async def _chats(self, person: SlackPerson) -> Any:
        """All channels of a person as they see them, their direct messages first; their modal and their home."""
        joined = [one for one in self._server.channels() if person.id in one.members]
        chats: list[dict[str, Any]] = [{"id": None, "title": None, "messages": self._seen(person, None)}]
        chats += [{"id": one.id, "title": one.name, "messages": self._seen(person, one)} for one in joined]
        return {"chats": chats, "view": person.view, "home": person.home}

    @staticmethod
    def _seen(person: SlackPerson, place: Place | None) -> list[dict[str, Any]]:
        return [
            {"message": one, "thread": person.messages(place, thread=one.ts)}
            for one in person.messages(place)
        ]

    # --- doing -------------------------------------------------------------------------------------

    async def _add_person(self, request: web.Request) -> Any:
        new = await read_json(request, NewPerson)
        person = self._server.add_person(
            new.name, is_bot=new.is_bot, is_restricted=new.is_restricted, is_stranger=new.is_stranger
        )
        return {"id": person.id}

    async def _add_channel(self, request: web.Request) -> Any:
        new = await read_json(request, NewChannel)
        members = [person for person in self._server.people() if person.id in new.members]
        channel = self._server.add_channel(new.name, members, is_private=new.is_private, has_bot=new.has_bot)
        return {"id": channel.id}

    async def _drop(self, _request: web.Request) -> Any:
        self._server.drop()
        return {}

    async def _actions(self, person: SlackPerson, act: Act) -> Mapping[str, Callable[[], Awaitable[Any]]]:
        place = self._place(act.channel)
        command, _, text = act.text.partition(" ")

        async def on_message(does: Callable[[SeenMessage], Awaitable[Any]]) -> Any:
            return await does(self._message(person, place, act))

        return {
            "press": lambda: on_message(
                lambda message: _done(
                    person.press(message, act.label, action_id=act.action_id, number=act.number)
                )
            ),
            "choose": lambda: on_message(
                lambda message: _done(person.choose(message, act.label, action_id=act.action_id))
            ),
            "search": lambda: on_message(lambda message: person.search(message, act.text)),
            "submit": lambda: _done(person.submit(act.values)),
            "close": person.close_view,
            "home": person.open_home,
            "press_at_home": lambda: _done(person.press_at_home(act.label, act.number)),
            "press_in_view": lambda: _done(person.press_in_view(act.label, act.number, act.values)),
            "command": lambda: _done(person.command(command, text, place)),
            "write": lambda: person.write(act.text, place, thread=act.thread),
        }

    # --- what --------------------------------------------------------------------------------------

    def _place(self, channel: str | None) -> Place | None:
        if channel is None:
            return None
        for place in self._server.channels():
            if place.id == channel:
                return place
        raise Impossible(channel, "is not a channel here")

    @staticmethod
    def _message(person: SlackPerson, place: Place | None, act: Act) -> SeenMessage:
        for message in person.messages(place):
            if message.ts == act.ts:
                return message
        raise Impossible(person.name, f"sees no message {act.ts}")


async def _done(doing: Awaitable[SlackPress]) -> Any:
    """What became of something that somebody did."""
    return await (await doing).result()
