"""Channels and user groups, as people and administrators know them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sayso.testing.slack._state import BOT_USER
from sayso.testing.slack._view import SeenMessage
from sayso.testing.slack._world import World

if TYPE_CHECKING:
    from sayso.testing.slack._people import SlackPerson


@dataclass(frozen=True, slots=True)
class SlackUserGroup:
    """A user group as an administrator of the workspace knows it."""

    world: World
    id: str

    @property
    def members(self) -> list[str]:
        """The ids of those in it."""
        return self.world.state.user_groups[self.id].members

    def add(self, *people: SlackPerson) -> None:
        """Add members."""
        self.members.extend(person.id for person in people)
        self.world.changed()

    def remove(self, *people: SlackPerson) -> None:
        """Have people leave."""
        for person in people:
            self.members.remove(person.id)
        self.world.changed()

    def disable(self) -> None:
        """Disable the group: Slack does not know it any more."""
        self.world.state.user_groups[self.id].is_disabled = True
        self.world.changed()


@dataclass(frozen=True, slots=True)
class Place:
    """A channel as people know it."""

    world: World
    id: str

    @property
    def name(self) -> str:
        """Its name."""
        return self.world.state.channels[self.id].name

    @property
    def members(self) -> list[str]:
        """The ids of those in it."""
        return self.world.state.channels[self.id].members

    def add(self, *people: SlackPerson) -> None:
        """Add members."""
        for person in people:
            if person.id not in self.members:
                self.members.append(person.id)
                self._tell("member_joined_channel", user=person.id)

    def remove(self, *people: SlackPerson) -> None:
        """Have people leave."""
        for person in people:
            self.members.remove(person.id)
        self.world.changed()

    def add_bot(self) -> None:
        """Invite the bot."""
        self.members.append(BOT_USER)
        self._tell("member_joined_channel", user=BOT_USER)

    def remove_bot(self) -> None:
        """Throw the bot out."""
        self.members.remove(BOT_USER)
        self.world.changed()

    def archive(self, *, archived: bool = True) -> None:
        """Put the channel into the archive, or take it out."""
        self.world.state.channels[self.id].is_archived = archived
        if not archived:
            self._tell("channel_unarchive", user="U0ADMIN01")

    def delete(self, message: SeenMessage) -> None:
        """An administrator deletes a message."""
        channel = self.world.state.channels[self.id]
        channel.messages = [one for one in channel.messages if one.ts != message.ts]
        self.world.changed()

    def _tell(self, kind: str, user: str) -> None:
        event: dict[str, Any] = {
            "type": kind,
            "user": user,
            "channel": self.id,
            "channel_type": "C",
            "team": self.world.team,
        }
        self.world.send_event({**event, "event_ts": f"{self.world.now().timestamp():.6f}"})
        self.world.changed()
