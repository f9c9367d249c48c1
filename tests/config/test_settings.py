"""Where settings come from, and what is said when one cannot be used."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

from sayso.bots.slack import SlackSettings
from sayso.config import (
    FILE_NAME,
    MEMBERS,
    InvalidSettings,
    Settings,
    UnknownDestination,
    load_settings,
    read_secret,
)
from sayso.engine import Rule
from tests.config.known import SECTIONS, descriptions

EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "sayso.example.toml"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SAYSO_")]:
        monkeypatch.delenv(name)


def test_without_file_and_environment_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == Settings()
    assert Settings().database == "sayso.db"
    assert Settings().resident is None


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / FILE_NAME).write_text('database = "file.db"\nresident = 7\n')
    monkeypatch.setenv("SAYSO_DATABASE", "environment.db")
    settings = load_settings(tmp_path)
    assert (settings.database, settings.resident) == ("environment.db", 7)


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shells and unit files leave variables empty where they mean unset."""
    monkeypatch.setenv("SAYSO_RESIDENT", "")
    assert load_settings(tmp_path).resident is None


def test_zero_residents_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_RESIDENT", "0")
    assert load_settings(tmp_path).resident == 0


def test_a_variable_that_cannot_be_used_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_RESIDENT", "many")
    with pytest.raises(InvalidSettings, match=r"SAYSO_RESIDENT in the environment.*'many'.*unset") as caught:
        load_settings(tmp_path)
    assert caught.value.key == "SAYSO_RESIDENT"


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("resident = -1", "resident", "greater than or equal to 0"),
        ('database = ""', "database", "at least 1 character"),
        ("database = 3", "database", "valid string"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_its_file_and_the_way_out(
    tmp_path: Path, text: str, key: str, said: str
) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(InvalidSettings, match=said) as caught:
        load_settings(tmp_path)
    assert (caught.value.place, caught.value.key) == (str(tmp_path / FILE_NAME), key)
    assert "remove the line" in caught.value.remedy


def test_a_misspelt_key_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    """A setting that is silently ignored is worse than one that is refused."""
    (tmp_path / FILE_NAME).write_text('databse = "x.db"\n')
    with pytest.raises(
        InvalidSettings, match=r"databse in .*no such setting.*Known settings: database, resident"
    ):
        load_settings(tmp_path)


@pytest.mark.parametrize("content", [b"database =\n", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(InvalidSettings) as caught:
        load_settings(tmp_path)
    assert caught.value.place == str(tmp_path / FILE_NAME)


def test_the_example_file_shows_every_setting_and_only_defaults() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for name, description in descriptions():
        assert description, name
        if "environment only" in description:
            continue  # a secret: the file names its variable instead
        assert re.search(rf"^(# )?{name} = ", text, re.MULTILINE), name
        assert description in text, name
    assert Settings(**tomllib.loads(text)) == Settings()


def test_the_example_file_names_the_variable_of_every_secret() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for section, model in SECTIONS.items():
        for name, field in model.model_fields.items():
            if "environment only" in (field.description or ""):
                assert f"SAYSO_{section.upper()}__{name.upper()}" in text


def test_the_example_file_stays_valid_with_every_line_switched_on(tmp_path: Path) -> None:
    setting = re.compile(r"^# (\[.*\]|[a-z_]+ = .*)$")
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    (tmp_path / FILE_NAME).write_text("\n".join(setting.sub(r"\1", line) for line in lines))
    settings = load_settings(tmp_path)
    assert settings.resident == 1000
    assert settings.section(SlackSettings) == SlackSettings(
        bot_token_file=Path("slack-bot-token"),
        app_token_file=Path("slack-app-token"),
        signing_secret_file=Path("slack-signing-secret"),
    )
    assert [destination.name for destination in settings.chats()] == [
        "slack:#operations",
        "telegram:-1001234567890",
    ]


def write(folder: Path, text: str) -> Path:
    (folder / FILE_NAME).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("[http]\nport = 70000", "http.port", "less than or equal to 65535"),
        ("[http]\nprot = 1", "http.prot", "Known settings: host, port, public_url"),
        ('[slack]\nmode = "carrier pigeon"', "slack.mode", "'socket' or 'http'"),
        ('[[workflows]]\nstarters = ["local:ana"]', "workflows[0].workflow", "Add it"),
        ('[telegram]\nmode = "webhook"', "telegram", "needs webhook_url"),
        ('time_zone = "Mars/Olympus"', "time_zone", "unknown time zone: 'Mars/Olympus'"),
        ('[slack]\nbot_token = "xoxb-1"', "slack.bot_token", "Set SAYSO_SLACK__BOT_TOKEN in the environment"),
        ('[telegram]\ntoken = "1:a"', "telegram.token", "telegram.token_file"),
    ],
)
def test_what_cannot_be_used_in_a_section_is_named_with_its_key(
    tmp_path: Path, text: str, key: str, said: str
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(write(tmp_path, text))
    assert caught.value.key == key
    assert said in str(caught.value)


def test_a_secret_never_stands_in_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_SLACK__BOT_TOKEN", "xoxb-secret")
    monkeypatch.setenv("SAYSO_SLACK__MODE", "nonsense")
    with pytest.raises(InvalidSettings) as caught:
        load_settings(tmp_path)
    assert caught.value.key == "SAYSO_SLACK__MODE"
    assert "xoxb-secret" not in str(caught.value)


def test_a_secret_comes_from_the_environment_or_from_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("from-file\n")
    monkeypatch.setenv("SAYSO_SLACK__BOT_TOKEN", "from-environment")
    slack = load_settings(write(tmp_path, f'[slack]\napp_token_file = "{tmp_path}/token"')).section(
        SlackSettings
    )
    assert slack is not None
    assert read_secret(slack.bot_token, slack.bot_token_file, "slack.bot_token") == "from-environment"
    assert read_secret(slack.app_token, slack.app_token_file, "slack.app_token") == "from-file"
    with pytest.raises(InvalidSettings, match=r"slack\.signing_secret_file .*cannot read"):
        read_secret(None, tmp_path / "none", "slack.signing_secret")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('[destinations."slack:#ops"]\nid = "C01"', ['[destinations."slack:#ops"]', 'audience = "members"']),
        ('[destinations."slack:#ops"]\naudience = "members"', ['id = "C0123456"']),
        ('[destinations."telegram:-100"]', ['[destinations."telegram:-100"]', 'audience = "members"']),
        (
            'operator = "slack:#ops"',
            ['[destinations."slack:#ops"]', 'id = "C0123456"', 'audience = "members"'],
        ),
        ('[[workflows]]\nworkflow = "a:b"\nto = ["telegram:-5"]', ['[destinations."telegram:-5"]']),
        ('[destinations."the pigeon loft"]', ["Use slack:#channel"]),
    ],
)
def test_a_chat_that_is_not_fully_configured_is_refused_with_the_lines_to_write(
    tmp_path: Path, text: str, lines: list[str]
) -> None:
    """A shared chat without an audience must never let everyone in."""
    with pytest.raises(InvalidSettings) as caught:
        load_settings(write(tmp_path, text))
    for line in lines:
        assert line in str(caught.value)


