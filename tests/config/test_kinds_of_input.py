"""Settings as editors, shells and containers write them: read as they were meant, or refused with what to write."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from sayso.bots.telegram import TelegramSettings
from sayso.config import (
    FILE_NAME,
    HttpSettings,
    InvalidSettings,
    Settings,
    load_settings,
    read_secret,
)
from tests.config.known import settings_with_variables


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("SAYSO_")]:
        monkeypatch.delenv(name)


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    """Some editors put one before the first line."""
    (tmp_path / FILE_NAME).write_text('database = "file.db"\n', encoding="utf-8-sig")
    assert load_settings(tmp_path).database == "file.db"


def test_a_file_in_another_encoding_is_refused_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('database = "file.db"\n', encoding="utf-16")
    with pytest.raises(InvalidSettings, match=r"not UTF-8 text. Save the file as UTF-8"):
        load_settings(tmp_path)


# Secrets.

token = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
blanks = st.text(st.sampled_from(" \n\r\t"), max_size=3)


@given(token, blanks, blanks, st.sampled_from(["", "\ufeff"]))
def test_a_secret_is_what_stands_on_its_line(secret: str, before: str, behind: str, mark: str) -> None:
    """`echo`, editors and secrets of containers put line breaks around it."""
    given_value = SecretStr(f"{mark}{before}{secret}{behind}")
    assert read_secret(given_value, None, "slack.bot_token") == secret


@given(token, st.sampled_from(["\n", "\r\n", "\u200b", "ä", "\x00", "\u2013"]), token)
def test_a_secret_that_was_not_copied_whole_is_refused(head: str, between: str, tail: str) -> None:
    with pytest.raises(
        InvalidSettings, match=r"SAYSO_SLACK__BOT_TOKEN in the environment.*on one line"
    ) as caught:
        read_secret(SecretStr(f"{head}{between}{tail}"), None, "slack.bot_token")
    assert tail not in str(caught.value) or len(tail) < 4


@pytest.mark.parametrize("text", ["", "\n", "\ufeff\n", "a\nb\n"])
def test_a_file_of_a_secret_has_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSettings, match=r"telegram.token_file in .*token: "):
        read_secret(None, path, "telegram.token")


# Addresses.


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://sayso.example.org", "https://sayso.example.org"),
        ("https://sayso.example.org/", "https://sayso.example.org"),
        (" HTTPS://sayso.example.org:8443 ", "https://sayso.example.org:8443"),
        ("http://[::1]:8765", "http://[::1]:8765"),
    ],
)
def test_a_public_address_is_the_root_of_its_server(written: str, read: str) -> None:
    assert HttpSettings(public_url=written).public_url == read


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("sayso.example.org", "start it with https://"),
        ("localhost:8765", "start it with https://"),
        ("https://example.org/sayso", "at the root of a host, not below /sayso"),
        ("https://example.org/sayso/", "its own port: https://example.org"),
        ("https://ana:secret@example.org", "remove the user name"),
        ("https://example.org/?a=1", "everything after ?"),
        ("https://example.org/#inbox", "everything after ?"),
        ("ftp://example.org", "invalid URL"),
        ("https://", "invalid URL"),
        ("https://example.org:port", "invalid URL"),
        ("https://exa mple.org", "invalid URL"),
    ],
)
def test_a_public_address_that_leads_nowhere_is_refused_with_the_next_step(
    tmp_path: Path, written: str, said: str
) -> None:
    (tmp_path / FILE_NAME).write_text(f'[http]\npublic_url = "{written}"\n')
    with pytest.raises(InvalidSettings, match=r"http\.public_url") as caught:
        load_settings(tmp_path)
    assert said in str(caught.value)


def test_a_webhook_needs_the_path_that_is_served() -> None:
    with pytest.raises(ValidationError, match=r"https://bot\.example\.org/telegram/webhook"):
        TelegramSettings(mode="webhook", webhook_url="https://bot.example.org/")


@pytest.mark.parametrize(("written", "read"), [("[::1]", "::1"), ("::1", "::1"), ("0.0.0.0", "0.0.0.0")])  # noqa: S104
def test_a_host_is_taken_with_and_without_brackets(written: str, read: str) -> None:
    assert HttpSettings(host=written).host == read


@pytest.mark.parametrize("written", ["http://127.0.0.1", "127.0.0.1/x", "a b", "[]"])
def test_a_host_that_is_more_than_an_address_is_refused(written: str) -> None:
    with pytest.raises(ValidationError, match="use an address only"):
        HttpSettings(host=written)


# Variables.


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("SAYSO_DATABSE", "SAYSO_DATABASE"),
        ("SAYSO_TELEGRAM_TOKEN", "SAYSO_TELEGRAM__TOKEN"),
        ("SAYSO_SLACK__BOT_TOKN", "SAYSO_SLACK__BOT_TOKEN"),
        ("SAYSO_HTTP_PUBLIC_URL", "SAYSO_HTTP__PUBLIC_URL"),
        ("SAYSO_HTTP_PORT", "SAYSO_HTTP__PORT"),
        ("sayso_timezone", "SAYSO_TIME_ZONE"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_one_that_it_looks_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, meant: str
) -> None:
    """A setting that is silently ignored is worse than one that is refused."""
    monkeypatch.setenv(variable, "x")
    with pytest.raises(InvalidSettings, match=f"{variable} in the environment.*Did you mean {meant}"):
        load_settings(tmp_path)


@pytest.mark.parametrize("variable", ["SAYSO_WHATEVER_ELSE", "SAYSO_HTTP__COLOUR_OF_IT", "SAYSO_"])
def test_an_unknown_variable_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(InvalidSettings, match=f"{variable} in the environment.*no such setting"):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    "variable",
    [
        "SAYSO_URL",
        "SAYSO_TOKEN",
        "SAYSO_KEY",
        "SAYSO_SERVICE_HOST",
        "SAYSO_SERVICE_PORT_HTTP",
        "SAYSO_PORT",
        "SAYSO_PORT_8765_TCP_ADDR",
        "SAYSO_WEB_PORT",
        "SAYSO_WEB_SERVICE_PORT",
        "SAYSOMETHING",
    ],
)
def test_variables_of_api_clients_and_of_kubernetes_are_let_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "tcp://10.0.0.1:8765")
    assert load_settings(tmp_path) == Settings()


def test_every_variable_that_is_documented_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _, variable in settings_with_variables():
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("SAYSO_PEOPLE__ANA__NAME", "Ana")
    assert load_settings(tmp_path).people["ana"].name == "Ana"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SAYSO_WORKFLOWS", '[{"workflow" "a:b"}]'),
        ("SAYSO_HTTP__OPERATORS", '["web:ana"'),
        ("SAYSO_SLACK", "{x}"),
    ],
)
def test_json_in_a_variable_that_cannot_be_read_is_said_in_plain_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSettings, match=f"{variable} in the environment.*line 1, column"):
        load_settings(tmp_path)


# Times.


@contextmanager
def machine_in(zone: str) -> Generator[None]:
    """The machine is set to a zone while inside."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


