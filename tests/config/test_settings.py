"""Where settings come from, and what is said when one cannot be used."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from sayso.config import FILE_NAME, InvalidSettings, Settings, load_settings

EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "sayso.example.toml"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SAYSO_{name.upper()}", raising=False)


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
    with pytest.raises(InvalidSettings, match=r"SAYSO_RESIDENT in the environment .*'many'.*unset") as caught:
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
    for name, field in Settings.model_fields.items():
        assert f"{name} = " in text
        assert field.description is not None
        assert field.description in text
    assert Settings(**tomllib.loads(text)) == Settings()


def test_the_example_file_stays_valid_with_every_line_switched_on(tmp_path: Path) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    switched = [line.removeprefix("# ") if " = " in line and "." not in line[:12] else line for line in lines]
    (tmp_path / FILE_NAME).write_text("\n".join(switched))
    assert load_settings(tmp_path).resident == 1000