@pytest.mark.parametrize(
    ("name", "chat_id", "direct"),
    [
        ("telegram:5", "5", True),
        ("slack:@U0123", "U0123", True),
        ("slack:T01:U0123", "U0123", True),
    ],
)
def test_a_persons_own_id_needs_no_configuration(name: str, chat_id: str, *, direct: bool) -> None:
    destination = Settings().destination(name)
    assert (destination.chat_id, destination.is_direct) == (chat_id, direct)
    assert destination.lets_in(f"{destination.platform}:{chat_id}") is True
    assert destination.lets_in(f"{destination.platform}:T01:{chat_id}") is True
    assert destination.lets_in(f"{destination.platform}:X999") is False


def test_an_unknown_chat_is_an_error_with_the_lines_to_write() -> None:
    with pytest.raises(UnknownDestination, match="audience = "):
        Settings().destination("slack:#anything")


def test_an_empty_list_lets_nobody_in(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, '[destinations."telegram:-5"]\naudience = []'))
    assert settings.destination("telegram:-5").lets_in("telegram:1") is False


def test_members_are_for_the_platform_to_say(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, '[destinations."telegram:-5"]\naudience = "members"\ntopic = 3'))
    destination = settings.destination("telegram:-5")
    assert (destination.lets_in("telegram:1"), destination.audience, destination.topic) == (None, MEMBERS, 3)


