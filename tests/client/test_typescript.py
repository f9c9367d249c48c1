"""The TypeScript client: its own tests, against the service itself, and as the package that npm installs.

Node.js runs its source, so only the tests marked `more` install and build something.
"""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.command import DEADLINE, sayso
from tests.client.node import (
    NODE,
    PACKAGE,
    SOURCE,
    copy_of_package,
    description,
    environment,
    link_package,
    node,
    npm,
)
from tests.docs.pages import all_blocks

ROOT = PACKAGE.parents[1]
TEST = ("--test", "--test-isolation=none", "--test-reporter=tap")
WAITING = """
import { Client, isApproved } from "@sayso/client";

const client = new Client();
const request = await client.ask({ prompt: "Deploy 4.2?", to: "operator" }, { key: "deploy" });
console.log(JSON.stringify(request));
const decided = await client.wait(request.id, { timeout: 60 });
await client.consume(decided.id, { key: "deploy" });
console.log(JSON.stringify({ approved: isApproved(decided), by: decided.decision?.by }));
"""
ONCE = """
import { Client, isOpen } from "@sayso/client";

console.log(isOpen(await new Client().ask({ prompt: "Deploy 4.2?", to: "operator" })));
"""
UNSURE = """
import { Client, type Consumption, type Request } from "@sayso/client";

const client = new Client({ url: "http://127.0.0.1:8765" });
const request: Request = await client.request("r1");
// @ts-expect-error - an open request has no decision
export const approved: boolean = request.decision.approved;
// @ts-expect-error - what was read does not change
request.decision = null;
// @ts-expect-error - what it is used for must be said
export const used: Consumption = await client.consume("r1", {});
// @ts-expect-error - no such kind of answer
await client.ask({ prompt: "Where to?", input_type: "map" });
"""
"""What the types must refuse: an expected error that does not come is one."""


def _json(path: str) -> Any:
    return json.loads((PACKAGE / path).read_text(encoding="utf-8"))


def _passed(done: subprocess.CompletedProcess[str]) -> int:
    """How many tests passed, of all."""
    counted = dict(re.findall(r"^# (\w+) (\d+)$", done.stdout, re.MULTILINE))
    assert done.returncode == 0, done.stdout + done.stderr
    assert counted["pass"] == counted["tests"], done.stdout
    return int(counted["pass"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The service's folder."""
    made = tmp_path_factory.mktemp("typescript")
    write(made)
    return made


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[ServiceProcess]:
    with ServiceProcess(folder) as running:
        yield running


@pytest.fixture(scope="module")
def tokens(service: ServiceProcess, folder: Path) -> dict[str, str]:
    """What programs need to ask, and the tests to answer, by environment variables."""
    operator = token(folder, "operator", "operate", "read", "answer")
    return {"SAYSO_TOKEN": token(folder, "agent", "ask"), "OPERATOR_TOKEN": operator}


def test_its_types_are_those_of_the_api() -> None:
    assert (PACKAGE / "openapi.json").read_text(encoding="utf-8") == description(), (
        "run .venv/bin/python scripts/make_typescript_types.py"
    )


def test_it_is_released_with_sayso_and_needs_nothing() -> None:
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package, locked = _json("package.json"), _json("package-lock.json")
    assert package["version"] == locked["version"] == ours["version"]
    assert "dependencies" not in package
    assert "dependencies" not in locked["packages"][""]


def test_what_it_is_built_with_is_pinned_and_comes_from_wherever_npm_looks() -> None:
    """A place in the lock file would have to be within reach of everybody who builds it."""
    assert all(
        re.fullmatch(r"[\d.]+", version) for version in _json("package.json")["devDependencies"].values()
    )
    locked = {name: one for name, one in _json("package-lock.json")["packages"].items() if name}
    assert len(locked) > 3
    assert [name for name, one in locked.items() if not one["integrity"].startswith("sha512-")] == []
    assert [name for name, one in locked.items() if "resolved" in one or one.get("dev") is not True] == []


@pytest.mark.slow
def test_it_takes_nothing_but_an_answer_of_the_service_for_one() -> None:
    assert _passed(node(PACKAGE, *TEST, "tests/client.test.ts")) > 40


@pytest.mark.slow
def test_it_asks_waits_and_uses_an_approval_once(service: ServiceProcess, tokens: dict[str, str]) -> None:
    assert _passed(node(PACKAGE, *TEST, "tests/service.test.ts", SAYSO_URL=service.url, **tokens)) > 5


@pytest.mark.slow
def test_a_program_waits_on_while_the_service_is_killed(tmp_path: Path, unused_tcp_port: int) -> None:
    """It gets the answer that was given after the restart, and uses the approval once."""
    write(tmp_path, port=unused_tcp_port)
    (tmp_path / "waiting.mts").write_text(WAITING, encoding="utf-8")
    link_package(tmp_path)
    with ServiceProcess(tmp_path) as service:
        given = environment(SAYSO_URL=service.url, SAYSO_TOKEN=token(tmp_path, "agent", "ask"))
        with subprocess.Popen(
            (NODE, SOURCE, "waiting.mts"), cwd=tmp_path, env=given, stdout=subprocess.PIPE, text=True
        ) as program:
            assert program.stdout is not None
            request = json.loads(program.stdout.readline())
            service.kill()
            assert program.poll() is None
            with ServiceProcess(tmp_path):
                assert sayso(tmp_path, "answer", f"{request['id']}@1", "approve").code == 0
                said, _ = program.communicate(timeout=DEADLINE)
    assert program.returncode == 0
    assert json.loads(said)["approved"] is True


@pytest.mark.more
@pytest.mark.timeout(300)
def test_the_package_that_is_published_can_be_used(
    service: ServiceProcess, tokens: dict[str, str], tmp_path: Path
) -> None:
    """Its types are made from the description, it compiles, and what npm packs runs and is typed without its source."""
    package = copy_of_package(tmp_path)
    npm(package, "run", "types")
    made = (package / "src" / "api.ts").read_text(encoding="utf-8")
    assert made == (PACKAGE / "src" / "api.ts").read_text(encoding="utf-8")
    npm(package, "run", "check")
    [packed] = json.loads(npm(package, "pack", "--json"))
    names = {one["path"] for one in packed["files"]}
    assert {"LICENSE", "README.md", "dist/index.js", "dist/index.d.ts"} <= names
    assert not {
        name
        for name in names
        if name.partition("/")[0] not in {"LICENSE", "README.md", "dist", "package.json"}
    }

    user = tmp_path / "user"
    user.mkdir()
    (user / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
    npm(user, "install", "--offline", str(package / packed["filename"]))
    programs = {"unsure.ts": UNSURE}
    programs |= {f"block{number}.ts": block.text for number, block in enumerate(all_blocks("typescript"))}
    for name, text in programs.items():
        (user / name).write_text(text, encoding="utf-8")
    compiler = package / "node_modules" / "typescript" / "bin" / "tsc"
    options = ("--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom")
    checked = node(user, compiler, *options, *programs)
    assert checked.returncode == 0, checked.stdout

    (user / "once.js").write_text(ONCE, encoding="utf-8")
    done = node(user, "once.js", SAYSO_URL=service.url, **tokens)
    assert (done.returncode, done.stdout) == (0, "true\n"), done.stderr
