"""Files in three steps: an address, the bytes, and their share in a channel, which works once for each
(docs.slack.dev/reference/methods/files.getUploadURLExternal and files.completeUploadExternal).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Protocol

from sayso.testing.slack._refusals import Refused
from sayso.testing.slack._state import BOT_USER, SharedFile, Upload
from sayso.testing.slack._world import Said, World

UPLOADS_LIVE = timedelta(minutes=30)
"""How long an upload waits for its next step; Slack does not say."""

_LONGEST_ALT = 1000


class Host(Protocol):
    """What uploads need of the server."""

    @property
    def url(self) -> str:
        """The server's root."""
        ...


class Uploads:
    """What is on its way into a channel."""

    def __init__(self, world: World, host: Host) -> None:
        self._world = world
        self._host = host

    def begin(self, given: dict[str, Any]) -> dict[str, Any]:
        """Where to send the bytes. Raises `Refused`."""
        length = int(given["length"]) if str(given["length"]).isdecimal() else 0
        if not given["filename"] or length == 0:
            raise Refused("invalid_arguments", bug=True, messages=["[ERROR] filename and a length above 0"])
        if len(str(given.get("alt_txt") or "")) > _LONGEST_ALT:
            raise Refused("alt_txt_too_large", bug=True)
        upload = Upload(str(given["filename"]), length, self._world.now())
        name = self._world.new_id("F")
        self._world.state.uploads[name] = upload
        return {"upload_url": f"{self._host.url}/upload/{name}", "file_id": name}

    def take(self, name: str, content: bytes) -> str | None:
        """Take the bytes; why not, where they are not taken."""
        upload = self._found(name)
        if upload is None:
            return "no such upload"
        if len(content) != upload.length:
            return f"{len(content)} bytes came, and {upload.length} were announced"
        upload.content = content
        return None

    def complete(self, given: dict[str, Any]) -> dict[str, Any]:
        """Share files, all of them in one message or none. Raises `Refused`."""
        shared: list[SharedFile] = []
        if not given["files"]:
            raise Refused("invalid_arguments", bug=True, messages=["[ERROR] no files"])
        for one in given["files"]:
            upload = self._found(one["id"])
            if upload is None or upload.content is None:
                raise Refused("file_not_found")
            shared.append(SharedFile(upload.name, str(one.get("title", upload.name)), upload.content))
        channel = None
        if given.get("channel_id"):
            channel = self._world.channel(given["channel_id"], writable=True)
        for one in given["files"]:
            del self._world.state.uploads[one["id"]]
        if channel is not None:
            said = Said(str(given.get("initial_comment") or ""))
            self._world.post(channel, BOT_USER, said, thread_ts=given.get("thread_ts"), files=shared)
        return {"files": [{"id": one["id"], "title": one.get("title", "")} for one in given["files"]]}

    def _found(self, name: object) -> Upload | None:
        upload = self._world.state.uploads.get(str(name))
        is_late = upload is not None and self._world.now() - upload.made_at > UPLOADS_LIVE
        return None if is_late else upload
