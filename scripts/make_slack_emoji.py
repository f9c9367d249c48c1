"""Write the emoji that the local Slack server turns into names.

    .venv/bin/python scripts/make_slack_emoji.py    # needs npm and the network

Slack's names are those of iamcal/emoji-data, which npm `emojibase-data` carries with the characters. The result is
checked in: the server and its tests need neither npm nor the network.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from typescript_schemas import found_tool

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "bots/sayso/testing/slack/emoji"
PACKAGE = "emojibase-data@17.0.0"
VARIATION = "FE0F"


def main() -> None:
    """Fetch the package into a temporary folder, and write names by code points beside its licence."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        subprocess.run([found_tool("npm"), "pack", PACKAGE], cwd=work, check=True)  # noqa: S603 - a fixed command
        with tarfile.open(next(work.glob("*.tgz"))) as package:
            package.extractall(work, filter="data")
        names = _read(work / "package/en/shortcodes/iamcal.json")
        known = _read(work / "package/en/data.json")
        licence = (work / "package/LICENSE").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    toned: list[str] = []
    for emoji in known:
        if emoji["hexcode"] not in names:
            continue
        code, name = _code(emoji), _first(names[emoji["hexcode"]])
        found[code] = name
        if any(isinstance(skin.get("tone"), int) for skin in emoji.get("skins", ())):
            toned.append(code)
    TARGET.mkdir(parents=True, exist_ok=True)
    document = {
        "$comment": f"Made by scripts/{Path(__file__).name} from {PACKAGE}; do not edit.",
        "names": dict(sorted(found.items())),
        "with_skin_tones": sorted(toned),
    }
    (TARGET / "emoji.json").write_text(json.dumps(document, indent=0) + "\n", encoding="utf-8")
    notice = f"emoji.json is derived from {PACKAGE} (npm), which comes under this licence:\n\n{licence}"
    (TARGET / "LICENSE").write_text(notice, encoding="utf-8")


def _code(emoji: dict[str, Any]) -> str:
    """The code points as Slack writes them: what is text by default has the sign that makes it a picture."""
    code: str = emoji["hexcode"]
    is_text = not emoji["type"] and "-" not in code
    return (f"{code}-{VARIATION}" if is_text else code).lower()


def _first(names: str | list[str]) -> str:
    return names if isinstance(names, str) else names[0]


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
