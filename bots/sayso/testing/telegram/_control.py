"""What the control API has of Telegram alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sayso.testing.platform import ControlApi, Handler, Impossible, read_json
from sayso.testing.telegram._groups import Group
from sayso.testing.telegram._people import Person
from sayso.testing.telegram._view import SeenMessage

if TYPE_CHECKING:
    from sayso.testing.telegram._server import LocalTelegram  # noqa: F401 - the base of the class names it


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Body of `POST /control/people`."""

    name: str
    username: str | None = None
    language: str | None = "en"
    has_started: bool = True


@dataclass(frozen=True, slots=True)
class NewGroup:
    """Body of `POST /control/groups`; `members` are people's ids."""

    title: str
    members: list[int] = field(default_factory=list[int])
    supergroup: bool = True
    forum: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """Body of `POST /control/people/ID/ACTION`. Without `chat_id` the chat is the person's own with the bot."""

    chat_id: int | None = None
    message_id: int | None = None
    label: str = ""
    position: int | None = None
    text: str = ""
    topic: int | None = None
    payload: str | None = None
    anonymous: bool = False


class TelegramControl(ControlApi["LocalTelegram", Person, Act]):
    """Groups, and what people do in them and in their own chats with the bot."""

    @property
    def _body_of_act(self) -> type[Act]:
        return Act

    def _more_routes(self) -> Iterable[tuple[str, str, Handler]]:
        return [("POST", "/control/groups", self._add_group)]

    def _people(self) -> Iterable[Person]:
        return self._server.people()

    # --- looking -----------------------------------------------------------------------------------

    def _more_state(self) -> Mapping[str, Any]:
        server = self._server
        return {
            "people": [{"id": p.id, "name": p.name, "username": p.username} for p in server.people()],
            "groups": [{"id": g.id, "title": g.title, "members": g.members} for g in server.groups()],
            "pending_updates": server.pending_updates,
        }

    async def _chats(self, person: Person) -> Any:
        """All chats of a person as they see them; the chat with the bot has their own id."""
        chats: list[dict[str, Any]] = []
        if person.has_private_chat:
            chats.append({"id": person.id, "title": None, "messages": await person.sees()})
        joined = [group for group in self._server.groups() if person.id in group.members]
        return chats + [{"id": g.id, "title": g.title, "messages": await person.sees(g)} for g in joined]

    # --- doing -------------------------------------------------------------------------------------

    async def _add_person(self, request: web.Request) -> Any:
        new = await read_json(request, NewPerson)
        person = self._server.add_person(
            new.name, username=new.username, language=new.language, has_started=new.has_started
        )
        return {"id": person.id}

    async def _add_group(self, request: web.Request) -> Any:
        new = await read_json(request, NewGroup)
        members = [person for person in self._server.people() if person.id in new.members]
        group = await self._server.add_group(new.title, members, supergroup=new.supergroup, forum=new.forum)
        return {"id": group.id}

    async def _actions(self, person: Person, act: Act) -> Mapping[str, Callable[[], Awaitable[Any]]]:
        group = self._group(act.chat_id) if act.chat_id not in (None, person.id) else None

        async def press() -> Any:
            message = await self._message(person, group, act)
            return await person.press(message, act.label or None, position=act.position)

        async def follow() -> Any:
            return {"url": await person.follow(await self._message(person, group, act), act.label)}

        async def reply() -> Any:
            message = await self._message(person, group, act)
            return await person.reply(message, act.text, anonymous=act.anonymous)

        return {
            "press": press,
            "follow": follow,
            "reply": reply,
            "say": lambda: person.say(group, act.text, topic=act.topic, anonymous=act.anonymous),
            "start": lambda: person.start(act.payload),
            "block": person.block,
            "unblock": person.unblock,
            **({} if group is None else {"leave": lambda: person.leave(group)}),
        }

    # --- what --------------------------------------------------------------------------------------

    def _group(self, chat_id: int | None) -> Group:
        for group in self._server.groups():
            if group.id == chat_id:
                return group
        raise Impossible(str(chat_id), "is not a chat here")

    @staticmethod
    async def _message(person: Person, group: Group | None, act: Act) -> SeenMessage:
        for message in await person.sees(group):
            if message.message_id == act.message_id:
                return message
        raise Impossible(person.name, f"sees no message {act.message_id}")
