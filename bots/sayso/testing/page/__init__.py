"""The local chats as people see them, in a browser: several people, every platform side by side."""

from sayso.testing.page._page import ChatPage

__all__ = ["ChatPage"]
