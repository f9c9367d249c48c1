"""Pictures, files and very long rests in the thread of a card: uploaded one by one, which nobody sees, and shared at
once, which Slack does once for each of them (docs.slack.dev/reference/methods/files.completeUploadExternal).

What was uploaded is stored before it is shared. So a service that died in between shares those files, and no others;
where Slack does not have them any more, they were shared.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from sayso.bots.chats import ContentRefused, DeliveryProblem, Reference, Undeliverable, UnknownRefusal
from sayso.bots.slack._api import is_about_token
from sayso.bots.slack._workspaces import Workspace
from sayso.engine import Store

logger = logging.getLogger("sayso.slack")

_SURFACE = "slack"
_KEY = "upload:"
_KEPT_FOR = timedelta(days=1)
_SURE_FOR = timedelta(minutes=10)
"""How long Slack is sure to keep what was uploaded; it may discard later what nobody shared, and does not say when."""

_NO_SCOPE = "missing_scope"
_SHARED = "file_not_found"
"""What Slack says of what was uploaded and is not to be shared any more."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be shared; `alt` describes a picture to those who do not see it."""

    name: str
    title: str
    content: bytes
    alt: str | None = None


class _Uploaded(msgspec.Struct, frozen=True):
    """Files that Slack has, by their ids and titles, and since when."""

    at: float
    files: list[dict[str, str]]


class Files:
    """Shares files. What it knows is stored: a restart doubles none."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def share(
        self, workspace: Workspace, card: Reference, mark: str, uploads: Sequence[Upload]
    ) -> str | None:
        """Share these files in a card's thread; why Slack does not take them, None where they stand there. `mark` names
        them among all that belong below that card. Raises `DeliveryProblem` where another try may help, `StoreError`.
        """
        key = f"{_KEY}{card.name}:{mark}"
        kept = await self._store.kept(_SURFACE, key)
        known = None if kept is None else msgspec.convert(kept, _Uploaded)
        try:
            await self._complete(workspace, card, known or await self._upload(workspace, key, uploads))
        except Undeliverable as problem:
            # The card stands there: what Slack says of its files says nothing about the channel.
            if problem.reason.startswith(_NO_SCOPE):
                return "the app lacks the scope files:write"
            if is_about_token(problem.reason):
                raise
            return self._refused(card, problem)
        except (ContentRefused, UnknownRefusal) as problem:
            is_shared = problem.reason.endswith(_SHARED) and self._is_sure(known)
            return None if is_shared else self._refused(card, problem)
        return None

    def _refused(self, card: Reference, problem: DeliveryProblem) -> str:
        logger.warning("files were not shared below message %s: %s", card.name, problem)
        return f"Slack refused them: {problem.reason}"

    async def _upload(self, workspace: Workspace, key: str, uploads: Sequence[Upload]) -> _Uploaded:
        upload = workspace.api.upload
        files = [{"id": await upload(one.name, one.content, one.alt), "title": one.title} for one in uploads]
        now = self._store.clock.now()
        uploaded = _Uploaded(now.timestamp(), files)
        await self._store.forget_kept(_SURFACE, _KEY, now - _KEPT_FOR)
        await self._store.keep(_SURFACE, key, msgspec.to_builtins(uploaded))
        return uploaded

    def _is_sure(self, known: _Uploaded | None) -> bool:
        """Whether what was uploaded before, and Slack refuses to share, was shared then."""
        now = self._store.clock.now().timestamp()
        return known is not None and now - known.at < _SURE_FOR.total_seconds()

    async def _complete(self, workspace: Workspace, card: Reference, uploaded: _Uploaded) -> None:
        channel = card.chat.rpartition(":")[2]
        await workspace.api.call(
            "files_completeUploadExternal", files=uploaded.files, channel_id=channel, thread_ts=card.message
        )
