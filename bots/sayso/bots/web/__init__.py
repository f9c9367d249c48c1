"""The web inbox: sign-in, pages, and answers from their forms; and what a development server adds."""

from sayso.bots.web._development import CodeNews, Development, add_development, development_path
from sayso.bots.web._inbox import InboxParts, add_inbox

__all__ = ["CodeNews", "Development", "InboxParts", "add_development", "add_inbox", "development_path"]
