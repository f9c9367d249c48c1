"""Strict local chat platforms, for tests of workflows and for a demo without tokens.

The people of a platform, and what they see, are in the platform's package: `sayso.testing.slack`, `.telegram`.
"""

from sayso.testing.telegram import LocalTelegram, TelegramLimits

__all__ = ["LocalTelegram", "TelegramLimits"]
