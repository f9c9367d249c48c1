"""Holds what a service sends against its own description."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any, cast

import httpx
from jsonschema import Draft202012Validator

_BASE = "/api/v1"


class Description:
    """The description of a running service. `called` are the operations whose success was checked."""

    def __init__(self, url: str) -> None:
        self.text: dict[str, Any] = httpx.get(f"{url}{_BASE}/openapi.json").raise_for_status().json()
        self.called: set[str] = set()
        self._schemas = {name: _closed(schema) for name, schema in self.text["components"]["schemas"].items()}

    def check(self, response: httpx.Response) -> None:
        """Fail unless the status is described, and the body has the described members and no others."""
        call = self._call(response.request)
        status = str(response.status_code)
        described = call["responses"].get(status) or call["responses"]["default"]
        media_type = response.headers["content-type"].partition(";")[0]
        assert any(fnmatch(media_type, one) for one in described["content"]), f"{media_type} is not described"
        if media_type.endswith("json"):
            response.read()
            schema = described["content"][media_type]["schema"] | {"components": {"schemas": self._schemas}}
            validator: Any = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
            validator.validate(response.json())
        if response.is_success:
            self.called.add(call["operationId"])

    def client(self, url: str, secret: str) -> httpx.Client:
        """A client with a token, whose every response is checked."""
        return httpx.Client(
            base_url=f"{url}{_BASE}/",
            headers={"Authorization": f"Bearer {secret}"},
            timeout=30,
            event_hooks={"response": [self.check]},
        )

    def _call(self, request: httpx.Request) -> Mapping[str, Any]:
        path = request.url.path.removeprefix(_BASE)
        method = request.method.lower().replace("head", "get")
        found = [
            calls[method]
            for template, calls in self.text["paths"].items()
            if method in calls and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        ]
        assert len(found) == 1, f"{request.method} {path} is described {len(found)} times"
        call: Mapping[str, Any] = found[0]
        return call


def _closed(schema: Any) -> Any:
    """The schema without room for members that it does not name. Objects in lists are references."""
    if not isinstance(schema, dict):
        return schema
    parts = {key: _closed(part) for key, part in cast("dict[str, Any]", schema).items()}
    return parts | {"additionalProperties": False} if "properties" in parts else parts
