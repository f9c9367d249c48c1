"""Whatever a stranger sends to an address that lets anybody in: it is refused, and makes no trouble."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sayso.bots.slack._bot import is_signed
from tests.bots.command import DEADLINE
from tests.bots.service_process import ServiceProcess

SETTINGS = """
[http]
port = 0
sign_ins_per_minute = 1000000
[slack]
mode = "http"
api_url = "http://127.0.0.1:9/api/"
[telegram]
mode = "webhook"
api_url = "http://127.0.0.1:9"
webhook_url = "https://sayso.example.org/telegram/webhook"
"""
SECRETS = {
    "SAYSO_SLACK__BOT_TOKEN": "xoxb-none",
    "SAYSO_SLACK__SIGNING_SECRET": "secret",
    "SAYSO_TELEGRAM__TOKEN": "1:none",
    "SAYSO_TELEGRAM__WEBHOOK_SECRET": "secret",
}
OPEN = ("/healthz", "/readyz", "/metrics")
ROUTES = (
    *(
        "/slack/events",
        "/telegram/webhook",
        "/sign-in",
        "/sign-out",
        "/",
        "/runs",
        "/runs/x",
        "/static/inbox.js",
    ),
    *(
        "/requests/x",
        "/requests/x/answer",
        "/api/v1/runs",
        "/api/v1/requests",
        "/api/v1/me",
        "/api/v1/events",
    ),
    *("/api/v1/openapi.json", "/%00", "/%ff", "/static/%2e%2e", *OPEN),
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service with every webhook that there is, whose platforms are not reached."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "sayso.toml").write_text(SETTINGS)
    with ServiceProcess(folder, **SECRETS) as running:
        yield running
        assert "Traceback" not in running.log


def ask(service: ServiceProcess, method: str, path: str, headers: dict[str, bytes], body: bytes) -> int:
    """The status of the answer to a request, byte by byte as it is given; 0 where there is none."""
    address = urlsplit(service.url)
    assert address.hostname is not None
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: 127.0.0.1", b"Connection: close"]
    lines += [name.encode() + b": " + value for name, value in headers.items()]
    lines += [b"Content-Length: %d" % len(body), b"", body]
    with socket.create_connection((address.hostname, address.port), timeout=DEADLINE) as one:
        one.sendall(b"\r\n".join(lines))
        answer = one.makefile("rb").readline()
    return int(answer.split()[1]) if answer else 0


VALUES = st.one_of(
    st.binary(max_size=40).map(lambda value: value.translate(None, b"\r\n\0").strip(b" \t")),
    st.sampled_from(
        (
            b"",
            b"1e9",
            b"-1",
            b"nan",
            b"9" * 5000,
            "٣".encode(),
            b"\xb2",
            b"v0=",
            b"v0=\xff",
            b"Bearer \xff",
            b"1_0",
        )
    ),
)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        (
            *(
                b"",
                b"\xff",
                b"null",
                b"[]",
                b"1",
                b'"x"',
                b"{",
                b"[" * 50_000,
                b"payload=%5B%5D",
                b"payload=%ff&command",
            ),
            *(
                b'{"link": "\\ud800"}',
                b'{"\\ud800": 1}',
                b'{"link": 1e999}',
                b'{"link": NaN}',
                b'{"link": "\\u0000"}',
            ),
            *(b'{"type": {}}', b"1" * 5000, b'{"link": {"a": [1, 2]}}', b"ssl_check=0&token=x"),
        )
    ),
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(
            (b"application/json", b"application/x-www-form-urlencoded", b"text/\xff; a=")
        ),
        "X-Slack-Request-Timestamp": VALUES,
        "X-Slack-Signature": VALUES,
        "X-Telegram-Bot-Api-Secret-Token": VALUES,
        "Authorization": VALUES,
        "Cookie": VALUES,
        "X-CSRF-Token": VALUES,
        "Range": VALUES,
        "Last-Event-ID": VALUES,
        "Origin": VALUES,
    },
)
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(headers=HEADERS, body=BODIES)
def test_an_unsigned_request_is_refused_whatever_is_in_it(
    service: ServiceProcess, headers: dict[str, bytes], body: bytes
) -> None:
    """An odd timestamp, a signature or a body that is no text gave 500 and a traceback. Slack's own check of the
    certificate is unsigned, and has a test of its own.
    """
    assume(b"ssl_check=1" not in body.split(b"&"))
    assert ask(service, "POST", "/slack/events", headers, body) in (400, 401)
    assert ask(service, "POST", "/telegram/webhook", headers, body) in (400, 403)


@MANY
@given(
    method=st.sampled_from(("GET", "POST", "HEAD", "DELETE", "OPTIONS", "FOO")),
    path=st.sampled_from(ROUTES),
    query=st.sampled_from(
        ("", "?after=%ff", "?after=x&wait=-1", "?%00", "?a[]=1&limit=99999999999999999999")
    ),
    headers=HEADERS,
    body=BODIES,
)
def test_a_stranger_makes_no_trouble_anywhere(
    service: ServiceProcess, method: str, path: str, query: str, headers: dict[str, bytes], body: bytes
) -> None:
    status = ask(service, method, path + query, headers, body)
    assert 200 <= status < 500 or (path, status) == ("/readyz", 503)


@MANY
@given(
    start=st.sampled_from(
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"POST /slack/events HTTP/1.1\r\nHost: x\r\n")
    ),
    rest=st.one_of(
        st.binary(max_size=80),
        st.sampled_from(
            (
                b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
                b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc",
                b"Content-Length: 3\r\n\r\nabcGET",
                b"Content-Length: -1\r\n\r\n",
                b"Content-Length: \xb2\r\n\r\n",
                b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\n",
                b"Host: y\r\n\r\n",
                b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
            )
        ),
    ),
)
def test_what_is_no_request_makes_none_either(service: ServiceProcess, start: bytes, rest: bytes) -> None:
    address = urlsplit(service.url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port), timeout=DEADLINE) as one:
        one.sendall(start + rest)
        one.shutdown(socket.SHUT_WR)
        answer = one.makefile("rb").readline()
    assert not answer.startswith(b"HTTP/1.1 5")


@pytest.mark.parametrize(
    "body", ['{"link": "\\ud800"}', '{"\\ud800": 1}', '{"link": "\\u0000"}', "[" * 50_000, "1" * 5000]
)
def test_a_link_that_is_no_text_is_none(service: ServiceProcess, body: str) -> None:
    headers = {"Content-Type": b"application/json", "Origin": service.url.encode()}
    assert 400 <= ask(service, "POST", "/sign-in", headers, body.encode()) < 500


def test_the_certificates_check_is_answered(service: ServiceProcess) -> None:
    """Slack looks at the certificate of a command's address now and then, and wants 200."""
    form = {"Content-Type": b"application/x-www-form-urlencoded"}
    assert ask(service, "POST", "/slack/events", form, b"ssl_check=1&token=Jhj5dZrVaK7ZwHHjRyZWjbDl") == 200


@given(timestamp=st.text(max_size=30), signature=st.text(max_size=80), body=st.binary(max_size=30))
def test_a_signature_is_right_or_not(timestamp: str, signature: str, body: bytes) -> None:
    headers = {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature}
    assert not is_signed("secret", headers, body, 1_700_000_000.0)
