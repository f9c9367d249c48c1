"""Pictures and files of requests over HTTP: for whoever may see the request, and never as a page of this service."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from fastapi import Response

from sayso.bots.http._problems import Problem
from sayso.engine import RequestRecord, Store, StoredFile, StoredImage

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


async def file_response(store: Store, request: RequestRecord, sha256: str) -> Response:
    """A file that a request shows, by the SHA-256 that its details name, as an attachment. Raises `Problem` for any
    other, and where its bytes were redacted.
    """
    shown = (one for one in request.question.contents.values() if isinstance(one, StoredImage | StoredFile))
    found = next((one for one in shown if one.sha256 == sha256), None)
    content = None if found is None else await store.reader.file(request.id, sha256)
    if found is None or content is None:
        raise Problem(HTTPStatus.NOT_FOUND, "UnknownFile", "Not found, or you don't have access.")
    media_type = found.media_type if isinstance(found, StoredImage) else "application/octet-stream"
    name = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
    return Response(content, media_type=media_type, headers={**_HEADERS, "Content-Disposition": name})
