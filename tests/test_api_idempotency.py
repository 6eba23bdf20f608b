"""`Idempotency-Key`: what is repeated has its effect once and gets the first answer, also after a restart."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from agent.sessions import Sessions
from knowledge.records.database import open_database
from knowledge.records.receipt import ABANDONED_AFTER, KEPT, Receipt, Receipts
from ui.api.application import application
from ui.api.idempotency import MAX_KEPT_BYTES, Idempotent
from ui.api.identity import Principal
from ui.opening import opened
from ui.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")
BILL = b"date,provider,model,input_tokens,output_tokens,cost_usd\n2026-10-01,openai,gpt-4o-mini,1000000,100000,0.21\n"
REPLAYED = "idempotency-replayed"


def client_of(door: Sessions, home: Path) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(application(door, Settings(home=home)))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=120)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    home = tmp_path_factory.mktemp("receipts")
    async with (
        opened(time_factor=500, settings=Settings(home=home), tied=True) as door,
        client_of(door, home) as client,
    ):
        yield client


async def test_the_same_request_with_its_key_is_answered_once_and_again(api: httpx.AsyncClient) -> None:
    key, body = {"Idempotency-Key": "once"}, {"text": "a chatbot for 500 users"}
    first, second = [await api.post("/v1/sessions/once/say", json=body, headers=key) for _ in range(2)]
    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    assert first.headers["content-type"] == second.headers["content-type"]
    assert (REPLAYED in first.headers, second.headers[REPLAYED]) == (False, "true")
    inputs = (await api.get("/v1/sessions/once/history")).json()["inputs"]
    assert [entry["text"] for entry in inputs] == ["a chatbot for 500 users"]


async def test_a_stream_of_events_is_given_again_as_it_was(api: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "stream", "accept": "text/event-stream"}
    first, second = [
        await api.post("/v1/sessions/stream/say", json={"text": "a chatbot for 500 users"}, headers=headers)
        for _ in range(2)
    ]
    assert first.text == second.text
    assert "event: card" in second.text
    assert second.headers["content-type"].startswith("text/event-stream")
    assert first.text.startswith("id: 1\n")
    for seen in (3, 9999):  # a client that lost the connection asks for the rest
        rest = await api.post(
            "/v1/sessions/stream/say",
            json={"text": "a chatbot for 500 users"},
            headers=headers | {"Last-Event-ID": str(seen)},
        )
        assert rest.text == first.text[first.text.find(f"id: {seen + 1}\n") :] * (f"id: {seen}\n" in first.text)


async def test_a_key_stands_for_one_request_only(api: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "only"}
    assert (await api.post("/v1/sessions", headers=key)).status_code == 201
    other = await api.post("/v1/sessions/x/say", json={"text": "hello"}, headers=key)
    assert other.status_code == 422
    assert other.json()["field"] == "Idempotency-Key"
    assert (await api.get("/v1/sessions/x")).status_code == 404


async def test_an_upload_is_the_same_with_another_boundary(api: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "bill"}
    answers = [await api.post("/v1/invoices", files={"file": ("bill.csv", BILL)}, headers=key) for _ in range(2)]
    assert answers[0].request.headers["content-type"] != answers[1].request.headers["content-type"]
    assert answers[0].content == answers[1].content
    assert answers[1].headers[REPLAYED] == "true"
    changed = await api.post("/v1/invoices", files={"file": ("bill.csv", BILL + b"\n")}, headers=key)
    assert changed.status_code == 422


async def test_what_changed_nothing_may_be_tried_again(api: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "again"}
    assert (await api.post("/v1/plan", json={}, headers=key)).status_code == 422
    assert (await api.post("/v1/extract", json={"text": "a chatbot"}, headers=key)).status_code == 200


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "\x7f"])
async def test_a_key_that_is_none_is_refused(api: httpx.AsyncClient, key: str) -> None:
    answer = await api.post("/v1/sessions", headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")


async def test_receipts_outlive_the_process(tmp_path: Path) -> None:
    key, bodies = {"Idempotency-Key": "restart"}, []
    for _ in range(2):
        settings = Settings(home=tmp_path)
        async with opened(time_factor=500, settings=settings, tied=True) as door, client_of(door, tmp_path) as client:
            bodies.append((await client.post("/v1/sessions", headers=key)).json())
    assert bodies[0] == bodies[1]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receipts(tmp_path: Path, clock: Clock) -> Receipts:
    return Receipts(open_database(tmp_path), clock)


async def test_a_receipt_lasts_a_day(receipts: Receipts, clock: Clock) -> None:
    kept = Receipt("f", 200, "{}", b"body")
    assert receipts.begin("ann", "k") == "begun"
    receipts.keep("ann", "k", kept)
    clock.now += KEPT
    assert receipts.begin("ann", "k") == kept
    assert receipts.begin("bob", "k") == "begun"  # keys belong to whoever asks
    clock.now += timedelta(seconds=1)
    assert receipts.begin("ann", "k") == "begun"


async def test_a_request_that_died_with_its_process_begins_anew(receipts: Receipts, clock: Clock) -> None:
    assert [receipts.begin("ann", "k") for _ in range(2)] == ["begun", "running"]
    clock.now += ABANDONED_AFTER
    receipts.touch("ann", "k")
    clock.now += ABANDONED_AFTER
    assert receipts.begin("ann", "k") == "running"  # it was still heard of
    clock.now += timedelta(seconds=1)
    assert [receipts.begin("ann", "k") for _ in range(2)] == ["begun", "running"]


def request(body: bytes = b"{}") -> tuple[Scope, Receive]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"idempotency-key", b"k"), (b"content-type", b"application/json")]
    state = {"principal": Principal("ann")}
    scope = {"type": "http", "method": "POST", "path": "/v1/x", "query_string": b"", "headers": headers, "state": state}
    return scope, receive


async def answered(app: Idempotent) -> tuple[int, bytes]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(*request(), send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


async def test_a_repetition_while_the_first_runs_is_a_conflict(receipts: Receipts) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def effect(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        inside.set()
        await go_on.wait()
        await JSONResponse({"done": True})(scope, receive, send)

    app = Idempotent(effect, receipts=receipts)
    first = asyncio.create_task(answered(app))
    await inside.wait()
    status, body = await answered(app)
    assert (status, json.loads(body)["status"]) == (409, 409)
    go_on.set()
    assert (await first)[0] == 200
    assert (await answered(app)) == (200, b'{"done":true}')


async def test_one_who_goes_away_does_not_stop_what_began(receipts: Receipts) -> None:
    async def effect(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        leaving = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        assert not leaving.done()  # nobody is told that the client has gone
        leaving.cancel()
        await PlainTextResponse("done")(scope, receive, send)

    async def gone(_: Message) -> None:
        raise OSError("the client has gone")

    app = Idempotent(effect, receipts=receipts)
    await app(*request(), gone)
    assert await answered(app) == (200, b"done")


async def test_an_answer_too_large_to_keep_is_made_again(receipts: Receipts) -> None:
    made = []

    async def report(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        made.append(1)
        await PlainTextResponse("x" * (MAX_KEPT_BYTES + 1))(scope, receive, send)

    app = Idempotent(report, receipts=receipts)
    assert [(await answered(app))[0] for _ in range(2)] == [200, 200]
    assert len(made) == 2


async def test_a_failure_gives_its_key_back(receipts: Receipts) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001  # the form of an application
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        await answered(Idempotent(broken, receipts=receipts))
    assert receipts.begin("person ann", "k") == "begun"
