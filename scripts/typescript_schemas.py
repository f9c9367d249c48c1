"""JSON Schema from TypeScript declarations of npm packages, by npm `ts-json-schema-generator`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

GENERATOR = "ts-json-schema-generator@2.4.0"


def generate(work: Path, package: str, declaration: str) -> dict[str, Any]:
    """The schema's definitions for what `declaration` exports, made in the folder `work`, where npm installs."""
    npm, npx = found_tool("npm"), found_tool("npx")
    (work / "types.d.ts").write_text(declaration)
    options = {"strict": True, "moduleResolution": "node", "target": "es2020", "skipLibCheck": True}
    (work / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["types.d.ts"]}))
    (work / "package.json").write_text('{"private": true}')
    _run(work, [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", package, GENERATOR])
    _run(
        work,
        [
            *(npx, "--no-install", "ts-json-schema-generator", "--no-type-check"),
            *("--path", "types.d.ts", "--tsconfig", "tsconfig.json", "--out", "schema.json"),
        ],
    )
    generated: dict[str, Any] = json.loads((work / "schema.json").read_text(encoding="utf-8"))
    definitions: dict[str, Any] = generated["definitions"]
    return definitions


def found_tool(name: str) -> str:
    """Where `npm` or `npx` is."""
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is needed; install Node.js")
    return found


def reachable(definitions: dict[str, Any], roots: Iterable[str]) -> dict[str, Any]:
    """The definitions that the roots need, themselves included."""
    kept: dict[str, Any] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = definitions[name]
            waiting += re.findall(r'"#/definitions/([^"]+)"', json.dumps(kept[name]))
    return kept


def write(
    target: Path, name: str, definitions: dict[str, Any], package: str, licence: str, maker: str
) -> None:
    """Write the schema beside the package's licence."""
    document = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": f"Made by scripts/{maker} from {package}, {GENERATOR}; do not edit.",
        "definitions": {key: definitions[key] for key in sorted(definitions)},
    }
    target.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
    (target / name).write_text(text + "\n", encoding="utf-8")
    notice = f"{name} is derived from {package} (npm), which comes under this licence:\n\n{licence}"
    (target / "LICENSE").write_text(notice, encoding="utf-8")


def _run(folder: Path, command: Sequence[str]) -> None:
    subprocess.run(command, cwd=folder, check=True)  # noqa: S603 - a fixed command on our own files
