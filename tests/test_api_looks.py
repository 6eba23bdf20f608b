"""Closer looks over HTTP: tried values, simulated figures as they come, courses, and reports as files."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from ui.api.application import application
from ui.opening import opened
from ui.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
TALK = "/v1/sessions/look"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    state = Settings(home=tmp_path_factory.mktemp("looks"))
    async with opened(time_factor=200, settings=state, tied=True) as door:
        transport = httpx.ASGITransport(application(door, state))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", timeout=120) as client:
            assert (await client.post(f"{TALK}/say", json={"text": WORDS})).status_code == 200
            yield client


async def test_a_tried_value_gives_options_and_leaves_the_card(api: httpx.AsyncClient) -> None:
    before = (await api.get(TALK)).json()
    tried = await api.post(f"{TALK}/what-if", json={"revision": 1, "values": {"total_users": 3000}})
    assert tried.json()["lists"]["balanced"]
    assert (await api.get(TALK)).json() == before
    stale = await api.post(f"{TALK}/what-if", json={"revision": 9, "values": {"total_users": 3000}})
    assert stale.status_code == 409
    wrong = await api.post(f"{TALK}/what-if", json={"revision": 1, "values": {"total_users": -1}})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "total_users")


async def test_simulated_figures_come_one_by_one_and_are_those_of_the_whole_answer(api: httpx.AsyncClient) -> None:
    whole = (await api.get(f"{TALK}/refinement")).json()["refined"]
    told: dict[str, object] = {}
    steps = 0
    async with api.stream("GET", f"{TALK}/refinement", headers={"accept": "text/event-stream"}) as answer:
        async for line in answer.aiter_lines():
            event = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
            steps += event.get("type") == "progress"
            if event.get("type") == "refined":
                told[event["option"]] = {name: each for name, each in event.items() if name not in ("type", "option")}
    assert told == whole
    assert steps == len(whole)
    assert len(whole) >= 2


async def test_the_courses_of_an_option_and_of_none(api: httpx.AsyncClient) -> None:
    found = (await api.get(f"{TALK}/courses")).json()
    assert found["option"] == (await api.get(TALK)).json()["chosen_option"]["id"]
    assert found["load"]["planned_rps"] > 0
    assert found["cost"]["ways"]
    assert found["waits"]["requests"] > 1000
    unknown = await api.get(f"{TALK}/courses", params={"option": "nothing"})
    assert (unknown.status_code, unknown.json()["field"]) == (422, "option")


@pytest.mark.parametrize(("form", "begins"), [("html", "<!doctype html>"), ("md", "# Plan for chatbot")])
async def test_reports_are_files(api: httpx.AsyncClient, form: str, begins: str) -> None:
    kept = await api.get(f"{TALK}/report", params={"form": form})
    fresh = await api.post("/v1/plan/report", params={"form": form}, json={"text": WORDS, "limit": 2})
    for answer in (kept, fresh):
        assert answer.status_code == 200
        assert answer.text.lstrip().startswith(begins)
        assert answer.headers["content-disposition"] == f'attachment; filename="plan.{form}"'
    assert (await api.get(f"{TALK}/report", params={"form": "pdf"})).status_code == 422


async def test_with_nothing_under_way_there_is_nothing_to_stop(api: httpx.AsyncClient) -> None:
    assert (await api.post(f"{TALK}/stop")).json() == {"stopping": False}
    assert (await api.post("/v1/sessions/unknown/stop")).status_code == 404
