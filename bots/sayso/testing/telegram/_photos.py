"""Which pictures and files Telegram takes: sizes by core.telegram.org/bots/api#sendphoto and #senddocument."""

from __future__ import annotations

from sayso.testing.telegram._refusals import bad_request

MOST_OF_A_FILE = 50_000_000
"""Bytes of anything that a bot uploads."""

_MOST_OF_A_PHOTO = 10_000_000
_MOST_OF_BOTH_SIDES = 10_000
_MOST_RATIO = 20
_PNG = b"\x89PNG\r\n\x1a\n"
_OTHERS = (b"\xff\xd8\xff", b"GIF8", b"RIFF")


def check_photo(content: bytes) -> None:
    """Raises `Refused` for what is no picture, or too large for one; of a PNG its sides are read as well."""
    if len(content) > _MOST_OF_A_PHOTO:
        raise bad_request(f"file of size {len(content)} bytes is too big for a photo")
    if content.startswith(_OTHERS):
        return
    width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    if not content.startswith(_PNG) or not width or not height:
        raise bad_request("IMAGE_PROCESS_FAILED")
    if width + height > _MOST_OF_BOTH_SIDES or max(width, height) > _MOST_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
