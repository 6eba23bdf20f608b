"""Signing in to the web chat: by password, by a trusted proxy, by an OpenID Connect provider; and being shut out."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from ui.access import PasswordFile

ANN = {"username": "ann@example.com", "password": "correct horse battery"}
HEADER = "X-Forwarded-User"
KNOWN = ((ANN["username"], ANN["password"]), ("*@example.com", None), ("eve@example.com", None))
StartWeb = Callable[..., AbstractContextManager[str]]


class Provider(BaseHTTPRequestHandler):
    """Signs in whoever `account` is, without asking."""

    account: dict[str, Any] = {}  # noqa: RUF012  # what a test says it is
    codes: set[str] = set()  # noqa: RUF012

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/authorize":
            assert (asked["client_id"], asked["response_type"]) == ("sextant", "code")
            self.codes.add("code-1")
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?code=code-1&state={asked['state']}")
            self.end_headers()
        elif self.headers["Authorization"] == "Bearer token-1":
            self._told(self.account)

    def do_POST(self) -> None:
        given = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        known = given["code"][0] in self.codes and given["client_secret"] == ["hush"]
        self._told({"access_token": "token-1"} if known else {})

    def _told(self, body: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    people: PasswordFile

    def browser(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, headers=headers)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_web: StartWeb) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("sign-in")
    provider = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{provider.server_port}"
    oauth = {
        "OAUTH_GENERIC_CLIENT_ID": "sextant",
        "OAUTH_GENERIC_CLIENT_SECRET": "hush",
        "OAUTH_GENERIC_AUTH_URL": f"{base}/authorize",
        "OAUTH_GENERIC_TOKEN_URL": f"{base}/token",
        "OAUTH_GENERIC_USER_INFO_URL": f"{base}/userinfo",
        "OAUTH_GENERIC_SCOPES": "openid email",
    }
    proxy = {"SEXTANT_PROXY_HEADER": HEADER, "SEXTANT_PROXY_ADDRESSES": "127.0.0.1"}
    with start_web(home, people=KNOWN, **oauth, **proxy) as url:
        yield Server(url, PasswordFile(home / "people"))
    provider.shutdown()
    provider.server_close()


def name(browser: httpx.Client, **headers: str) -> str | None:
    """Whom the chat takes the browser for."""
    answer = browser.get("/ui/user", headers=headers)
    return answer.json()["identifier"] if answer.status_code == 200 else None


def through_the_provider(browser: httpx.Client, **account: Any) -> httpx.Response:
    Provider.account = account
    begun = browser.get("/ui/auth/oauth/generic")
    assert begun.is_redirect
    agreed = httpx.get(begun.headers["location"], timeout=60)
    return browser.get(agreed.headers["location"])


def test_the_chat_offers_every_way_in(server: Server) -> None:
    with server.browser() as browser:
        offered = browser.get("/ui/auth/config").json()
    assert (offered["passwordAuth"], offered["headerAuth"], offered["oauthProviders"]) == (True, True, ["generic"])


def test_a_password_opens_the_chat_and_a_wrong_one_does_not(server: Server) -> None:
    with server.browser() as browser:
        assert browser.post("/ui/login", data={**ANN, "password": "wrong"}).status_code == 401
        assert name(browser) is None
        answer = browser.post("/ui/login", data=ANN)
        assert answer.status_code == 200
        assert name(browser) == "ann@example.com"
    given = answer.headers["set-cookie"].lower()  # no script reads it, and no page of another site sends it
    assert "httponly" in given
    assert "samesite=lax" in given


def test_the_chat_s_cookie_opens_nothing_of_the_api(server: Server) -> None:
    with server.browser() as browser:
        browser.post("/ui/login", data=ANN)
        assert browser.get("/v1/sessions").status_code == 401
        assert browser.post("/v1/sessions").status_code == 401


def test_a_proxy_signs_people_in_and_a_browser_follows_its_word(server: Server) -> None:
    with server.browser() as browser:
        assert browser.post("/ui/auth/header").status_code == 401
        assert browser.post("/ui/auth/header", headers={HEADER: "dan@evil.com"}).status_code == 401
        assert browser.post("/ui/auth/header", headers={HEADER: "ann@example.com"}).status_code == 401
        assert browser.post("/ui/auth/header", headers={HEADER: "dan@example.com"}).status_code == 200
        assert name(browser, **{HEADER: "dan@example.com"}) == "dan@example.com"
        assert name(browser, **{HEADER: "eve@example.com"}) is None  # somebody else sits there now


def test_a_provider_signs_in_whoever_stands_in_the_file(server: Server) -> None:
    with server.browser() as browser:
        done = through_the_provider(browser, email="dan@example.com", email_verified=True)
        assert done.headers["location"].startswith("/ui/login/callback?success=True")
        assert name(browser) == "dan@example.com"
        page = browser.get("/ui/login/callback?success=True")
        assert page.status_code == 200


@pytest.mark.parametrize(
    "account",
    [
        {"email": "dan@evil.com"},
        {"email": "dan@example.com", "email_verified": False},
        {"email": "ann@example.com"},  # she has a password, and comes in by it alone
        {"email": "*@example.com"},
        {"login": "dan"},
    ],
)
def test_a_provider_s_word_alone_opens_nothing(server: Server, account: dict[str, Any]) -> None:
    with server.browser() as browser:
        done = through_the_provider(browser, **account)
        assert "error=" in done.headers["location"]
        assert name(browser) is None


def test_an_answer_that_was_not_asked_for_is_refused(server: Server) -> None:
    with server.browser() as browser:
        done = browser.get("/ui/auth/oauth/generic/callback", params={"code": "code-1", "state": "made-up"})
        assert "error=" in done.headers["location"]
        assert name(browser) is None


def test_whoever_is_shut_out_is_out_at_once_in_every_browser(server: Server) -> None:
    with server.browser() as browser:
        server.people.add("gone@elsewhere.com", "correct horse battery")
        credentials = {"username": "gone@elsewhere.com", "password": "correct horse battery"}
        assert browser.post("/ui/login", data=credentials).status_code == 200
        token = browser.cookies["access_token"]
        server.people.remove("gone@elsewhere.com")
        assert name(browser) is None
        browser.cookies.clear()
        renewed = browser.post("/ui/auth/jwt", headers={"Authorization": f"Bearer {token}"})
        assert renewed.status_code == 401


def test_the_header_counts_from_the_proxy_s_address_only(tmp_path: Path, start_web: StartWeb) -> None:
    settings = {"SEXTANT_PROXY_HEADER": HEADER, "SEXTANT_PROXY_ADDRESSES": "10.9.9.9"}
    with start_web(tmp_path, people=KNOWN, **settings) as url, httpx.Client(base_url=url, timeout=60) as browser:
        signed = {HEADER: "dan@example.com", "X-Forwarded-For": "10.9.9.9"}
        assert browser.post("/ui/auth/header", headers=signed).status_code == 401
        assert browser.get("/v1/sessions", headers=signed).status_code == 401


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SEXTANT_PROXY_HEADER": HEADER}, "SEXTANT_PROXY_ADDRESSES is missing"),
        ({"SEXTANT_PROXY_HEADER": "x y", "SEXTANT_PROXY_ADDRESSES": "10.0.0.1"}, "cannot be 'x y'"),
        ({"SEXTANT_PROXY_ADDRESSES": "everywhere"}, "SEXTANT_PROXY_ADDRESSES: "),
        ({"OAUTH_GITHUB_CLIENT_ID": "x"}, "say who of them may come in"),
        ({"SEXTANT_LIMITS": "person=often"}, "SEXTANT_LIMITS"),
    ],
)
def test_settings_that_cannot_be_meant_are_one_clear_line(
    tmp_path: Path, environment: dict[str, str], words: str
) -> None:
    command = [sys.executable, "-c", "from ui.cli import main; main()", "serve", "--port", "0"]
    known = {**os.environ, "SEXTANT_HOME": str(tmp_path), **environment}
    done = subprocess.run(command, env=known, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr.splitlines()[0]
