"""What a correct bot never sends is refused in Telegram's words and noted; what it may send passes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sayso.testing.telegram import LocalTelegram
from tests.testing.telegram.support import YES_NO, RawBot, keyboard


def _button(**fields: Any) -> dict[str, Any]:
    return {"reply_markup": {"inline_keyboard": [[{"text": "Approve", **fields}]]}}


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("sendMessage", {"text": ""}, "message text is empty"),
    ("sendMessage", {"text": "x" * 4097}, "message is too long"),
    ("sendMessage", {"text": "😀" * 2049}, "message is too long"),
    ("sendMessage", {"text": "<b>x", "parse_mode": "HTML"}, "can't parse entities"),
    ("sendMessage", {"text": "1.5", "parse_mode": "MarkdownV2"}, "can't parse entities"),
    ("sendMessage", {"text": "x", "parse_mode": "html5"}, "unsupported parse_mode"),
    ("sendMessage", {"text": "x", "txet": "y"}, "unknown"),
    ("sendMessage", {"text": "x", **_button(callback_data="x" * 65)}, "BUTTON_DATA_INVALID"),
    ("sendMessage", {"text": "x", **_button(callback_data="é" * 33)}, "BUTTON_DATA_INVALID"),
    ("sendMessage", {"text": "x", **_button(callback_data="")}, "BUTTON_DATA_INVALID"),
    ("sendMessage", {"text": "x", **_button()}, "Text buttons are unallowed"),
    ("sendMessage", {"text": "x", **_button(callback_data="a", url="https://a.example")}, "exactly one"),
    ("sendMessage", {"text": "x", **_button(url="no address")}, "wrong HTTP URL"),
    ("sendMessage", {"text": "x", **_button(callback_data="a", style="green")}, "style"),
    ("sendMessage", {"text": "x", **_button(callback_data="a", colour="red")}, "colour"),
    ("sendMessage", {"text": "x", **_button(callback_data=1)}, "callback_data"),
    ("sendMessage", {"text": "x", "reply_markup": keyboard(["a"] * 9)}, "reply markup is too long"),
    ("sendMessage", {"text": "x", "reply_markup": keyboard(*[["a"]] * 101)}, "reply markup is too long"),
    ("sendMessage", {"text": "x", "reply_markup": keyboard(*[["y" * 60]] * 90)}, "reply markup is too long"),
    ("sendMessage", {"text": "x", "reply_markup": {"buttons": []}}, "reply keyboard markup"),
    ("sendMessage", {"text": "x", "reply_markup": "not json"}, "can't parse reply_markup"),
    ("sendMessage", {"text": "x", "reply_markup": {"force_reply": False}}, "force_reply"),
    ("sendMessage", {"text": "x", "disable_notification": "perhaps"}, "boolean"),
    ("sendMessage", {"text": ["x"]}, "text"),
    ("editMessageText", {"text": "x"}, "message identifier is not specified"),
    ("answerCallbackQuery", {"callback_query_id": "1", "text": "x" * 201}, "text"),
    ("setMyCommands", {"commands": [{"command": "Run", "description": "x"}]}, "BOT_COMMAND_INVALID"),
    (
        "setMyCommands",
        {"commands": [{"command": "run", "description": ""}]},
        "BOT_COMMAND_DESCRIPTION_INVALID",
    ),
    ("setMyCommands", {"commands": [{"command": "c", "description": "x"}] * 101}, "commands"),
    ("setWebhook", {"url": "https://a.example/", "secret_token": "no spaces"}, "secret token"),
    ("getUpdates", {"limit": 101}, "limit"),
    ("getUpdates", {"allowed_updates": ["presses"]}, "allowed_updates"),
    ("sendDocument", {"document": "https://a.example/x.pdf"}, "wrong file identifier"),
]
NEEDS_CHAT = {"sendMessage", "sendDocument"}


@pytest.mark.parametrize(("method", "payload", "words"), BAD)
async def test_a_bad_payload_is_refused_and_noted(
    telegram: LocalTelegram, bot: RawBot, method: str, payload: dict[str, Any], words: str
) -> None:
    """A server that lets this through would let the bug through to production."""
    ana = telegram.add_person("Ana")
    where = {"chat_id": ana.id} if method in NEEDS_CHAT else {}
    status, description = (await bot.call(method, **where, **payload)).refusal
    assert status == 400
    assert description.startswith("Bad Request: ")
    assert words in description
    assert len(telegram.problems) == 1
    assert await ana.sees() == []


GOOD: list[dict[str, Any]] = [
    {"text": "x" * 4096},
    {"text": "😀" * 2048},
    {"text": "<b>x</b> &amp; y", "parse_mode": "HTML"},
    {"text": "*x* \\- y", "parse_mode": "MarkdownV2"},
    {"text": "x", "entities": [{"type": "bold", "offset": 0, "length": 1}]},
    {"text": "x", **_button(callback_data="x" * 64)},
    {"text": "x", **_button(callback_data="é" * 32)},
    {"text": "x", **_button(callback_data="a", style="danger")},
    {"text": "x", **_button(disabled={})},
    {"text": "x", **_button(url="https://a.example/x")},
    {"text": "x", **_button(copy_text={"text": "copied"})},
    {"text": "x", "reply_markup": keyboard(["a"] * 8)},
    {"text": "x", "reply_markup": keyboard(*[["a"]] * 100)},
    {"text": "x", "reply_markup": {"force_reply": True, "selective": True, "input_field_placeholder": "40"}},
    {"text": "x", "reply_markup": {"remove_keyboard": True}},
    {"text": "x", "reply_markup": {"keyboard": [[{"text": "a"}, {"text": "b"}]]}},
    {"text": "x", "link_preview_options": {"is_disabled": True}, "protect_content": True},
]


@pytest.mark.parametrize("payload", GOOD)
async def test_a_good_payload_passes(telegram: LocalTelegram, bot: RawBot, payload: dict[str, Any]) -> None:
    ana = telegram.add_person("Ana")
    sent = await bot.send(ana.id, **payload)
    assert sent["chat"]["id"] == ana.id
    assert len(await ana.sees()) == 1
    assert telegram.problems == []


async def test_only_inline_keyboards_come_back(telegram: LocalTelegram, bot: RawBot) -> None:
    """A library that finds another markup in a message fails on it."""
    ana = telegram.add_person("Ana")
    assert "reply_markup" not in await bot.send(ana.id, "x", reply_markup={"force_reply": True})
    assert (await bot.send(ana.id, "x", reply_markup=YES_NO))["reply_markup"] == YES_NO


async def test_forms_multipart_and_queries_mean_the_same_as_json(
    telegram: LocalTelegram, bot: RawBot
) -> None:
    ana = telegram.add_person("Ana")
    client: httpx.AsyncClient = bot.client
    form = {"chat_id": str(ana.id), "text": "x", "disable_notification": "True", "entities": "[]"}
    for response in (
        await client.post(f"{bot.url}/sendMessage", data=form),
        await client.post(
            f"{bot.url}/SENDMESSAGE", files={name: (None, value) for name, value in form.items()}
        ),
        await client.get(f"{bot.url}/sendMessage", params=form),
        await client.post(f"{bot.url}/sendMessage", json=form),
    ):
        assert response.json()["ok"], response.text
    assert [message.text for message in await ana.sees()] == ["x"] * 4
    assert telegram.problems == []


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"'])
async def test_a_body_that_is_no_json_object_is_refused(
    telegram: LocalTelegram, bot: RawBot, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    response = await bot.client.post(f"{bot.url}/getMe", content=body, headers=headers)
    assert response.status_code == 400
    assert telegram.problems


async def test_a_wrong_token_is_401_and_an_unknown_method_404(telegram: LocalTelegram, bot: RawBot) -> None:
    response = await bot.client.post(f"{telegram.base_url}1:wrong/getMe")
    assert (response.status_code, response.json()["description"]) == (401, "Unauthorized")
    assert (await bot.call("sendTelepathy")).refusal == (404, "Not Found: method not found")
    assert len(telegram.problems) == 1


async def test_a_document_is_uploaded_seen_and_downloaded(telegram: LocalTelegram, bot: RawBot) -> None:
    ana = telegram.add_person("Ana")
    response = await bot.client.post(
        f"{bot.url}/sendDocument",
        data={"chat_id": str(ana.id), "caption": "the rest"},
        files={"document": ("prompt.txt", b"all of it", "text/plain")},
    )
    document = response.json()["result"]["document"]
    seen = (await ana.sees())[0]
    assert seen.text == "the rest"
    assert seen.document
    assert (seen.document.name, seen.document.content) == ("prompt.txt", b"all of it")
    path = (await bot.call("getFile", file_id=document["file_id"])).result["file_path"]
    file = await bot.client.get(f"{telegram.base_file_url}{telegram.token}/{path}")
    assert file.content == b"all of it"
    assert telegram.problems == []
