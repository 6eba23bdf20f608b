"""Who may do what over HTTP: keys with scopes, people, a trusted proxy, admins, and how often each may ask."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from agent.sessions import Sessions
from knowledge.errors import BadInput, StateUnusable
from knowledge.records import NewDeployment, Outcome
from knowledge.records.key import SCOPES
from ui.access import Access, LocalAccess, PasswordFile, VouchedAccess, access_for
from ui.api.application import application
from ui.api.guard import Guard
from ui.api.problems import problem
from ui.opening import opened
from ui.settings import Settings, TrustedProxy

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
ANN, BOB, EVE = ("ann", "correct horse battery"), ("bob", "another long password"), ("eve", "the admin's password")
PROBLEM = "application/problem+json"
PROXY = TrustedProxy((ip_network("10.0.0.0/24"),), "x-forwarded-user")


@dataclass(frozen=True, slots=True)
class Home:
    """One state directory with an open door; servers of any kind are put before it."""

    door: Sessions
    settings: Settings
    people: PasswordFile

    def client(self, access: Access | None = None, *, peer: str = "127.0.0.1", **settings: Any) -> httpx.AsyncClient:
        app = application(self.door, replace(self.settings, **settings), access or self.people)
        transport = httpx.ASGITransport(app, client=(peer, 4000))
        return httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=120)

    def key(self, *scopes: str, owner: str = "ann", lasts: timedelta | None = None) -> dict[str, str]:
        token, _ = self.door.context.records.keys.create("test", owner=owner, scopes=scopes, who="test", lasts=lasts)
        return {"authorization": f"Bearer {token}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory, put_prices: Callable[[Path], Path]) -> AsyncIterator[Home]:
    folder = put_prices(tmp_path_factory.mktemp("access"))
    people = PasswordFile(folder / "people")
    for name, password in (ANN, BOB, EVE):
        people.add(name, password, admin=name == "eve")
    settings = Settings(home=folder)
    async with opened(time_factor=500, settings=settings, tied=True) as door:
        yield Home(door, settings, people)


ROUTES: dict[tuple[str, str], str] = {
    ("POST", "/v1/extract"): "plan",
    ("POST", "/v1/plan"): "plan",
    ("POST", "/v1/plan/report"): "plan",
    ("POST", "/v1/compare"): "plan",
    ("POST", "/v1/predict"): "plan",
    ("GET", "/v1/catalog/rank"): "catalog",
    ("GET", "/v1/catalog/search"): "catalog",
    ("GET", "/v1/catalog/show"): "catalog",
    ("GET", "/v1/catalog/history"): "catalog",
    ("GET", "/v1/catalog/health"): "catalog",
    ("GET", "/v1/catalog/export"): "catalog",
    ("GET", "/api/data/health"): "catalog",
    ("POST", "/v1/invoices"): "invoices",
    ("GET", "/v1/sessions"): "sessions",
    ("POST", "/v1/sessions"): "sessions",
    ("GET", "/v1/sessions/{session_id}"): "sessions",
    ("GET", "/v1/sessions/{session_id}/history"): "sessions",
    ("POST", "/v1/sessions/{session_id}/say"): "sessions",
    ("POST", "/v1/sessions/{session_id}/act"): "sessions",
    ("POST", "/v1/sessions/{session_id}/rating"): "sessions",
    ("GET", "/v1/sessions/{session_id}/manifests"): "sessions",
    ("POST", "/v1/sessions/{session_id}/try"): "sessions",
    ("GET", "/v1/papers/{paper_id}"): "sessions",
    ("POST", "/v1/sessions/{session_id}/what-if"): "sessions",
    ("GET", "/v1/sessions/{session_id}/refinement"): "sessions",
    ("GET", "/v1/sessions/{session_id}/courses"): "sessions",
    ("GET", "/v1/sessions/{session_id}/report"): "sessions",
    ("POST", "/v1/sessions/{session_id}/stop"): "sessions",
    ("GET", "/v1/deployments"): "deploy",
    ("POST", "/v1/deployments"): "deploy",
    ("GET", "/v1/deployments/{deployment_id}"): "deploy",
    ("POST", "/v1/deployments/{deployment_id}/validate"): "deploy",
    ("POST", "/v1/deployments/{deployment_id}/rollback"): "deploy",
    ("GET", "/v1/outcomes"): "deploy",
    ("GET", "/v1/audit"): "deploy",
}
SLOW = {"/v1/catalog/health", "/v1/catalog/export", "/api/data/health"}  # that they answer is tested elsewhere
OPEN = {"/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"}


async def test_every_route_asks_for_a_scope_or_is_known_to_be_open(home: Home) -> None:
    app = application(home.door, home.settings, home.people)
    found = {(method, path) for path, methods in app.openapi()["paths"].items() for method in map(str.upper, methods)}
    assert {(method, path) for method, path in found if path not in OPEN} == set(ROUTES)
    assert {route.path for route in app.routes if isinstance(route, APIRoute)} - {path for _, path in ROUTES} <= OPEN


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
async def test_a_route_wants_its_scope_and_names_it(home: Home, method: str, path: str) -> None:
    scope = ROUTES[method, path]
    url = re.sub(r"{\w+}", "nothing", path)
    async with home.client() as client:
        nobody = await client.request(method, url)
        other = await client.request(method, url, headers=home.key(*(each for each in SCOPES if each != scope)))
        right = None if path in SLOW else await client.request(method, url, headers=home.key(scope))
    assert (nobody.status_code, other.status_code) == (401, 403)
    assert "www-authenticate" in nobody.headers
    assert nobody.headers["content-type"] == other.headers["content-type"] == PROBLEM
    assert repr(scope) in other.json()["title"]
    assert scope in other.json()["detail"]
    assert right is None or right.status_code in (200, 201, 404, 422)


async def test_only_a_hash_of_a_key_is_kept(home: Home) -> None:
    token = home.key("plan")["authorization"].removeprefix("Bearer ")
    secret = token.split("_", 2)[2]
    for file in home.settings.home.glob("records.sqlite*"):
        assert secret.encode() not in file.read_bytes()


async def test_a_key_ends_by_revocation_by_time_and_with_its_owner(home: Home) -> None:
    records, good = home.door.context.records, home.key("sessions")
    revoked = home.key("sessions")
    records.keys.revoke(revoked["authorization"].split("_")[1], who="test")
    expired = home.key("sessions", lasts=timedelta(seconds=-1))
    stranger = home.key("sessions", owner="mallory")
    forged = {"authorization": good["authorization"][:-4] + "AAAA"}
    async with home.client() as client:
        assert (await client.get("/v1/sessions", headers=good)).status_code == 200
        refused: list[tuple[Any, str]] = [
            (revoked, "revoked"),
            (expired, "expired"),
            (stranger, "may not come in"),
            (forged, "no key"),
            ({"authorization": "Bearer x"}, "no key"),
            ({"authorization": b"Bearer \xe9"}, "no key"),
        ]
        for headers, word in refused:
            answer = await client.get("/v1/sessions", headers=headers)
            assert (answer.status_code, word in answer.json()["title"]) == (401, True), answer.text


async def test_a_key_is_judged_also_where_nobody_is_asked_to_sign_in(home: Home) -> None:
    async with home.client(LocalAccess()) as client:
        assert (await client.get("/v1/deployments")).status_code == 200
        assert (await client.get("/v1/deployments", headers=home.key("plan", owner="local"))).status_code == 403
        assert (await client.get("/v1/deployments", headers={"authorization": "Bearer wrong"})).status_code == 401


async def test_a_key_without_deploy_talks_but_does_not_deploy(home: Home) -> None:
    key = home.key("sessions")
    async with home.client() as client:
        said = (await client.post("/v1/sessions/no-deploy/say", json={"text": WORDS}, headers=key)).json()
        approve = {"kind": "approve", "revision": said["revision"]}
        clicked = await client.post("/v1/sessions/no-deploy/act", json=approve, headers=key)
        spoken = await client.post("/v1/sessions/no-deploy/say", json={"text": "deploy it"}, headers=key)
    assert clicked.status_code == 403
    assert any(event["type"] == "failed" for event in spoken.json()["events"])
    assert home.door.context.records.deployments.all(owner="ann") == ()


@pytest.mark.parametrize(
    ("site", "method", "status"),
    [("cross-site", "POST", 403), ("same-site", "POST", 403), ("same-origin", "POST", 201), ("none", "POST", 201),
     ("cross-site", "GET", 200)],
)  # fmt: skip
async def test_a_page_of_another_site_cannot_ride_on_a_sign_in(home: Home, site: str, method: str, status: int) -> None:
    async with home.client(LocalAccess()) as client:
        answer = await client.request(method, "/v1/sessions", headers={"Sec-Fetch-Site": site})
    assert answer.status_code == status


async def test_a_proxy_names_people_and_nobody_else_can(home: Home) -> None:
    signed = {"X-Forwarded-User": "carol"}
    async with home.client(VouchedAccess(), peer="10.0.0.9", proxy=PROXY) as client:
        assert (await client.get("/v1/sessions", headers=signed)).status_code == 200
        assert (await client.get("/v1/sessions")).status_code == 401
        twice = [("X-Forwarded-User", "carol"), ("X-Forwarded-User", "eve")]
        assert (await client.get("/v1/sessions", headers=twice)).status_code == 401
    async with home.client(VouchedAccess(), peer="192.0.2.7", proxy=PROXY) as client:
        assert (await client.get("/v1/sessions", headers=signed)).status_code == 401
        spoofed = {**signed, "X-Forwarded-For": "10.0.0.9"}
        assert (await client.get("/v1/sessions", headers=spoofed)).status_code == 401


async def test_with_a_file_the_proxy_brings_in_only_those_who_stand_there(home: Home, tmp_path: Path) -> None:
    people = PasswordFile(tmp_path / "people")
    people.add("*@example.com", None)
    people.add("boss@example.com", None, admin=True)
    people.add("ann@example.com", "correct horse battery")
    async with home.client(people, peer="10.0.0.9", proxy=PROXY) as client:

        async def status(name: str, **more: str) -> int:
            return (await client.get("/v1/sessions", headers={"X-Forwarded-User": name, **more})).status_code

        assert [await status(name) for name in ("dan@example.com", "boss@example.com")] == [200, 200]
        assert [await status(name) for name in ("dan@evil.com", "*@example.com", "dan")] == [401, 401, 401]
        assert await status("ann@example.com") == 401  # whoever has a password comes in by it alone
        assert (await client.get("/v1/sessions", params={"owner": "dan@example.com"},
                                 headers={"X-Forwarded-User": "boss@example.com"})).status_code == 200  # fmt: skip
    assert [people.is_admin(name) for name in ("boss@example.com", "dan@example.com", "*@example.com")] == [
        True, False, False]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "trusted"), [("10.0.0.1", True), ("::ffff:10.0.0.1", True), ("10.0.1.1", False), ("", False)]
)
async def test_a_proxy_is_known_by_its_address(address: str, trusted: bool) -> None:
    assert PROXY.trusts(address) is trusted


TALK = "ann-talk"
PURE = {"/v1/extract", "/v1/plan", "/v1/plan/report", "/v1/compare", "/v1/predict", "/v1/invoices", "/api/data/health"}
SHARED = {("POST", "/v1/sessions"), ("POST", "/v1/deployments")}  # they only ever make what belongs to whoever asks
OWNED: list[tuple[str, str, Any, int, int, int]] = [  # ann, to whom it belongs; bob; eve, the admin
    ("GET", "/v1/sessions/{session_id}", None, 200, 404, 200),
    ("GET", "/v1/sessions/{session_id}/history", None, 200, 404, 200),
    ("POST", "/v1/sessions/{session_id}/say", {"text": "for 1200 users"}, 200, 404, 404),
    ("POST", "/v1/sessions/{session_id}/act", {"kind": "undo", "revision": 1}, 409, 404, 404),
    ("POST", "/v1/sessions/{session_id}/rating", {"stars": 5}, 204, 404, 404),
    ("GET", "/v1/sessions/{session_id}/manifests", None, 200, 404, 200),
    ("POST", "/v1/sessions/{session_id}/try", {"prompt": "hello"}, 409, 404, 404),
    ("GET", "/v1/papers/{paper_id}", None, 200, 404, 200),
    ("POST", "/v1/sessions/{session_id}/what-if", {"revision": 99, "values": {"total_users": 9}}, 409, 404, 404),
    ("GET", "/v1/sessions/{session_id}/refinement", None, 200, 404, 200),
    ("GET", "/v1/sessions/{session_id}/courses", None, 200, 404, 200),
    ("GET", "/v1/sessions/{session_id}/report", None, 200, 404, 200),
    ("POST", "/v1/sessions/{session_id}/stop", None, 200, 404, 404),
    ("GET", "/v1/deployments/{deployment_id}", None, 200, 404, 200),
    ("POST", "/v1/deployments/{deployment_id}/validate", None, 409, 404, 404),
    ("POST", "/v1/deployments/{deployment_id}/rollback", None, 200, 404, 404),
]
LISTED = ("/v1/sessions", "/v1/deployments", "/v1/outcomes", "/v1/audit")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def belongings(home: Home) -> str:
    """Ann has a conversation, a deployment and its outcome; the id of the deployment."""
    async with home.client() as client:
        assert (await client.post(f"/v1/sessions/{TALK}/say", json={"text": WORDS}, auth=ANN)).status_code == 200
    new = NewDeployment(
        owner="ann", thread=TALK, plan_hash="0" * 64, target="local", spec={"model_id": "m"}, model_id="m",
        gpu_type="NVIDIA-L4-24GB", gpu_count=1, engine="vllm-simulator", time_factor=5.0, monthly_cost_usd=1.0,
        snapshot="s",
    )  # fmt: skip
    records = home.door.context.records
    made = records.deployments.reserve(new).deployment_id
    records.outcomes.add(
        Outcome(
            "o1", made, "http://h:1", "m", "NVIDIA-L4-24GB", 1, "bf16", "vllm", 5.0, "s", "2026-11-21T12:00:00Z", 60.0,
            2.1, 500.0, 100.0, 118, 1, 200.1, "met", measures=(), slos=(), report={},
        )
    )  # fmt: skip
    return made


async def test_every_route_that_shows_or_changes_what_is_somebody_s_is_in_the_table() -> None:
    owned = {(method, path) for method, path, *_ in OWNED} | {("GET", path) for path in LISTED} | SHARED
    assert owned == {each for each in ROUTES if each[1] not in PURE and "/catalog/" not in each[1]}


@pytest.mark.parametrize("row", OWNED, ids=lambda row: f"{row[0]} {row[1]}")
async def test_what_is_ann_s_is_not_bob_s_and_an_admin_may_look(
    home: Home, belongings: str, row: tuple[str, str, Any, int, int, int]
) -> None:
    method, path, body, own, other, admin = row
    paper = home.door.context.records.papers.put(
        owner="ann", thread=TALK, name="bill.html", media_type="text/html", text="<p>"
    )
    url = path.format(session_id=TALK, deployment_id=belongings, paper_id=paper.paper_id)
    async with home.client() as client:
        statuses = [(await client.request(method, url, json=body, auth=who)).status_code for who in (BOB, EVE, ANN)]
    assert statuses == [other, admin, own]


@pytest.mark.parametrize("path", LISTED)
async def test_lists_hold_one_s_own_and_an_admin_s_everything(home: Home, belongings: str, path: str) -> None:
    word = TALK if path == "/v1/sessions" else belongings
    async with home.client() as client:
        answers = [await client.get(path, auth=who) for who in (ANN, BOB, EVE)]
        key = await client.get(path, headers=home.key("sessions", "deploy", owner="eve"))
        admin_key = await client.get(path, headers=home.key("admin", owner="eve"))
        no_admin = await client.get(path, headers=home.key("sessions", "deploy", "admin", owner="bob"))
    assert [word in answer.text for answer in answers] == [True, False, True]
    assert [word in answer.text for answer in (key, admin_key, no_admin)] == [False, True, False]


@pytest.mark.usefixtures("belongings")
@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/deployments", "/v1/outcomes"])
async def test_only_an_admin_asks_for_what_somebody_has(home: Home, path: str) -> None:
    async with home.client() as client:
        asked = [(await client.get(path, params={"owner": "ann"}, auth=who)).status_code for who in (ANN, BOB, EVE)]
        mine = await client.get(path, params={"owner": "eve"}, auth=EVE)
    assert asked == [200, 403, 200]
    assert mine.json()["total"] == 0


async def test_an_admin_s_key_alone_reads_and_changes_nothing(home: Home, belongings: str) -> None:
    alone = home.key("admin", owner="eve")
    async with home.client() as client:
        read = [await client.get(path, headers=alone) for path in ("/v1/catalog/search?text=groq", "/v1/audit",
                f"/v1/sessions/{TALK}/history", f"/v1/deployments/{belongings}")]  # fmt: skip
        done = [await client.post(path, headers=alone, json={"text": WORDS}) for path in
                ("/v1/plan", f"/v1/sessions/{TALK}/say", f"/v1/deployments/{belongings}/rollback")]  # fmt: skip
    assert [answer.status_code for answer in read] == [200] * 4
    assert [answer.status_code for answer in done] == [403] * 3


async def test_who_asks_too_often_is_told_when_to_come_back(home: Home) -> None:
    async with home.client(limits={"person": "3/minute"}) as client:
        answers = [await client.get("/v1/sessions", auth=ANN) for _ in range(4)]
        other = await client.get("/v1/sessions", auth=BOB)
        key = await client.get("/v1/sessions", headers=home.key("sessions"))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert (other.status_code, key.status_code) == (200, 200)  # each is counted alone
    assert answers[0].headers["RateLimit-Policy"] == '"person";q=3;w=60'
    assert answers[0].headers["RateLimit"].startswith('"person";r=2;t=')
    refused = answers[3]
    assert refused.headers["content-type"] == PROBLEM
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


async def test_an_address_asks_only_so_often_and_a_monitor_always(home: Home) -> None:
    async with home.client(limits={"address": "2/minute"}) as client:
        assert [(await client.get("/docs")).status_code for _ in range(3)] == [200, 200, 429]
        assert (await client.get("/healthz")).status_code == 200
    proxied: dict[str, Any] = {"limits": {"address": "1/minute"}, "proxy": PROXY, "peer": "10.0.0.9"}
    async with home.client(VouchedAccess(), **proxied) as client:  # behind a proxy, its clients are counted
        asked = [(await client.get("/docs", headers={"X-Forwarded-For": f"1.1.1.1, {address}"})).status_code
                 for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1")]  # fmt: skip
    assert asked == [200, 200, 429]


async def test_guessing_a_password_ends_soon(home: Home) -> None:
    async with home.client(limits={"failed": "2/minute"}) as client:
        guesses = [(await client.get("/v1/sessions", auth=("ann", "guess"))).status_code for _ in range(3)]
        assert guesses == [401, 401, 429]
        assert (await client.get("/v1/sessions")).status_code == 401  # who guesses nothing is not held up


@pytest.mark.parametrize("said", [{"person": "often"}, {"nobody": "1/minute"}])
async def test_a_limit_that_makes_no_sense_is_refused_at_the_start(home: Home, said: Mapping[str, str]) -> None:
    with pytest.raises(BadInput, match="SEXTANT_LIMITS"):
        application(home.door, replace(home.settings, limits=said))


async def test_who_may_come_in_follows_from_address_and_settings(tmp_path: Path) -> None:
    people = tmp_path / "people"
    PasswordFile(people).add("*", None)
    plain = Settings(home=tmp_path)
    assert isinstance(access_for("127.0.0.1", None, plain), LocalAccess)
    assert isinstance(access_for("127.0.0.1", None, replace(plain, proxy=PROXY)), VouchedAccess)
    assert isinstance(access_for("10.1.1.1", people, plain), PasswordFile)
    forwarding = TrustedProxy(PROXY.networks)  # it passes addresses on and signs nobody in
    for host, settings in (("10.1.1.1", plain), ("10.1.1.1", replace(plain, proxy=forwarding)),
                           ("127.0.0.1", replace(plain, oauth=True))):  # fmt: skip
        with pytest.raises(BadInput) as refused:
            access_for(host, None, settings)
        assert "--people FILE" in refused.value.cure


@pytest.mark.parametrize("line", ["ann", "ann:00", "ann:zz:zz", "ann::ab", "ann:00:ab:admin:x", " ann:00:ab"])
async def test_a_people_file_of_another_form_lets_nobody_in(tmp_path: Path, line: str) -> None:
    people = PasswordFile(tmp_path / "people")
    people.path.write_text(f"{line}\n")
    with pytest.raises(StateUnusable):
        people.admits("ann", "")


async def test_a_new_password_keeps_the_role_and_a_pattern_has_neither(tmp_path: Path) -> None:
    people = PasswordFile(tmp_path / "people")
    people.add("ann", "correct horse battery", admin=True)
    people.add("ann", "another long password")
    assert people.is_admin("ann")
    people.add("ann", "another long password", admin=False)
    assert not people.is_admin("ann")
    for password, admin in (("correct horse battery", None), (None, True)):
        with pytest.raises(BadInput, match="stands for many"):
            people.add("*@example.com", password, admin=admin)


def asgi(receive_pauses: bool) -> tuple[dict[str, Any], Receive, list[Message], Send]:
    sent: list[Message] = []

    async def receive() -> Message:
        if receive_pauses:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    return {"type": "http", "method": "POST", "path": "/v1/plan", "headers": [(b"host", b"x")]}, receive, sent, send


@pytest.mark.parametrize(("pauses", "status"), [(True, 408), (False, 503)])
async def test_neither_a_body_nor_an_answer_takes_for_ever(pauses: bool, status: int) -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await receive()
            await asyncio.Event().wait()
        except HTTPException as error:
            await problem(error.status_code, str(error.detail))(scope, receive, send)

    guard = Guard(slow, hosts=None, headers={}, usual_s=60 if pauses else 0.01, pause_s=0.01 if pauses else 60)
    scope, receive, sent, send = asgi(pauses)
    await guard(scope, receive, send)
    assert sent[0]["status"] == status
