"""What the pages load beside themselves: scripts, the style sheet, and icons."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI, Response

_STATIC = {
    "inbox.css": "text/css",
    "inbox.js": "text/javascript",
    "attention.js": "text/javascript",
    "development.js": "text/javascript",
    "early.js": "text/javascript",
    "keys.js": "text/javascript",
    "reasons.js": "text/javascript",
    "sign-in.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "icon-waiting.svg": "image/svg+xml",
}


def add_static(app: FastAPI) -> None:
    """Serve them."""
    for name, kind in _STATIC.items():
        _add_static(app, name, kind)


def _add_static(app: FastAPI, name: str, kind: str) -> None:
    content = (files("sayso.adapters.web") / "static" / name).read_bytes()

    @app.get(f"/static/{name}")
    async def static() -> Response:
        headers = {"Cache-Control": "no-cache"}
        return Response(content, media_type=kind, headers=headers)

    _ = static
