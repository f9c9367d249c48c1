"""A gateway before a service that hands each call on and loses the replies to some: what was asked for was done."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx


@contextmanager
def losing(url: str, method: str, ending: str, *, times: int = 1) -> Generator[str]:
    """The gateway's address while inside. The first `times` replies to calls of a method and an end of the path are
    lost after the service has answered.
    """
    left = [None] * times
    service = httpx.Client(base_url=url, timeout=60)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _hand_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            reply = service.request(self.command, self.path, content=body, headers=headers)
            if self.command == method and self.path.partition("?")[0].endswith(ending) and left:
                left.pop()
                self.close_connection = True
                return
            self.send_response(reply.status_code)
            self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        do_GET = do_POST = do_PUT = do_DELETE = _hand_on  # noqa: N815 - names of the standard library

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
            """Nothing: tests look at what the service has done."""

    with service, ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
            assert not left, "fewer calls came than were to be lost"
        finally:
            server.shutdown()
            thread.join()
