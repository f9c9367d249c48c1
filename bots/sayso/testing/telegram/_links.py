"""Addresses as Telegram keeps them: `https://A.example` comes back as `https://a.example/`.

`LinkManager::check_link` of tdlib with `parse_url` and `HttpUrl::get_url`: a scheme and a path are added where they are
missing, the host is written small, spaces are encoded. Links within Telegram and TON stay.
"""

from __future__ import annotations

import re
from urllib.parse import quote

_OWN = re.compile(r"(?:tg|ton|tonsite|mailto|tel):\S+", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<user>[^/?#@\s]*@)?(?P<host>[^/?#:@\s]+)(?::(?P<port>\d+))?(?P<path>[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_ENCODED = re.compile("[\x00-\x20]")


def checked_link(url: str) -> str | None:
    """The address as it is kept; `None` where it is none."""
    url = url.strip()
    if _OWN.fullmatch(url):
        return url
    found = _ADDRESS.fullmatch(url)
    if found is None or not _is_host(found["host"]):
        return None
    scheme = (found["scheme"] or "http").lower()
    port = "" if found["port"] is None else f":{int(found['port'])}"
    path = found["path"] or "/"
    path = path if path.startswith("/") else f"/{path}"
    encoded = _ENCODED.sub(lambda match: quote(match[0]), path)
    return f"{scheme}://{found['user'] or ''}{found['host'].lower()}{port}{encoded}"


def _is_host(host: str) -> bool:
    return "." in host.strip(".") or host.lower() == "localhost"
