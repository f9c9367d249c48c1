"""What strangers, other sites and thieves try on the inbox, and what comes of it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.bots.api.served import ServiceProcess, ask, link, token, write
from tests.bots.command import sayso
from tests.bots.web.visit import csrf, form

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[ServiceProcess]:
    """A service that allows few tries."""
    write(tmp_path, more="answers_per_minute = 5")
    configuration = (tmp_path / "sayso.toml").read_text()
    (tmp_path / "sayso.toml").write_text(configuration.replace("_minute = 1000", "_minute = 3"))
    with ServiceProcess(tmp_path) as running:
        yield running


def secret_of(address: str) -> str:
    return urlsplit(address).fragment


class Browsers:
    """Clients with sessions, as browsers have them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.stack = contextlib.ExitStack()

    def sign_in(self, service: ServiceProcess, name: str) -> httpx.Client:
        client = self.stack.enter_context(httpx.Client(base_url=service.url))
        assert client.post("/sign-in", json={"link": secret_of(link(self._folder, name))}).status_code == 200
        return client


@pytest.fixture
def browsers(tmp_path: Path) -> Iterator[Browsers]:
    """People who are signed in."""
    made = Browsers(tmp_path)
    with made.stack:
        yield made


def test_a_link_signs_in_once_and_not_by_looking_at_it(
    service: ServiceProcess, tmp_path: Path, browsers: Browsers
) -> None:
    address = link(tmp_path, "ana")
    assert httpx.get(address).status_code == 200, "a preview of the link looks at the page"
    with httpx.Client(base_url=service.url) as client:
        first = client.post("/sign-in", json={"link": secret_of(address)})
        assert first.json() == {"person": "web:ana"}
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert client.get("/").status_code == 200
    again = httpx.post(f"{service.url}/sign-in", json={"link": secret_of(address)})
    assert (again.status_code, "set-cookie" in again.headers) == (403, False)
    assert "used already" in again.json()["detail"]


def test_a_used_link_opens_the_inbox_for_who_is_signed_in_and_signs_nobody_else_in(
    service: ServiceProcess, tmp_path: Path
) -> None:
    """People keep the link that they came with, and open it again."""
    address = link(tmp_path, "ana")
    with httpx.Client(base_url=service.url) as ana:
        ana.post("/sign-in", json={"link": secret_of(address)}).raise_for_status()
        again = ana.post("/sign-in", json={"link": secret_of(address)})
        assert again.json() == {"person": "web:ana"}
        assert "set-cookie" not in again.headers
        ana.post("/sign-out", headers=csrf(ana)).raise_for_status()
        assert ana.post("/sign-in", json={"link": secret_of(address)}).status_code == 403


def test_no_secret_is_stored_or_logged(service: ServiceProcess, tmp_path: Path, browsers: Browsers) -> None:
    address, secret = link(tmp_path, "ana"), token(tmp_path, "ci")
    client = browsers.sign_in(service, "olga")
    session = next(iter(client.cookies.jar)).value
    assert session is not None
    client.post("/sign-in", json={"link": secret_of(address)})
    sayso(tmp_path, "access")
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("sayso.db*") if path.is_file())
    for one in (secret_of(address), secret, session):
        assert one.encode() not in stored
        assert one not in service.log


def test_a_session_survives_a_restart_and_ends_where_it_should(
    service: ServiceProcess, tmp_path: Path, browsers: Browsers
) -> None:
    client = browsers.sign_in(service, "olga")
    service.kill()
    with ServiceProcess(tmp_path) as again:
        assert client.get("/").status_code == 200
        stolen = dict(client.cookies)
        assert client.post("/sign-out", headers=csrf(client)).status_code == 200
        assert httpx.get(f"{again.url}/", cookies=stolen).status_code == 303
        other = browsers.sign_in(again, "ana")
        secret = token(tmp_path, "ci")
        assert sayso(tmp_path, "revoke", "web:ana").code == 0
        assert sayso(tmp_path, "revoke", "token:ci").code == 0
        assert other.get("/").status_code == 303
        assert (
            httpx.get(f"{again.url}/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code
            == 401
        )


def test_another_site_can_do_nothing_with_a_persons_session(
    service: ServiceProcess, tmp_path: Path, browsers: Browsers
) -> None:
    """Its browser sends the cookie; what it cannot send is the token that only our own pages have."""
    request_id = ask(tmp_path, "release")
    client = browsers.sign_in(service, "olga")
    good = csrf(client)
    for headers in (
        {},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "0" * 64},
        csrf(browsers.sign_in(service, "ana")),
    ):
        answer = client.post(f"/requests/{request_id}/answers", json=form(), headers=headers)
        assert (answer.status_code, answer.json()["kind"]) == (403, "NotFromOurPage")
        api = client.post(
            f"/api/v1/requests/{request_id}/answers",
            json={"revision": 1, "value": "approve"},
            headers=headers,
        )
        assert api.status_code == 403
        assert client.post("/sign-out", headers=headers).status_code == 403
    plain = client.post(
        f"/requests/{request_id}/answers", data={"revision": "1", "choice": "0"}, headers=good
    )
    assert plain.status_code == 422, "what a form of another site can send is no JSON"
    assert (
        client.post(f"/requests/{request_id}/answers", json=form(), headers=good).json()["outcome"]
        == "resolved"
    )


