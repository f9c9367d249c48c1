"""What another process works with: the database file, or the service that holds it.

It decides nothing; what the service does when asked is for `http`.
"""

from sayso.bots.client._client import RunDict, ServiceClient, ServiceRefused, ServiceUnclear, WorkflowDict
from sayso.bots.client._database import NoDatabase, Service
from sayso.bots.client._exit_codes import exit_code_of
from sayso.bots.client._purpose import WrongPurpose, check_purpose
from sayso.bots.client._socket import SocketPath, socket_path

__all__ = [
    "NoDatabase",
    "RunDict",
    "Service",
    "ServiceClient",
    "ServiceRefused",
    "ServiceUnclear",
    "SocketPath",
    "WorkflowDict",
    "WrongPurpose",
    "check_purpose",
    "exit_code_of",
    "socket_path",
]
