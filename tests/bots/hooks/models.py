"""The APIs of models that agents call, as far as these tests need: scripted calls of tools, then a last word.

Shapes as the programs take them: the Messages API for Claude Code 2.1.332, the Responses API for Codex 0.171.0.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class FakeModel:
    """A model that has the agent run shell commands: each turn's together, one turn after the other."""

    def __init__(self, turns: Sequence[Sequence[str]], *, streams: bool = True) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(turns, streams=streams))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(turns: Sequence[Sequence[str]], *, streams: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path.endswith("/responses"):
                self._send(_as_events(_responses(turns, given)), "text/event-stream")
            elif self.path.partition("?")[0].endswith("/messages"):
                self._message(given)
            else:
                self._send("{}", "application/json", 404)

        def do_GET(self) -> None:
            self._send("{}", "application/json", 404)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Say nothing."""

        def _message(self, given: dict[str, Any]) -> None:
            message = _messages(turns, given)
            if not given.get("stream"):
                self._send(json.dumps(message), "application/json")
            else:
                self._send(_as_events(_streamed(message)) if streams else "", "text/event-stream")

        def _send(self, text: str, kind: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

    return Handler


def _as_events(events: Sequence[dict[str, Any]]) -> str:
    return "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events)


def _messages(turns: Sequence[Sequence[str]], given: dict[str, Any]) -> dict[str, Any]:
    """The next message of the Messages API: the first turn whose calls have no results."""
    text = json.dumps(given["messages"])
    left = [n for n, turn in enumerate(turns) if any(_id(n, m) not in text for m in range(len(turn)))]
    has_shell = any(one.get("name") == "Bash" for one in given.get("tools", []))
    blocks: list[dict[str, Any]] = [{"type": "text", "text": "done"}]
    if left and has_shell:
        turn = left[0]
        blocks = [
            {"type": "tool_use", "id": _id(turn, n), "name": "Bash", "input": {"command": one}}
            for n, one in enumerate(turns[turn])
        ]
    return {
        "id": f"msg_{left[0] if left else 'last'}",
        "type": "message",
        "role": "assistant",
        "model": given["model"],
        "content": blocks,
        "stop_reason": "tool_use" if blocks[0]["type"] == "tool_use" else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def _id(turn: int, number: int) -> str:
    return f"toolu_{turn}_{number}"


def _streamed(message: dict[str, Any]) -> list[dict[str, Any]]:
    begun: dict[str, Any] = message | {"content": [], "stop_reason": None}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": begun}]
    for index, block in enumerate(message["content"]):
        is_text = block["type"] == "text"
        empty: dict[str, Any] = {"text": ""} if is_text else {"input": {}}
        delta = (
            {"type": "text_delta", "text": block["text"]}
            if is_text
            else {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        )
        events += [
            {"type": "content_block_start", "index": index, "content_block": block | empty},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": end, "usage": {"output_tokens": 1}})
    return [*events, {"type": "message_stop"}]


def _responses(turns: Sequence[Sequence[str]], given: dict[str, Any]) -> list[dict[str, Any]]:
    """The next events of the Responses API; one call each."""
    commands = [one for turn in turns for one in turn]
    done = sum(1 for one in given["input"] if str(one.get("type")).endswith("_call_output"))
    item: dict[str, Any] = {
        "type": "message",
        "id": "msg_last",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "done"}],
    }
    if done < len(commands):
        arguments = json.dumps({"cmd": commands[done]})
        item = {
            "type": "function_call",
            "call_id": f"call_{done}",
            "name": "exec_command",
            "arguments": arguments,
        }
    usage = {
        "input_tokens": 1,
        "input_tokens_details": None,
        "output_tokens": 1,
        "output_tokens_details": None,
    }
    return [
        {"type": "response.created", "response": {"id": "r"}},
        {"type": "response.output_item.done", "item": item},
        {"type": "response.completed", "response": {"id": "r", "usage": usage | {"total_tokens": 2}}},
    ]
