"""The API's description, held against what it does: whatever the description allows, nothing answers with 5xx, and what
comes back is described.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from sayso.bots.client import ServiceClient
from tests.bots.api.served import ServiceProcess, token
from tests.bots.command import environment

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))


HOOKS = """
import schemathesis

@schemathesis.hook
def map_query(context, query):
    if query and "wait" in query:
        query["wait"] = 0
    return query
"""
"""A long poll is as good as a short one here, and ends sooner."""


@pytest.mark.timeout(300)
def test_whatever_the_description_allows_is_answered_without_a_server_error(
    service: ServiceProcess, tmp_path: Path
) -> None:
    secret = token(tmp_path, "operator", "operate", "read", "start")
    with ServiceClient.connect(service.url, secret) as client:
        client.wait(client.start("release"), 20, until="rests")
        client.start("kinds")
    (tmp_path / "hooks.py").write_text(HOOKS)
    done = subprocess.run(
        [
            SCHEMATHESIS, "run", f"{service.url}/api/v1/openapi.json", "--url", f"{service.url}/api/v1",
            "--header", f"Authorization: Bearer {secret}", "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
            "--exclude-path", "/events", "--max-examples", "15", "--seed", "1", "--phases", "coverage,fuzzing",
            "--request-timeout", "70", "--no-color", "--suppress-health-check", "all",
        ],
        env=environment(SCHEMATHESIS_HOOKS="hooks", PYTHONPATH=str(tmp_path)),
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    paths = httpx.get(f"{service.url}/api/v1/openapi.json").json()["paths"]
    assert f"Tested: {sum(len(calls) for calls in paths.values()) - 1}\n" in done.stdout, "all but the stream"
    assert httpx.get(f"{service.url}/healthz").status_code == 200


def test_nobody_reads_anything_without_being_let_in(service: ServiceProcess) -> None:
    for path in ("/api/v1/me", "/api/v1/runs", "/api/v1/events", "/api/v1/changes"):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
            answer = httpx.get(service.url + path, headers=headers)
            assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
            assert answer.headers["www-authenticate"] == "Bearer"
