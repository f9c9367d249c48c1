"""The library's requests over aiohttp: what its own client (httpx) takes is most of what a press costs."""

from __future__ import annotations

import json
from typing import Any, cast

import aiohttp
from telegram import error as telegram_error
from telegram.request import BaseRequest, RequestData

_CONNECTIONS = 64


class Request(BaseRequest):
    """The connections of one bot, through `proxy` where there is one. A call takes `timeout` seconds until it is
    connected, and as many for all the rest, where it says nothing else.
    """

    def __init__(self, timeout: float, proxy: str | None = None) -> None:
        self._timeout = timeout
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        """Seconds, where a call says nothing else."""
        return self._timeout

    async def initialize(self) -> None:
        """Make the connections' pool; the network is not used."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
            self._session = aiohttp.ClientSession(connector=connector)

    async def shutdown(self) -> None:
        """Close the connections; harmless when they are closed."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The object in an answer. Invalid JSON is reported once, by the caller, and not as a traceback of the
        library's own. Raises `TelegramError`.
        """
        try:
            found = json.loads(payload.decode(errors="replace"))
        except ValueError as error:
            raise telegram_error.TelegramError("the answer is not JSON") from error
        if not isinstance(found, dict):
            raise telegram_error.TelegramError("the answer is not a JSON object")
        return cast("dict[str, Any]", found)

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 - the library's signature
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 - the library's signature
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 - the library's signature
    ) -> tuple[int, bytes]:
        """The status and the body of an answer. Raises `TimedOut`, `NetworkError`."""
        if self._session is None:
            raise telegram_error.NetworkError("the connections are closed")
        read = self._timeout if read_timeout is self.DEFAULT_NONE else read_timeout
        try:
            async with self._session.request(
                method,
                url,
                data=None if request_data is None else _body(request_data),
                headers={"User-Agent": self.USER_AGENT},
                proxy=self._proxy,
                # The whole too: a server may take nothing, or give one byte a second.
                timeout=aiohttp.ClientTimeout(
                    total=None if read is None else self._timeout + read,
                    connect=self._timeout,
                    sock_read=read,
                ),
            ) as response:
                return response.status, await response.read()
        except TimeoutError as error:
            raise telegram_error.TimedOut from error
        except (aiohttp.ClientError, OSError) as error:
            raise telegram_error.NetworkError(f"{type(error).__name__}: {error}") from error


def _body(given: RequestData) -> aiohttp.FormData:
    """The parameters, with the files where there are some."""
    form = aiohttp.FormData(given.json_parameters)
    for name, (filename, content, content_type) in given.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=content_type)
    return form
