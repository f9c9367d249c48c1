"""What another process works with: the database file, or the service that holds it.

It decides nothing; what the service does when asked is for `http`.
"""

from sayso.bots.client._client import RunDict, ServiceClient, ServiceRefused, ServiceUnclear
from sayso.bots.client._database import MissingExtra, NoDatabase, Service

__all__ = [
    "MissingExtra",
    "NoDatabase",
    "RunDict",
    "Service",
    "ServiceClient",
    "ServiceRefused",
    "ServiceUnclear",
]