def test_a_get_decides_nothing(service: ServiceProcess, tmp_path: Path, browsers: Browsers) -> None:
    request_id = ask(tmp_path, "release")
    client = browsers.sign_in(service, "olga")
    run_id = client.get("/api/v1/runs").json()["runs"][0]["run_id"]
    for path in (
        f"/requests/{request_id}/answers?revision=1&choice=0", f"/requests/{request_id}?choice=0", "/sign-out",
        f"/api/v1/requests/{request_id}/answers", f"/api/v1/runs/{run_id}/cancel", f"/runs/{run_id}", "/", "/runs",
    ):  # fmt: skip
        client.get(path)
    assert client.get(f"/api/v1/requests/{request_id}").json()["status"] == "PENDING"
    assert client.get("/").status_code == 200


def test_a_name_of_somebody_elses_is_turned_away(
    service: ServiceProcess, tmp_path: Path, browsers: Browsers
) -> None:
    """A page under a name that resolves to this machine would otherwise be a page of ours (DNS rebinding)."""
    client = browsers.sign_in(service, "olga")
    port = urlsplit(service.url).port
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "", "localhost.", "[::1"):
        for path in ("/", "/sign-in", "/api/v1/me", "/static/inbox.js"):
            answer = client.get(path, headers={"Host": host})
            assert answer.status_code in (400, 421), host
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"):
        assert httpx.get(f"{service.url}/sign-in", headers={"Host": host}).status_code == 200
    assert httpx.get(f"{service.url}/healthz", headers={"Host": "probe.example"}).status_code == 200


def test_every_page_forbids_what_it_does_not_need(
    service: ServiceProcess, tmp_path: Path, browsers: Browsers
) -> None:
    client = browsers.sign_in(service, "olga")
    for path in ("/", "/sign-in", "/runs", "/api", "/nothing", "/api/v1/me", "/static/inbox.css"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] in ("no-store", "no-cache")


def test_tries_are_limited(strict: ServiceProcess, tmp_path: Path) -> None:
    guesses = [httpx.post(f"{strict.url}/sign-in", json={"link": f"guess-{n}"}) for n in range(5)]
    assert [one.status_code for one in guesses] == [403, 403, 403, 429, 429]
    assert int(guesses[-1].headers["retry-after"]) >= 1
    request_id = ask(tmp_path, "release")
    headers = {"Authorization": f"Bearer {token(tmp_path, 'operator', 'operate', 'answer')}"}
    body = {"revision": 7, "value": "approve"}
    address = f"{strict.url}/api/v1/requests/{request_id}/answers"
    codes = [httpx.post(address, json=body, headers=headers).status_code for _ in range(7)]
    assert codes == [409] * 5 + [429] * 2


def test_bodies_have_an_end(service: ServiceProcess, tmp_path: Path, browsers: Browsers) -> None:
    headers = {"Authorization": f"Bearer {token(tmp_path, 'ci')}", "Content-Type": "application/json"}
    address = f"{service.url}/api/v1/runs"
    assert httpx.post(address, content=b"x" * (3 * 1024 * 1024), headers=headers).status_code == 413

    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b"x" * 65536

    try:
        code = httpx.post(address, content=endless(), headers=headers).status_code
    except httpx.TransportError:
        code = 413  # it hung up while we still sent
    assert code == 413
    assert httpx.get(f"{service.url}/healthz").status_code == 200


def test_it_listens_on_this_machine_alone(service: ServiceProcess) -> None:
    port = urlsplit(service.url).port
    assert port is not None
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(("127.0.0.2", port))  # were it bound to every address, this one would be taken


def test_nobody_gets_in_by_a_wrong_link(browser: Browser, service: ServiceProcess) -> None:
    page = browser.new_page()
    page.goto(f"{service.url}/sign-in#wrong")
    expect(
        page.get_by_text("This link was used already, is older than ten minutes, or is not one of ours.")
    ).to_be_visible()
    assert page.url == f"{service.url}/sign-in", "the secret is taken out of the address"
    page.goto(f"{service.url}/runs")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.close()
