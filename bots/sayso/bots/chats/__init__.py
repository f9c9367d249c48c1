"""What all chat platforms have in common: how their messages are named, and which presses count.

Who presses and what it decides is the desk's to say; how a message is sent, read and locked a platform's.
"""

from sayso.bots.chats._messages import Reference, UnderWay
from sayso.bots.chats._presses import Judged, Presses, Seen, Standing, Strikes

__all__ = ["Judged", "Presses", "Reference", "Seen", "Standing", "Strikes", "UnderWay"]
