"""What answers people, as a platform is handed it."""

from __future__ import annotations

from dataclasses import dataclass

from sayso.bots.answers._commands import Commands
from sayso.bots.answers._desk import Desk
from sayso.bots.chats import Presses


@dataclass(frozen=True, slots=True)
class Answering:
    """What a platform hands on to what people do: presses are judged, then answered; commands are carried out."""

    desk: Desk
    commands: Commands
    presses: Presses
