"""The tools as an MCP server: their descriptions, how a call finds its tool, and requests as resources.

`MCPServer` of the same package would drop arguments that a tool does not know, so this stands on the layer below it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any, TypeAlias

import mcp_types as types
import msgspec
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from sayso.bots.mcp._arguments import KEY, Arguments, Ask, AskApproval, Named, Nothing, Permit, Wait
from sayso.bots.mcp._permit import Permissions
from sayso.bots.mcp._results import FAILURES, List, Result, failure
from sayso.bots.mcp._tools import Tools

Context: TypeAlias = ServerRequestContext[Any, Any]
ToolsOf: TypeAlias = Callable[[Context], AbstractAsyncContextManager[Tools]]
"""The tools for whoever sends a call."""

SCHEME = "sayso://requests/"

_TOOL_USE = "claudecode/toolUseId"
"""In `_meta`, Claude Code says which use of a tool a call belongs to, also when it sends the call again."""

_INSTRUCTIONS = """\
Ask people before you do what needs their approval, and ask them what you need to know.

- Only the status `approved` is a yes, for one run of exactly what you asked. Anything else, silence included, is a no.
- `waiting` means that nobody has decided. Call `wait` with the request; do not ask again.
- An approval is returned once. `used` means that it was: find out whether the action ran before you ask again."""


class _Listed(msgspec.Struct, frozen=True):
    """A tool: what it takes and returns, and what it is for."""

    title: str
    says: str
    takes: type[Arguments]
    returns: type[Result | List] | None
    only_reads: bool = False


_TOOLS: dict[str, _Listed] = {
    "ask_approval": _Listed(
        "Ask for approval",
        "Ask people whether an action may run, and wait up to 45 seconds. Only the status `approved` is a yes, and it "
        "allows one run. If the status is `waiting`, call `wait`.",
        AskApproval,
        Result,
    ),
    "ask": _Listed(
        "Ask a question",
        "Ask people for a text, a choice or a form, and wait up to 45 seconds. The answer is in `value`; it is never "
        "an approval. If the status is `waiting`, call `wait`.",
        Ask,
        Result,
    ),
    "wait": _Listed(
        "Wait for the answer",
        "Wait up to 45 seconds for the answer to a request. Returns `approved` once; a second time it is `used`.",
        Wait,
        Result,
    ),
    "status": _Listed(
        "Look at a request",
        "Show the state of a request, without waiting. Never returns `approved`: `decided` means that `wait` will.",
        Named,
        Result,
        only_reads=True,
    ),
    "withdraw": _Listed(
        "Withdraw a request",
        "Withdraw a request that is no longer needed, so that nobody answers it.",
        Named,
        Result,
    ),
    "list_mine": _Listed(
        "List open requests", "List your requests that are still open.", Nothing, List, only_reads=True
    ),
}
_PERMIT = _Listed(
    "Permit a tool call",
    "Decide whether a tool may be used, by asking people. For --permission-prompt-tool; not for models.",
    Permit,
    None,
)


def new_server(tools_of: ToolsOf, permissions: Permissions | None = None) -> Server[Any]:
    """An MCP server of the tools; with `permissions`, of `permit` as well."""
    handlers = _Handlers(tools_of, permissions)
    return Server(
        "sayso",
        version=version("sayso"),
        title="sayso",
        description="Approvals and answers of people.",
        instructions=_INSTRUCTIONS,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
    )


class _Handlers:
    """What the server does with each kind of call."""

    def __init__(self, tools_of: ToolsOf, permissions: Permissions | None) -> None:
        self._tools_of = tools_of
        self._permissions = permissions
        self._listed = _TOOLS if permissions is None else {**_TOOLS, "permit": _PERMIT}

    async def list_tools(
        self, context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        """All of them."""
        del context, params
        return types.ListToolsResult(tools=[_described(name, one) for name, one in self._listed.items()])

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Call one. Raises `MCPError` for a name that is none of them."""
        listed = self._listed.get(params.name)
        if listed is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {params.name}")
        try:
            given = msgspec.convert(params.arguments or {}, listed.takes)
        except msgspec.ValidationError as error:
            if listed is _PERMIT:
                return _as_text(Permissions.deny(f"The call cannot be read: {error}."))
            return _as_result(failure("refused", f"{error}"))
        async with self._tools_of(context) as tools:
            if isinstance(given, Permit):
                assert self._permissions is not None
                return _as_text(await self._permissions.permit(tools, given))
            return _as_result(await _call(tools, given, params.name, context))

    async def list_resources(
        self, context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """The caller's open requests."""
        del params
        async with self._tools_of(context) as tools:
            found = await tools.list_mine()
        if isinstance(found, Result):
            raise MCPError(types.INTERNAL_ERROR, found.message)
        return types.ListResourcesResult(
            resources=[
                types.Resource(
                    uri=f"{SCHEME}{one.request}",
                    name=one.request,
                    title=one.question,
                    mime_type="application/json",
                )
                for one in found.requests
            ]
        )

    async def list_templates(
        self, context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """What a request's address looks like."""
        del context, params
        template = types.ResourceTemplate(
            uri_template=f"{SCHEME}{{id}}",
            name="request",
            title="A request",
            description="The state of a request, as the tool `status` returns it, never `approved`.",
            mime_type="application/json",
        )
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """How a request stands. Raises `MCPError` for an address that is none."""
        uri = str(params.uri)
        request_id = uri.removeprefix(SCHEME)
        if not uri.startswith(SCHEME) or not request_id:
            raise MCPError(types.INVALID_PARAMS, f"Not a request: {uri}")
        async with self._tools_of(context) as tools:
            found = await tools.status(Named(request=request_id))
        if found.status in FAILURES:
            raise MCPError(types.INVALID_PARAMS, found.message)
        text = msgspec.json.encode(found).decode()
        contents = types.TextResourceContents(uri=params.uri, text=text, mime_type="application/json")
        return types.ReadResourceResult(contents=[contents])


def _call(tools: Tools, given: Arguments, name: str, context: Context) -> Awaitable[Result | List]:
    match given:
        case AskApproval():
            return tools.ask_approval(given, _key(given.key, context))
        case Ask():
            return tools.ask(given, _key(given.key, context))
        case Wait():
            return tools.wait(given)
        case Named():
            return tools.status(given) if name == "status" else tools.withdraw(given)
        case _:
            return tools.list_mine()


def _key(given: str | None, context: Context) -> str:
    """The key of a question: what was given, else the use of the tool that the client names, else a new one."""
    named = (context.meta or {}).get(_TOOL_USE)
    if given is None and isinstance(named, str) and re.match(KEY, named):
        return named
    return given or uuid.uuid4().hex


def _described(name: str, listed: _Listed) -> types.Tool:
    return types.Tool(
        name=name,
        title=listed.title,
        description=listed.says,
        input_schema=_schema(listed.takes),
        output_schema=None if listed.returns is None else _schema(listed.returns),
        annotations=types.ToolAnnotations(
            read_only_hint=listed.only_reads, destructive_hint=False, open_world_hint=True
        ),
    )


def _schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a struct, with an object at its root, as MCP wants it."""
    _, found = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    root = dict(found.pop(kind.__name__))
    return {**root, "$defs": found} if found else root


def _as_result(found: Result | List) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(text=msgspec.json.encode(found).decode())],
        structured_content=msgspec.to_builtins(found),
        is_error=isinstance(found, Result) and found.status in FAILURES,
    )


def _as_text(found: dict[str, Any]) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=msgspec.json.encode(found).decode())])
