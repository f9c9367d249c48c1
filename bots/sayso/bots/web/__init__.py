"""The web inbox: sign-in, pages, and answers from their forms."""

from sayso.bots.web._inbox import InboxParts, add_inbox

__all__ = ["InboxParts", "add_inbox"]
