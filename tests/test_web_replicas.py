"""The web chat over two replicas on one PostgreSQL, in a real browser behind a balancer with sticky sessions: a chat
begun on one goes on with the other when the first is stopped.
"""

import re
import selectors
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from knowledge.records import Records
from tools.deploy.local import LocalTarget

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
ANN = ("ann", "correct horse battery")
PATIENCE_MS = 120_000
STICKY = re.compile(rb"replica=(\d+)")
StartWeb = Callable[..., AbstractContextManager[str]]
Say = Callable[[Page, str], None]
Pair = tuple[list[str], Callable[[], None], Records]


class Balancer(socketserver.ThreadingTCPServer):
    """Passes connections on to the replica that the browser's cookie names, or to the first that answers, and tells the
    browser by a cookie which it was; websockets and answers pass unread.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, replicas: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.places = [(urlsplit(each).hostname or "", urlsplit(each).port or 0) for each in replicas]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def reached(self, head: bytes) -> tuple[int, socket.socket]:
        """The replica for a request, and a connection to it."""
        named = STICKY.search(head)
        wanted = int(named[1]) if named else 0
        for number in (wanted, 1 - wanted):
            with suppress(ConnectionRefusedError):
                return number, socket.create_connection(self.places[number])
        raise ConnectionRefusedError


class Passing(socketserver.BaseRequestHandler):
    """One connection: its first request says where it goes."""

    request: socket.socket
    server: Balancer

    def handle(self) -> None:
        with suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                if not (part := self.request.recv(65536)):
                    return
                head += part
            number, replica = self.server.reached(head)
            with replica:
                replica.sendall(head)
                line, end, rest = replica.recv(65536).partition(b"\r\n")
                told = f"Set-Cookie: replica={number}; Path=/".encode()
                self.request.sendall(line + end + told + end + rest if line else b"")
                self._pass_on(replica)

    def _pass_on(self, replica: socket.socket) -> None:
        """Both ways until either ends."""
        other = {self.request: replica, replica: self.request}
        with selectors.DefaultSelector() as selector:
            for each in other:
                selector.register(each, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    read: socket.socket = key.fileobj  # type: ignore[assignment]  # what was registered
                    if not (part := read.recv(65536)):
                        return
                    other[read].sendall(part)


@pytest.fixture
def replicas(tmp_path: Path, database_url: str, start_web: StartWeb) -> Iterator[Pair]:
    """Addresses of two servers, a way to stop the first, and the records that they share."""
    homes = [tmp_path / name for name in "ab"]
    for home in homes:
        home.mkdir()
    people = {"people": (ANN,), "SEXTANT_DATABASE_URL": database_url}
    with ExitStack() as second, ExitStack() as first:
        urls = [
            part.enter_context(start_web(home, "--time-factor", "200", **people))
            for part, home in zip((first, second), homes, strict=True)
        ]
        records = Records(homes[1], url=database_url)
        yield urls, first.close, records
        target = LocalTarget(homes[1], records=records)  # a deployment outlives its server on purpose
        for made in records.deployments.all():
            if made.replicas:
                target.rollback(made.deployment_id, who="test")
        target.reconcile()
        records.database.close()


@pytest.fixture
def balancer(replicas: Pair) -> Iterator[Balancer]:
    with Balancer(replicas[0]) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


def test_a_chat_goes_on_with_the_other_replica_and_deploys_once(
    replicas: Pair, balancer: Balancer, browser: Browser, say: Say
) -> None:
    _, stop_first, records = replicas
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(balancer.url)
    page.locator("#email").fill(ANN[0])
    page.locator("#password").fill(ANN[1])
    page.keyboard.press("Enter")
    say(page, WORDS)
    options, revision = page.get_by_test_id("options-card"), page.get_by_test_id("revision")
    users = page.get_by_test_id("field-total_users")
    expect(page.get_by_test_id("approve")).to_be_visible()
    users.fill("2000")
    users.press("Enter")
    expect(options).to_have_attribute("data-revision", "2")
    assert [each["value"] for each in context.cookies() if each["name"] == "replica"] == ["0"]
    thread = page.url.rpartition("/")[2]

    stop_first()
    page.reload()
    expect(revision).to_have_text("revision 2")
    assert [each["value"] for each in context.cookies() if each["name"] == "replica"] == ["1"]
    expect(users).to_have_value("2000")
    expect(options.get_by_text("chosen", exact=True)).to_be_visible()
    expect(page.get_by_text(WORDS).first).to_be_visible()
    users.fill("2500")
    users.press("Enter")
    expect(options).to_have_attribute("data-revision", "3")
    page.get_by_test_id("approve").click()
    page.get_by_test_id("deploy").click()
    expect(page.get_by_test_id("verdict")).to_be_visible()
    expect(page.get_by_test_id("deployment-state")).to_contain_text("runs")
    assert len(records.deployments.all(thread=thread)) == 1
    context.close()
