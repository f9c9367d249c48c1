"""Strict local chat platforms: for tests of workflows, and for a demo without tokens.

What belongs to one platform alone (its people, what they see) is in that platform's package.
"""

from sayso.testing.telegram import LocalTelegram, TelegramLimits

__all__ = ["LocalTelegram", "TelegramLimits"]
