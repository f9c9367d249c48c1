"""Ports for servers whose address has to be known before they listen."""

from __future__ import annotations

import socket
from random import SystemRandom

_BELOW_THOSE_OF_CONNECTIONS = range(20_000, 32_000)
"""Linux gives outgoing connections ports from 32768 on, other systems from 49152."""


def free_port() -> int:
    """A port of 127.0.0.1 that is free, and that no outgoing connection gets before a server listens there. Another
    process that asks at the same time gets another one, as far as chance allows.
    """
    while True:
        port = SystemRandom().choice(_BELOW_THOSE_OF_CONNECTIONS)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
