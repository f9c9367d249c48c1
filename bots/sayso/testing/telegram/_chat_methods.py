"""The methods of the Bot API about chats, members and the bot itself, and who may be written to."""

from __future__ import annotations

import json
from typing import Any

from sayso.testing.telegram._refusals import Refused, bad_request, forbidden, malformed, migrated
from sayso.testing.telegram._state import PRESENT, Account, CallbackQueryMode, Chat, ChatKind, Member, Status
from sayso.testing.telegram._wire import full_chat_json, member_json, user_json
from sayso.testing.telegram._world import World

Parameters = dict[str, Any]


class ChatMethods:
    """Chats as the bot may see and use them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._state = world.state

    # --- access ------------------------------------------------------------------------------------

    def readable(self, chat_id: int | str) -> Chat:
        """The chat, if the bot knows it and is in it; else `Refused` in Telegram's words."""
        if isinstance(chat_id, str):
            raise bad_request("chat not found")
        chat = self._state.chats.get(chat_id)
        if chat is None:
            raise self._unknown(chat_id)
        if chat.migrated_to is not None:
            raise migrated(chat.migrated_to)
        if chat.kind is ChatKind.PRIVATE:
            return chat
        match chat.status(self._state.bot.id):
            case Status.KICKED:
                raise forbidden(f"bot was kicked from the {chat.kind} chat")
            case Status.LEFT:
                raise forbidden(f"bot is not a member of the {chat.kind} chat")
            case _:
                return chat

    def writable(self, chat_id: int | str) -> Chat:
        """The chat, if the bot may write there."""
        chat = self.readable(chat_id)
        if chat.kind is not ChatKind.PRIVATE:
            if not chat.bot_may_write:
                raise bad_request("not enough rights to send text messages to the chat")
            return chat
        if self._state.accounts[chat.id].is_deleted:
            raise forbidden("user is deactivated")
        if chat.status(self._state.bot.id) not in PRESENT:
            raise forbidden("bot was blocked by the user")
        return chat

    def administers(self, chat: Chat) -> bool:
        """Whether the bot is an administrator there."""
        return chat.status(self._state.bot.id) is Status.ADMINISTRATOR

    def _unknown(self, chat_id: int) -> Refused:
        """A person whom the bot met in a group is known, but must speak first; anybody else does not exist."""
        met = any(
            chat_id in chat.members and self._state.bot.id in chat.members
            for chat in self._state.chats.values()
        )
        return (
            forbidden("bot can't initiate conversation with a user") if met else bad_request("chat not found")
        )

    # --- chats and members -------------------------------------------------------------------------

    def get_chat(self, given: Parameters) -> Parameters:
        """`getChat`."""
        return full_chat_json(self._state, self.readable(given["chat_id"]))

    def get_chat_member(self, given: Parameters) -> Parameters:
        """`getChatMember`: somebody known who is not there has left."""
        chat = self.readable(given["chat_id"])
        account = self._account(given["user_id"])
        if account is None:
            raise bad_request("user not found")
        return member_json(account, chat.members.get(account.id, Member(Status.LEFT)))

    def get_chat_member_count(self, given: Parameters) -> int:
        """`getChatMemberCount`."""
        return len(_present(self.readable(given["chat_id"])))

    def get_chat_administrators(self, given: Parameters) -> list[Parameters]:
        """`getChatAdministrators`: people, and this bot if it is one."""
        chat = self.readable(given["chat_id"])
        if chat.kind is ChatKind.PRIVATE:
            raise bad_request("there are no administrators in the private chat")
        return [
            member_json(self._state.accounts.get(account_id, self._state.bot), member)
            for account_id, member in chat.members.items()
            if member.status in {Status.CREATOR, Status.ADMINISTRATOR}
        ]

    def leave_chat(self, given: Parameters) -> bool:
        """`leaveChat`."""
        chat = self.readable(given["chat_id"])
        if chat.kind is ChatKind.PRIVATE:
            raise bad_request("chat member status can't be changed in private chats")
        self._world.set_member(chat, self._state.bot, Member(Status.LEFT), by=self._state.bot)
        return True

    def send_chat_action(self, given: Parameters) -> bool:
        """`sendChatAction`: nobody here sees it."""
        self.writable(given["chat_id"])
        return True

    def _account(self, account_id: int) -> Account | None:
        return self._state.bot if account_id == self._state.bot.id else self._state.accounts.get(account_id)

    # --- the bot -----------------------------------------------------------------------------------

    def get_me(self, _given: Parameters) -> Parameters:
        """`getMe`."""
        mode = self._world.callback_query_mode
        settings = {} if mode is CallbackQueryMode.DEFAULT else {"callback_query_mode": str(mode)}
        return {
            **user_json(self._state.bot),
            **settings,
            "can_join_groups": True,
            "can_read_all_group_messages": not self._world.privacy_mode,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    def set_my_commands(self, given: Parameters) -> bool:
        """`setMyCommands` for one scope and language."""
        self._check_scope(given)
        self._state.commands[_scope(given)] = given["commands"]
        self._world.changed()
        return True

    def get_my_commands(self, given: Parameters) -> list[dict[str, str]]:
        """`getMyCommands` of exactly this scope and language."""
        return self._state.commands.get(_scope(given), [])

    def delete_my_commands(self, given: Parameters) -> bool:
        """`deleteMyCommands`."""
        self._state.commands.pop(_scope(given), None)
        self._world.changed()
        return True

    def set_chat_menu_button(self, given: Parameters) -> bool:
        """`setChatMenuButton`, for one person or (0) for all."""
        self._state.menu_buttons[given.get("chat_id", 0)] = given.get("menu_button", {"type": "default"})
        self._world.changed()
        return True

    def _check_scope(self, given: Parameters) -> None:
        code = given.get("language_code", "")
        if code and not (len(code) == 2 and code.isascii() and code.isalpha()):  # noqa: PLR2004 - ISO 639-1
            raise malformed("invalid language code specified")
        if "chat_id" in (scope := given.get("scope", {})):
            self.readable(scope["chat_id"])


def _present(chat: Chat) -> list[int]:
    return [account_id for account_id, member in chat.members.items() if member.status in PRESENT]


def _scope(given: Parameters) -> str:
    scope = given.get("scope", {"type": "default"})
    return json.dumps([scope, given.get("language_code", "")], sort_keys=True)
