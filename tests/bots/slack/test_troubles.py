"""What is wrong with the Slack bot, by the part that says so."""

from __future__ import annotations

from sayso.bots.slack._troubles import Troubles


def test_a_socket_that_works_takes_nothing_back_that_the_token_said() -> None:
    """Slack keeps sockets open for an app whose bot token it refuses."""
    heard: list[str | None] = []
    troubles = Troubles(heard.append)
    sockets, token = troubles.of("sockets"), troubles.of("token")
    sockets("it is connecting")
    token("invalid_auth")
    sockets(None)
    token(None)
    assert heard == ["it is connecting", "it is connecting; invalid_auth", "invalid_auth", None]
