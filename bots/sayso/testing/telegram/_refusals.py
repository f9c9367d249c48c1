"""How the Bot API says no: a status, Telegram's own words, and sometimes a parameter to act on.

Wordings: tdlib/telegram-bot-api `Client.cpp` (`fail_query_with_error`, `check_chat_access`, `check_message`).
"""

from __future__ import annotations


class Refused(Exception):
    """A method call that is answered with `{"ok": false, ...}`.

    `bug` tells calls that no correct bot makes (a malformed payload) from what happens to every bot (a blocked
    chat, a flood limit, an unchanged text): only the former become problems of the platform.
    """

    def __init__(
        self, code: int, description: str, *, bug: bool = False, parameters: dict[str, int] | None = None
    ) -> None:
        self.code = code
        self.description = description
        self.bug = bug
        self.parameters = parameters
        super().__init__(description)


def bad_request(reason: str) -> Refused:
    """400 for something that happens to correct bots too."""
    return Refused(400, f"Bad Request: {reason}")


def malformed(reason: str) -> Refused:
    """400 for a payload that no correct bot sends."""
    return Refused(400, f"Bad Request: {reason}", bug=True)


def forbidden(reason: str) -> Refused:
    """403: the chat is closed to the bot."""
    return Refused(403, f"Forbidden: {reason}")


def conflict(reason: str) -> Refused:
    """409: two receivers of updates."""
    return Refused(409, f"Conflict: {reason}")


def too_many_requests(seconds: int) -> Refused:
    """429, with the whole seconds to wait."""
    return Refused(429, f"Too Many Requests: retry after {seconds}", parameters={"retry_after": seconds})


def migrated(new_chat_id: int) -> Refused:
    """400 for a group that lives on under another id."""
    return Refused(
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        parameters={"migrate_to_chat_id": new_chat_id},
    )
