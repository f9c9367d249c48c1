"""The GitHub action: its step as a runner runs it, from the action's own file, against the real service."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mkdocs.utils.yaml import yaml_load  # pyright: ignore[reportUnknownVariableType] - a file may be of any text

from sayso.client import Client, Request
from tests.bots.api.served import ServiceProcess, token, write
from tests.bots.command import DEADLINE, environment
from tests.docs.pages import blocks, first_column, section

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "integrations" / "github"
ACTION: dict[str, Any] = yaml_load((FOLDER / "action.yml").read_text(encoding="utf-8"))
PAGE = ROOT / "docs" / "how-to" / "ask-from-a-pipeline.md"
WAYS = ROOT / "docs" / "how-to" / "put-a-person-behind-it.md"
INSTALL, ASK = ACTION["runs"]["steps"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@dataclass(frozen=True)
class Step:
    """A step that has ended."""

    code: int
    out: str
    outputs: dict[str, str]


@dataclass(frozen=True)
class Runner:
    """Runs the step of the action in a folder, as GitHub's runner does (docs.github.com, "Workflow syntax")."""

    folder: Path
    given: Mapping[str, str]

    def begin(self, **inputs: str) -> subprocess.Popen[str]:
        """The step, begun with these inputs and the defaults of the others."""
        (self.folder / "output").write_text("")
        (self.folder / "step.sh").write_text(ASK["run"])
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        variables = {
            "PATH": programs, "GITHUB_ACTION_PATH": str(FOLDER), "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/shop", "GITHUB_RUN_ID": "17",
            "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "deploy", "GITHUB_ACTION": "__gate",
        }  # fmt: skip
        chosen = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert set(chosen) <= set(ACTION["inputs"])
        defaults = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
        known: dict[str, str] = {**defaults, **self.given, **chosen}

        def value_of(found: re.Match[str]) -> str:
            return known[found[1]]

        for name, text in ASK["env"].items():
            variables[name] = re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", value_of, text)
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "step.sh"],
            cwd=self.folder, env=environment(**variables), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def end(self, step: subprocess.Popen[str]) -> Step:
        """The step, once it has ended."""
        out, _ = step.communicate(timeout=DEADLINE)
        return Step(step.returncode, out, read_outputs((self.folder / "output").read_text()))


def read_outputs(text: str) -> dict[str, str]:
    """The outputs in a file, as the runner reads them (docs.github.com, "Workflow commands", multiline strings)."""
    found: dict[str, str] = {}
    rest = text.split("\n")
    while rest and rest[0]:
        name, end = rest[0].split("<<", 1)
        stop = rest.index(end, 1)
        found[name] = "\n".join(rest[1:stop])
        rest = rest[stop + 1 :]
    return found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    folder = tmp_path_factory.mktemp("github")
    write(folder)
    with ServiceProcess(folder) as running:
        yield running


@pytest.fixture(scope="module")
def people(service: ServiceProcess) -> Iterator[Client]:
    """Whoever answers."""
    secret = token(service.socket.parent, "operator", "operate", "read", "answer")
    with Client(service.url, secret) as client:
        yield client


@pytest.fixture(scope="module")
def runner(service: ServiceProcess) -> Runner:
    folder = service.socket.parent
    return Runner(folder, {"url": service.url, "token": token(folder, "github", "ask")})


def asked(people: Client, prompt: str) -> Request:
    """The open request with this text, once it is there."""
    while not (found := [one for one in people.requests() if one.prompt == prompt]):
        pass
    return found[0]


def answer(people: Client, request: Request, value: Any, comment: str | None = None) -> None:
    body = {"revision": request.revision, "value": value, "comment": comment}
    people.call("POST", f"/api/v1/requests/{request.id}/answers", body=body)


def test_an_approval_lets_the_job_continue_and_later_steps_read_who_gave_it(
    runner: Runner, people: Client
) -> None:
    step = runner.begin(question="Deploy 1?", details="version=1\n\nregion=eu", key="one")
    request = asked(people, "Deploy 1?")
    comment = "go\noutcome<<x\nfaked\nx"
    answer(people, request, "approve", comment)
    ended = runner.end(step)
    assert (ended.code, ended.outputs) == (
        0,
        {
            "outcome": "approved", "approved": "true", "value": "approve", "by": "token:operator", "comment": comment,
            "request": request.id,
        },
    )  # fmt: skip
    assert list(ended.outputs) == list(ACTION["outputs"])
    first, *_, last = ended.out.splitlines()
    assert first.startswith("::stop-commands::")
    assert last == f"::{first.rpartition('::')[2]}::"
    run = "https://github.com/acme/shop/actions/runs/17"
    assert request.details == {
        "version": "1",
        "region": "eu",
        "Run": {"type": "link", "label": "Run", "url": run},
    }