def test_policies_are_named_and_checked(tmp_path: Path) -> None:
    good = """
[policies.release]
exclude_requester = true
[[policies.release.stages]]
approvers = ["slack:#sre"]
need = 2
[[policies.release.stages]]
approvers = ["web:ana", "web:bo"]
need = "all"
when = "amount > 10_000"
"""
    (tmp_path / FILE_NAME).write_text(good)
    policy = load_settings(tmp_path).named_policies()["release"]
    assert [stage.needed for stage in policy.stages] == [2, 2]
    assert policy.exclude_requester
    (tmp_path / FILE_NAME).write_text(good.replace('"web:ana", "web:bo"', '"slack:#lead"'))
    with pytest.raises(InvalidSettings, match=r"line 7: need='all' goes with people") as refused:
        load_settings(tmp_path)
    assert refused.value.key == "stage 2 of policies.release"
    (tmp_path / FILE_NAME).write_text("[policies.release]\nstages = []\n")
    with pytest.raises(InvalidSettings, match="no stages"):
        load_settings(tmp_path)


def test_rules_of_policies_answer_without_people(tmp_path: Path) -> None:
    good = """
[policies.tools]
stages = [{ approvers = ["web:ana"] }]
[[policies.tools.rules]]
when = "details.tool == 'Read'"
answer = "approve"
written_by = "ana"
reason = "It only reads"
[[policies.tools.rules]]
when = "details.tool == 'Bash'"
answer = "reject"
written_by = "bo"
"""
    (tmp_path / FILE_NAME).write_text(good)
    assert load_settings(tmp_path).named_policies()["tools"].rules == (
        Rule("details.tool == 'Read'", "approve", "ana", "It only reads"),
        Rule("details.tool == 'Bash'", "reject", "bo"),
    )
    (tmp_path / FILE_NAME).write_text(good.replace("details.tool == 'Bash'", "tool == 'Bash'"))
    with pytest.raises(InvalidSettings, match=r"line 9: .*'tool' is unknown; write details.tool") as refused:
        load_settings(tmp_path)
    assert refused.value.key == "rule 2 of policies.tools"
    (tmp_path / FILE_NAME).write_text(
        good.replace("[policies.tools]", "[policies.tools]\nexclude_requester = true")
    )
    with pytest.raises(InvalidSettings, match="rule 1 approves without people") as refused:
        load_settings(tmp_path)
    assert refused.value.key == "policies.tools"
    (tmp_path / FILE_NAME).write_text(good.replace('"reject"', '"allow"'))
    with pytest.raises(InvalidSettings, match="'approve' or 'reject'"):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('[policies.a]\nstages = []\nexpires_after = "soon"', "line 3", "invalid duration"),
        ('[policies.a]\nstages = [{ approvers = ["web:x"] }]\non_expiry = true', "line 1", "would approve without"),
        ('[[policies.a.stages]]\napprovers = ["web:x"]\n[[policies.a.stages]]\nneed = 1', "line 3", ": required"),
        ('[people.ana]\nname = "Ana"\naccounts = ["slack:#x"]', "line 3", "'slack:#x' is not an account"),
        ('[people.a]\naccounts = ["web:a"]\n[people.b]\naccounts = ["web:a"]', "line 4", "also belongs to a"),
        ('[people.ana]\ntime_zone = "Berlin"', "line 2", "unknown time zone: 'Berlin'"),
        ('[people."Ana B"]\n', "line 1", "up to 64 lower-case letters"),
        ('[groups.sre]\nmembers = ["ana"]', "line 2", "unknown member 'ana'"),
        ('[groups.sre]\ntelegram = "5"', "line 2", "should match pattern"),
        ('[groups.sre]\nslack = "S1"', "sayso.toml", "\\[slack\\]"),
        ('[http]\nuser_header = "X-User"', "sayso.toml", "must be set together"),
        ('[http]\nuser_header = "X"\ntrusted_proxies = ["::1"]', "sayso.toml", "user_header needs proxy_secret_file"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_about_teams_is_said_with_its_line(
    tmp_path: Path, text: str, place: str, words: str
) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(InvalidSettings, match=words) as refused:
        load_settings(tmp_path)
    assert refused.value.place.endswith(place)


def test_people_and_groups_become_a_directory(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(
        '[people.ana]\naccounts = ["web:ana", "telegram:7"]\ntime_zone = "Asia/Tokyo"\n'
        '[groups.sre]\nmembers = ["ana", "web:bo"]\n'
    )
    settings = load_settings(tmp_path)
    directory = settings.directory()
    assert directory.person_of("telegram:7") == "person:ana"
    assert directory.members_of("group:sre") == ("person:ana", "web:bo")
    assert directory.places_of(["group:sre"]) == ("telegram:7",)
    assert str(settings.zone_of("telegram:7")) == "Asia/Tokyo"
    assert settings.place_names == {"group:sre": "@sre"}
