"""State as the Bot API writes it: users, chats, members, messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sayso.testing.telegram._state import (
    ANONYMOUS_ADMINISTRATOR,
    Account,
    CallbackQuery,
    Chat,
    ChatKind,
    Content,
    Member,
    Message,
    QueryForm,
    Status,
    StoredFile,
    TelegramState,
)

RIGHTS = (
    "can_be_edited",
    "can_change_info",
    "can_delete_messages",
    "can_delete_stories",
    "can_edit_stories",
    "can_invite_users",
    "can_manage_chat",
    "can_manage_video_chats",
    "can_post_stories",
    "can_promote_members",
    "can_restrict_members",
    "can_send_welcome_messages",
)


def timestamp(moment: datetime) -> int:
    """Unix time in whole seconds, as all dates of the Bot API."""
    return int(moment.timestamp())


def user_json(account: Account) -> dict[str, Any]:
    """A `User`."""
    found: dict[str, Any] = {"id": account.id, "is_bot": account.is_bot, "first_name": account.first_name}
    if account.username:
        found["username"] = account.username
    if account.language:
        found["language_code"] = account.language
    return found


def chat_json(state: TelegramState, chat: Chat) -> dict[str, Any]:
    """A `Chat`."""
    if chat.kind is ChatKind.PRIVATE:
        person = state.accounts[chat.id]
        names = {
            "first_name": person.first_name,
            **({"username": person.username} if person.username else {}),
        }
        return {"id": chat.id, "type": "private", **names}
    forum = {"is_forum": True} if chat.is_forum else {}
    return {"id": chat.id, "type": str(chat.kind), "title": chat.title, **forum}


def full_chat_json(state: TelegramState, chat: Chat) -> dict[str, Any]:
    """A `ChatFullInfo`, with the fields that are always there. Whoever deleted their account has no name any more."""
    account = state.accounts.get(chat.id)
    nameless = {"first_name": ""} if account is not None and account.is_deleted else {}
    gifts = (
        "unlimited_gifts",
        "limited_gifts",
        "unique_gifts",
        "premium_subscription",
        "gifts_from_channels",
    )
    return {
        **chat_json(state, chat),
        **nameless,
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }


def member_json(account: Account, member: Member) -> dict[str, Any]:
    """A `ChatMember` of the kind that its status names."""
    found: dict[str, Any] = {"status": str(member.status), "user": user_json(account)}
    match member.status:
        case Status.CREATOR:
            return {**found, "is_anonymous": member.is_anonymous}
        case Status.ADMINISTRATOR:
            return {**found, "is_anonymous": member.is_anonymous, **dict.fromkeys(RIGHTS, False)}
        case Status.KICKED:
            return {**found, "until_date": 0}
        case Status.MEMBER | Status.LEFT:
            return found


def message_json(state: TelegramState, message: Message, *, with_reply: bool = True) -> dict[str, Any]:
    """A `Message`. Of what it replies to, one level is shown, as Telegram does."""
    chat = state.chats[message.chat_id]
    shown = message.shown
    found: dict[str, Any] = {
        "message_id": message.message_id,
        "from": user_json(_sender(state, message)),
        "chat": chat_json(state, chat),
        "date": timestamp(message.date),
    }
    if message.sender_chat_id is not None:
        found["sender_chat"] = chat_json(state, state.chats[message.sender_chat_id])
    if message.thread_id is not None:
        found |= {"message_thread_id": message.thread_id, "is_topic_message": True}
    if with_reply and (replied := _replied(state, message)):
        found["reply_to_message"] = message_json(state, replied, with_reply=False)
    if message.forwarded_from is not None:
        origin = {"type": "hidden_user", "sender_user_name": message.forwarded_from}
        found["forward_origin"] = {**origin, "date": timestamp(message.date)}
    if len(message.versions) > 1:
        found["edit_date"] = timestamp(shown.at)
    if shown.keyboard:
        found["reply_markup"] = {"inline_keyboard": shown.keyboard}
    return found | _content_json(state, message, shown) | (message.service or {})


def inaccessible_json(state: TelegramState, message: Message) -> dict[str, Any]:
    """An `InaccessibleMessage`: the bot learns only where it was."""
    chat = state.chats[message.chat_id]
    return {"chat": chat_json(state, chat), "message_id": message.message_id, "date": 0}


def callback_json(state: TelegramState, query: CallbackQuery) -> dict[str, Any]:
    """A `CallbackQuery` with the message as it is now, or as its form wants it."""
    message = state.messages[query.chat_id][query.message_id]
    origin: dict[str, Any]
    if query.form is QueryForm.INLINE:
        origin = {"inline_message_id": f"inline{query.chat_id}m{query.message_id}"}
    elif query.form is QueryForm.INACCESSIBLE or message.is_deleted:
        origin = {"message": inaccessible_json(state, message)}
    else:
        origin = {"message": message_json(state, message)}
    return {
        "id": query.id,
        "from": user_json(state.accounts[query.person_id]),
        **origin,
        "chat_instance": str(-query.chat_id * 7919),
        "data": query.data,
    }


def document_json(file: StoredFile) -> dict[str, Any]:
    """A `Document`."""
    return {
        "file_id": file.file_id,
        "file_unique_id": "u" + file.file_id,
        "file_name": file.name,
        "mime_type": file.media_type,
        "file_size": len(file.content),
    }


def photo_json(file: StoredFile) -> dict[str, Any]:
    """A `PhotoSize`, the only one that this server has."""
    described = document_json(file)
    kept = {key: described[key] for key in ("file_id", "file_unique_id", "file_size")}
    return {**kept, "width": 90, "height": 90}


def _sender(state: TelegramState, message: Message) -> Account:
    if message.sender_id == ANONYMOUS_ADMINISTRATOR:
        return Account(ANONYMOUS_ADMINISTRATOR, "Group", "GroupAnonymousBot", is_bot=True)
    return state.bot if message.sender_id == state.bot.id else state.accounts[message.sender_id]


def _replied(state: TelegramState, message: Message) -> Message | None:
    """What it answers; in a topic that is the topic's first notice when it answers nothing else."""
    replied = message.reply_to or (message.thread_id if message.message_id != message.thread_id else None)
    found = state.messages[message.chat_id].get(replied) if replied else None
    return None if found is None or found.is_deleted else found


def _content_json(state: TelegramState, message: Message, shown: Content) -> dict[str, Any]:
    if message.service is not None:
        return {}
    entities = [_named(state, entity.as_json()) for entity in shown.entities]
    if message.document is None:
        return {"text": shown.text, **({"entities": entities} if entities else {})}
    file = state.files[message.document]
    document = {"photo": [photo_json(file)]} if file.is_photo else {"document": document_json(file)}
    if not shown.text:
        return document
    return {**document, "caption": shown.text, **({"caption_entities": entities} if entities else {})}


def _named(state: TelegramState, entity: dict[str, Any]) -> dict[str, Any]:
    """A mention by id carries the user as the platform knows them, whatever the bot wrote."""
    if entity["type"] == "text_mention" and (person := state.accounts.get(entity["user"]["id"])):
        return {**entity, "user": user_json(person)}
    return entity