def test_anything_else_fails_the_step(runner: Runner, people: Client) -> None:
    step = runner.begin(question="Deploy 2?", key="two")
    answer(people, asked(people, "Deploy 2?"), "reject")
    rejected = runner.end(step)
    assert (rejected.code, rejected.outputs["outcome"], rejected.outputs["approved"]) == (
        1,
        "rejected",
        "false",
    )

    over = runner.end(runner.begin(question="Deploy 3?", wait="0s", key="three"))
    assert (over.code, over.outputs["outcome"], over.outputs["approved"]) == (1, "withdrawn", "false")

    refused = runner.end(runner.begin(question="Deploy 4?", policy="nobody-wrote-it"))
    assert (refused.code, refused.outputs["approved"]) == (2, "false")
    assert "::error::" in refused.out

    away = runner.end(runner.begin(question="--json", url="ftp://example.com"))
    assert (away.code, away.outputs["approved"]) == (2, "false")


def test_a_value_is_an_output(runner: Runner, people: Client) -> None:
    step = runner.begin(question="Where to?", input="select:staging,production", key="where")
    answer(people, asked(people, "Where to?"), "staging")
    ended = runner.end(step)
    assert (ended.code, ended.outputs["value"], ended.outputs["approved"]) == (0, "staging", "false")


def test_a_job_that_is_cancelled_withdraws_its_question(runner: Runner, people: Client) -> None:
    step = runner.begin(question="Deploy 5?")
    request = asked(people, "Deploy 5?")
    step.send_signal(signal.SIGINT)
    assert runner.end(step).code == 130
    decision = people.request(request.id).decision
    assert decision is not None
    assert decision.outcome == "withdrawn"


def test_the_page_shows_the_action_as_it_is() -> None:
    [github] = [block for block in blocks(PAGE, "yaml") if block.title == "github"]
    job: dict[str, Any] = yaml_load(github.text)["jobs"]["deploy"]
    [gate] = [one for one in job["steps"] if "integrations/github@" in one.get("uses", "")]
    assert set(gate["with"]) <= set(ACTION["inputs"])
    used = set(re.findall(rf"steps\.{gate['id']}\.outputs\.(\w+)", github.text))
    assert used
    assert used <= set(ACTION["outputs"])
    table = first_column(section(PAGE, "GitHub Actions"))
    assert set(table) == set(ACTION["inputs"])


def test_the_page_of_all_ways_shows_a_step_that_the_action_takes() -> None:
    [shown] = blocks(WAYS, "yaml")
    steps: Any = yaml_load(shown.text)
    gate, deploy = steps
    assert "integrations/github@" in gate["uses"]
    given, needed = set(gate["with"]), {name for name, one in ACTION["inputs"].items() if one.get("required")}
    assert needed <= given <= set(ACTION["inputs"])
    assert deploy == {"run": "./deploy.sh"}


def test_the_gitlab_job_of_the_page_waits_for_a_yes(runner: Runner, people: Client) -> None:
    [gitlab] = [block for block in blocks(PAGE, "yaml") if block.title == "gitlab"]
    install, ask = yaml_load(gitlab.text)["approve"]["script"]
    assert install == "pip install --quiet sayso"
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = environment(
        PATH=programs, SAYSO_URL=runner.given["url"], SAYSO_TOKEN=runner.given["token"], CI_JOB_ID="7",
        CI_COMMIT_SHORT_SHA="3f2a91c0", CI_COMMIT_REF_NAME="main", CI_PIPELINE_URL="https://gitlab.example.com/1",
    )  # fmt: skip
    script = ask.replace("--to slack:#releases ", "")  # there is no Slack here
    for value, code in (("approve", 0), ("reject", 1)):
        with subprocess.Popen(["bash", "-ec", script], cwd=runner.folder, env=variables) as job:
            answer(people, asked(people, "Deploy 3f2a91c0?"), value)
            assert job.wait(DEADLINE) == code
        variables["CI_JOB_ID"] = "8"


def test_the_action_installs_what_lies_beside_it() -> None:
    """It runs the code of its own release, whatever an index has."""
    paths = re.findall(r'"\$GITHUB_ACTION_PATH/([./\w]+)"', INSTALL["run"])
    projects = [(FOLDER / path / "pyproject.toml").resolve() for path in paths]
    assert projects == [ROOT / "clients" / "python" / "pyproject.toml", ROOT / "pyproject.toml"]


def test_no_input_reaches_a_shell_as_code() -> None:
    assert all("${{" not in step["run"] for step in ACTION["runs"]["steps"])
    assert {name.partition("}")[0].rpartition(".")[2].strip() for name in ASK["env"].values()} == set(
        ACTION["inputs"]
    )
