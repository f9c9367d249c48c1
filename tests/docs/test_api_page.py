"""The page on the API lists every call that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from tests.bots.api.served import ServiceProcess, write
from tests.docs.pages import ROOT


def test_every_call_is_documented_and_no_other(tmp_path: Path) -> None:
    write(tmp_path)
    with ServiceProcess(tmp_path) as service:
        paths = httpx.get(f"{service.url}/api/v1/openapi.json").json()["paths"]
    there = {f"{method.upper()} {path}" for path, calls in paths.items() for method in calls}
    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `((?:GET|POST|PUT|DELETE) [^`]+)` \|", page, re.MULTILINE)) == there
