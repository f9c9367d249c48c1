"""Tools that agents ask people with, over the Model Context Protocol. They stand on `sayso.client`, and no tool answers
a question; how the service is reached, and who may, is for those who serve them.
"""

from sayso.bots.mcp._server import Context, new_server
from sayso.bots.mcp._stdio import serve_stdio
from sayso.bots.mcp._tools import Fixed, Tools, Unheard

__all__ = ["Context", "Fixed", "Tools", "Unheard", "new_server", "serve_stdio"]
