"""An installed platform can be set up, and what is said of its settings is said as of everybody's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "package"
SETTINGS = """
[pigeon]
url = "http://127.0.0.1:1"

[destinations."pigeon:roof"]
audience = ["pigeon:7", "slack:T1:U2"]

[people.ana]
accounts = ["pigeon:7"]
"""

HERE = '[pigeon]\nurl = "http://a"\n'


def run(folder: Path, code: str, text: str = SETTINGS) -> list[str]:
    """What a process prints, in a folder with this sayso.toml, to which the package is installed."""
    metadata = folder / "sayso_pigeon-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sayso-pigeon\nVersion: 1.0\n", "utf-8")
    (metadata / "entry_points.txt").write_text("[sayso.platforms]\npigeon = sayso_pigeon:PIGEON\n", "utf-8")
    (folder / "sayso.toml").write_text(text, encoding="utf-8")
    variables = {
        "PYTHONPATH": f"{folder}{os.pathsep}{PACKAGE}",
        "SAYSO_PIGEON__TOKEN": "feather",
        "SAYSO_PIGEON__POSTS_PER_SECOND": "7",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=os.environ | variables, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_its_table_its_variables_its_places_and_its_people_are_read(tmp_path: Path) -> None:
    code = """
import os
from sayso.config import forget_secrets, load_settings, secrets_of
from sayso_pigeon import PigeonSettings
settings = load_settings()
pigeon = settings.section(PigeonSettings)
print(list(settings.platforms), pigeon.url, pigeon.posts_per_second)
print(secrets_of(settings))
roof, own = settings.destination("pigeon:roof"), settings.destination("pigeon:7")
print(roof.platform, roof.chat_id, roof.is_direct, roof.lets_in("pigeon:7"), roof.lets_in("pigeon:8"))
print(own.chat_id, own.is_direct, own.lets_in("pigeon:7"))
print(settings.directory().person_of("pigeon:7"))
forget_secrets()
print("SAYSO_PIGEON__TOKEN" in os.environ)
"""
    assert run(tmp_path, code) == [
        "['pigeon'] http://127.0.0.1:1 7.0",
        "['feather']",
        "pigeon roof False True False",
        "7 True True",
        "person:ana",
        "False",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HERE + 'token = "x"', "Set SAYSO_PIGEON__TOKEN in the environment"),
        (HERE + "feathers = 1", "Known settings: url, token, token_file"),
        ("[pigeon]\n", "pigeon.url"),
        ('[destinations."pigeon:roof"]\n[pigeon]\nurl = "http://a"', "a shared chat needs an audience"),
        (HERE + '[groups.sre]\npigeon = "roof"', "no such setting"),
        (
            HERE + '[destinations."raven:roof"]\n',
            "Use pigeon:ID, slack:#channel, slack:@person or telegram:ID.",
        ),
        (
            HERE + '[people.ana]\naccounts = ["pigeon:roof"]',
            "Use accounts such as pigeon:7, slack:T1:U2",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(tmp_path: Path, text: str, said: str) -> None:
    code = """
from sayso.config import InvalidSettings, load_settings
try:
    load_settings()
except InvalidSettings as error:
    print(str(error).replace("\\n", " "))
"""
    (line,) = run(tmp_path, code, text)
    assert said in line


def test_words_call_it_by_its_title(tmp_path: Path) -> None:
    code = """
from sayso.adapters.cards import place_name
print(place_name("pigeon:roof", {}, {}))
"""
    assert run(tmp_path, code) == ["roof (Pigeon)"]