ZONES = {
    "Europe/Berlin": "Europe/Berlin",
    "America/New_York": "America/New_York",
    "Australia/Lord_Howe": "Australia/Lord_Howe",
    "Asia/Kolkata": "Asia/Kolkata",
    "CET-1CEST,M3.5.0,M10.5.0/3": "Europe/Berlin",
}


@given(
    st.sampled_from(sorted(ZONES)),
    st.integers(1_262_304_000, 2_082_758_400).map(lambda second: datetime.fromtimestamp(second, UTC)),
)
@example("Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
@example("Europe/Berlin", datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
@example("CET-1CEST,M3.5.0,M10.5.0/3", datetime(2026, 7, 1, 12, 0, tzinfo=UTC))
def test_each_instant_is_shown_by_the_rules_of_its_own_day(zone: str, instant: datetime) -> None:
    """A deadline behind the next change of the clocks is not an hour off."""
    with machine_in(zone):
        local = instant.astimezone(Settings().zone)
        wanted = instant.astimezone(ZoneInfo(ZONES[zone]))
        assert (local.replace(tzinfo=None), local.fold) == (wanted.replace(tzinfo=None), wanted.fold)
        assert local.utcoffset() == wanted.utcoffset()
        assert local.astimezone(UTC) == instant
        assert local + timedelta(0) == local
