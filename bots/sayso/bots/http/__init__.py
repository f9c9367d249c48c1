"""HTTP: the server for the inbox, the API, health and webhooks, and the control socket beside the database."""

from sayso.bots.http._api import Act, Api, ApiParts, request_as_dict
from sayso.bots.http._bodies import AttentionDecision
from sayso.bots.http._callers import Caller, Credentials, InvalidName
from sayso.bots.http._control import control_app, sign_in_url
from sayso.bots.http._door import TcpDoor, TrustedProxy, begin_session, cookie_name, session_of
from sayso.bots.http._feed import Feed
from sayso.bots.http._files import file_response
from sayso.bots.http._granted import MOST_GRANTS, GrantCalls, may_see
from sayso.bots.http._guard import LARGEST_BODY, Guard
from sayso.bots.http._hooks import AgentHooks
from sayso.bots.http._limits import ConnectionLimits, RateLimit
from sayso.bots.http._problems import Problem, add_problems, check_rate
from sayso.bots.http._public import public_app
from sayso.bots.http._routes import ApiApp
from sayso.bots.http._scopes import check_scope
from sayso.bots.http._server import HttpServer
from sayso.bots.http._socket import bound_beside, bound_to
from sayso.bots.http._starts import Starts

__all__ = [
    "LARGEST_BODY",
    "MOST_GRANTS",
    "Act",
    "AgentHooks",
    "Api",
    "ApiApp",
    "ApiParts",
    "AttentionDecision",
    "Caller",
    "ConnectionLimits",
    "Credentials",
    "Feed",
    "GrantCalls",
    "Guard",
    "HttpServer",
    "InvalidName",
    "Problem",
    "RateLimit",
    "Starts",
    "TcpDoor",
    "TrustedProxy",
    "add_problems",
    "begin_session",
    "bound_beside",
    "bound_to",
    "check_rate",
    "check_scope",
    "control_app",
    "cookie_name",
    "file_response",
    "may_see",
    "public_app",
    "request_as_dict",
    "session_of",
    "sign_in_url",
]
