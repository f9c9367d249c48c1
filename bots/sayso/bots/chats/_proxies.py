"""The proxies between this machine and its platforms, as the environment names them."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_for(address: str) -> str | None:
    """The proxy on the way to an address: `HTTPS_PROXY` for https and wss, `HTTP_PROXY` for http and ws, and none where
    `NO_PROXY` names the host.

    aiohttp's own reading (`trust_env`) knows no sockets, and sends passwords of `.netrc` where nobody wants them.
    """
    parts = urlsplit(address)
    if parts.hostname is None or proxy_bypass(parts.hostname):
        return None
    return getproxies().get("https" if parts.scheme in {"https", "wss"} else "http")
