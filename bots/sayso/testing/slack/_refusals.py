"""How Slack's Web API says no: HTTP 200 and a name, except where it has had too much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

DOCUMENTED = frozenset(
    {
        "account_inactive", "already_in_channel", "alt_txt_too_large",
        "cannot_dm_bot", "cant_update_message", "channel_not_found",
        "exchanged_trigger_id", "expired_trigger_id", "fatal_error", "file_not_found",
        "file_uploads_disabled", "hash_conflict", "internal_error",
        "invalid_arguments", "invalid_attachments", "invalid_auth", "invalid_blocks", "invalid_users",
        "is_archived", "message_not_found", "method_deprecated", "missing_scope", "msg_too_long",
        "no_such_subteam", "no_text", "not_allowed_token_type", "not_authed", "not_found", "not_in_channel",
        "org_login_required", "push_limit_reached", "ratelimited", "thread_not_found", "token_expired",
        "token_revoked", "unknown_method", "user_disabled",
        "user_not_found", "user_not_in_channel", "users_list_not_supplied", "view_too_large",
    }
)  # fmt: skip
"""The names that the methods' reference pages list (docs.slack.dev/reference/methods)."""


class Refused(Exception):
    """A method call that is answered with `{"ok": false, "error": ...}`.

    `bug` tells calls that no correct bot makes from what happens to every bot: only the former become problems.
    """

    def __init__(
        self, error: str, *, bug: bool = False, messages: Sequence[str] = (), retry_after: int | None = None,
        **more: Any,
    ) -> None:  # fmt: skip
        assert error in DOCUMENTED, f"{error} is not a name that Slack uses"
        self.error = error
        self.bug = bug
        self.messages = tuple(messages)
        self.retry_after = retry_after
        self.more = more
        super().__init__("; ".join([error, *messages]))

    @property
    def body(self) -> dict[str, Any]:
        """The answer."""
        found: dict[str, Any] = {"ok": False, "error": self.error, **self.more}
        if self.messages:
            found["response_metadata"] = {"messages": list(self.messages)}
        return found
