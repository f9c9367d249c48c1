"""HTTP: the small public server for health, counters and webhooks, and the control socket beside the database."""

from sayso.bots.http._control import control_app
from sayso.bots.http._metrics import Metrics
from sayso.bots.http._public import Health, public_app
from sayso.bots.http._server import HttpServer
from sayso.bots.http._socket import SocketPath, socket_path

__all__ = [
    "Health",
    "HttpServer",
    "Metrics",
    "SocketPath",
    "control_app",
    "public_app",
    "socket_path",
]
