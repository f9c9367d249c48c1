"""The methods of the Bot API that write messages, and the table of all that are played.

Each takes the checked parameters of a call and gives what stands under `result`, or raises `Refused`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import aiogram.methods
from pydantic import TypeAdapter, ValidationError

from sayso.testing.telegram._chat_methods import ChatMethods
from sayso.testing.telegram._entities import FormattedText
from sayso.testing.telegram._markup import read_markup
from sayso.testing.telegram._notified import allowed, notified
from sayso.testing.telegram._photos import MOST_OF_A_FILE, check_photo
from sayso.testing.telegram._refusals import Refused, bad_request, malformed
from sayso.testing.telegram._schema import read_parameters
from sayso.testing.telegram._state import Chat, ChatKind, Content, Message, StoredFile
from sayso.testing.telegram._text import read_text
from sayso.testing.telegram._webhook import WebhookMethods
from sayso.testing.telegram._wire import document_json, message_json
from sayso.testing.telegram._world import World

Parameters = dict[str, Any]


@cache
def _promised(name: str) -> TypeAdapter[Any]:
    method: Any = getattr(aiogram.methods, name[0].upper() + name[1:])
    return TypeAdapter(method.__returning__)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart body."""

    name: str
    media_type: str
    content: bytes


class BotMethods:
    """What a bot can call. Names are case-insensitive, as Telegram's are, unless `knows_exact_names_alone`."""

    def __init__(self, world: World, webhooks: WebhookMethods) -> None:
        self._world = world
        self.knows_exact_names_alone = False
        self._state = world.state
        chats = ChatMethods(world)
        self._chats = chats
        self._table: dict[str, tuple[str, Callable[[Parameters], Any]]] = {
            name.lower(): (name, method)
            for name, method in {
                "sendMessage": self._send_message,
                "sendDocument": self._send_document,
                "sendChatAction": chats.send_chat_action,
                "sendPhoto": self._send_photo,
                "editMessageText": self._edit_text,
                "editMessageCaption": self._edit_caption,
                "editMessageReplyMarkup": self._edit_markup,
                "deleteMessage": self._delete_message,
                "answerCallbackQuery": self._answer_callback_query,
                "getMe": chats.get_me,
                "getFile": self._get_file,
                "getChat": chats.get_chat,
                "getChatMember": chats.get_chat_member,
                "getChatMemberCount": chats.get_chat_member_count,
                "getChatAdministrators": chats.get_chat_administrators,
                "leaveChat": chats.leave_chat,
                "setMyCommands": chats.set_my_commands,
                "getMyCommands": chats.get_my_commands,
                "deleteMyCommands": chats.delete_my_commands,
                "setChatMenuButton": chats.set_chat_menu_button,
                "getUpdates": webhooks.get_updates,
                "setWebhook": webhooks.set_webhook,
                "deleteWebhook": webhooks.delete_webhook,
                "getWebhookInfo": webhooks.get_webhook_info,
            }.items()
        }

    async def call(self, name: str, given: Parameters) -> Any:
        """The result of one call; raises `Refused`."""
        found = self._table.get(name.lower())
        if found is None or (self.knows_exact_names_alone and name != found[0]):
            raise Refused(404, "Not Found: method not found", bug=True)
        method_name, method = found
        result: Any = method(read_parameters(method_name, given))
        if inspect.isawaitable(result):
            result = await result
        self._check(method_name, result)
        return result

    def _check(self, name: str, result: Any) -> None:
        """What this server answers must be what the Bot API promises, as aiogram's types know it."""
        try:
            _promised(name).validate_python(result)
        except ValidationError as error:
            self._world.problem(f"{name}: the local server's own answer is wrong: {error}")

    # --- sending -----------------------------------------------------------------------------------

    def _send_message(self, given: Parameters) -> Parameters:
        chat = self._chats.writable(given["chat_id"])
        text = read_text(given["text"], given.get("parse_mode"), given.get("entities"))
        return self._send(chat, text, given, None)

    def _send_document(self, given: Parameters) -> Parameters:
        chat = self._chats.writable(given["chat_id"])
        return self._send(chat, _caption(given), given, self._document(given["document"]))

    def _send_photo(self, given: Parameters) -> Parameters:
        chat = self._chats.writable(given["chat_id"])
        photo = replace(self._document(given["photo"]), is_photo=True)
        check_photo(photo.content)
        return self._send(chat, _caption(given), given, photo)

    def _send(
        self, chat: Chat, text: FormattedText, given: Parameters, document: StoredFile | None
    ) -> Parameters:
        markup = read_markup(given.get("reply_markup"), private=chat.kind is ChatKind.PRIVATE)
        replied = self._replied(chat, given.get("reply_parameters"))
        thread = self._thread(chat, given.get("message_thread_id"), replied)
        self._admit(chat)
        text, is_silent = allowed(self._state, chat, text), given.get("disable_notification", False)
        if document is not None:
            self._state.files[document.file_id] = document
        message = self._world.post(
            chat,
            self._state.bot.id,
            Content(text.text, text.entities, markup.inline, self._world.now()),
            reply_to=replied.message_id if replied else None,
            thread_id=thread,
            document=document.file_id if document else None,
            force_reply=markup.force_reply,
            reply_keyboard=markup.reply_keyboard,
            is_silent=is_silent,
            notified=() if is_silent else notified(self._state, chat, text),
        )
        return message_json(self._state, message)

    def _admit(self, chat: Chat) -> None:
        self._world.gate.admit(chat.id, group=chat.kind is not ChatKind.PRIVATE)

    def _replied(self, chat: Chat, reply: Parameters | None) -> Message | None:
        if reply is None or "message_id" not in reply:
            return None
        if reply.get("chat_id", chat.id) != chat.id:
            raise malformed("replies to another chat are not played by the local server")
        found = self._world.message(chat.id, reply["message_id"])
        if found is None and not reply.get("allow_sending_without_reply"):
            raise bad_request("message to be replied not found")
        return found

    @staticmethod
    def _thread(chat: Chat, asked: int | None, replied: Message | None) -> int | None:
        if asked is not None and asked not in chat.topics:
            raise bad_request("message thread not found")
        thread = asked if asked is not None else (replied.thread_id if replied else None)
        if thread in chat.closed_topics:
            raise bad_request("TOPIC_CLOSED")
        return thread

    def _document(self, given: Upload | str) -> StoredFile:
        if isinstance(given, Upload):
            if not given.content:
                raise malformed("file must be non-empty")
            if len(given.content) > MOST_OF_A_FILE:
                raise Refused(413, "Request Entity Too Large", bug=True)
            return StoredFile(
                f"file{len(self._state.files) + 1}", given.name, given.media_type, given.content
            )
        if given not in self._state.files:
            raise malformed("wrong file identifier/HTTP URL specified")
        return self._state.files[given]

    def _get_file(self, given: Parameters) -> Parameters:
        file = self._state.files.get(given["file_id"])
        if file is None:
            raise bad_request("invalid file_id")
        described = document_json(file)
        kept = {key: described[key] for key in ("file_id", "file_unique_id", "file_size")}
        return {**kept, "file_path": f"documents/{file.file_id}"}

    # --- changing ----------------------------------------------------------------------------------

    def _edit_text(self, given: Parameters) -> Parameters:
        chat, message = self._editable(given)
        if message.document is not None:
            raise bad_request("there is no text in the message to edit")
        if "text" not in given:
            raise malformed("message text is empty")
        text = read_text(given["text"], given.get("parse_mode"), given.get("entities"))
        return self._revise(chat, message, text, given)

    def _edit_caption(self, given: Parameters) -> Parameters:
        chat, message = self._editable(given)
        if message.document is None:
            raise bad_request("there is no caption in the message to edit")
        return self._revise(chat, message, _caption(given), given)

    def _edit_markup(self, given: Parameters) -> Parameters:
        chat, message = self._editable(given)
        return self._revise(chat, message, FormattedText(message.shown.text, message.shown.entities), given)

    def _revise(self, chat: Chat, message: Message, text: FormattedText, given: Parameters) -> Parameters:
        """A new version: what the call does not say again, the keyboard above all, is gone."""
        markup = read_markup(given.get("reply_markup"), private=chat.kind is ChatKind.PRIVATE)
        shown, text = message.shown, allowed(self._state, chat, text)
        self._admit(chat)
        if (text.text, text.entities, markup.inline) == (shown.text, shown.entities, shown.keyboard):
            raise bad_request(
                "message is not modified: specified new message content and reply markup are exactly the same as "
                "a current content and reply markup of the message"
            )
        content = Content(text.text, text.entities, markup.inline, self._world.now())
        return message_json(self._state, self._world.revise(message, content))

    def _editable(self, given: Parameters) -> tuple[Chat, Message]:
        if "chat_id" not in given or "message_id" not in given:
            raise malformed("message identifier is not specified")
        chat = self._chats.writable(given["chat_id"])
        message = self._world.message(chat.id, given["message_id"])
        if message is None:
            raise bad_request("message to edit not found")
        if message.sender_id != self._state.bot.id or message.service is not None:
            raise bad_request("message can't be edited")
        return chat, message

    def _delete_message(self, given: Parameters) -> bool:
        chat = self._chats.writable(given["chat_id"])
        message = self._world.message(chat.id, given["message_id"])
        if message is None:
            raise bad_request("message to delete not found")
        is_old = self._world.now() - message.date > self._world.limits.deletable_for
        if (message.sender_id != self._state.bot.id or is_old) and not self._chats.administers(chat):
            raise bad_request("message can't be deleted")
        self._world.delete(message)
        return True

    # --- presses -----------------------------------------------------------------------------------

    def _answer_callback_query(self, given: Parameters) -> bool:
        query = self._state.callbacks.get(given["callback_query_id"])
        now = self._world.now()
        if (
            query is None
            or query.answered_at is not None
            or now - query.pressed_at > self._world.limits.answer_window
        ):
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        query.answered_at = now
        query.text = given.get("text") or None
        query.show_alert = given.get("show_alert", False)
        self._world.changed()
        return True


def _caption(given: Parameters) -> FormattedText:
    return read_text(
        given.get("caption", ""), given.get("parse_mode"), given.get("caption_entities"), caption=True
    )
