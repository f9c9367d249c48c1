"""Ports for servers that begin to listen later."""

from __future__ import annotations

import socket

from sayso.testing.platform import free_port


def test_a_free_port_is_none_that_the_system_gives_away() -> None:
    """Else a connection of another test takes it before the server listens, which then cannot start."""
    with socket.create_server(("127.0.0.1", 0)) as given_away:
        lowest = min(32_768, int(given_away.getsockname()[1]))
    with socket.create_server(("127.0.0.1", port := free_port())):
        assert port < lowest
        assert free_port() != port
