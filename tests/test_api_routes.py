"""The HTTP API: the same answers as the command line, faults as problem+json, nothing that ends in 5xx."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ui.access import PasswordFile
from ui.api.application import application
from ui.api.guard import MAX_BODY_BYTES
from ui.opening import opened
from ui.settings import Settings

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
PROBLEM = "application/problem+json"
BILL = (
    b"date,provider,model,input_tokens,output_tokens,cost_usd\n"
    b"2026-10-01,openai,gpt-4o-mini,1000000,100000,0.21\n"
    b"2026-10-02,openai,gpt-4o-mini,2000000,200000,0.42\n"
)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    state = Settings(home=tmp_path)
    async with opened(time_factor=50, settings=state, tied=True) as door:
        transport = httpx.ASGITransport(application(door, state))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", timeout=120) as client:
            yield client


async def test_words_are_extracted_as_the_contract_has_it(api: httpx.AsyncClient) -> None:
    body = (await api.post("/v1/extract", json={"text": WORDS})).json()
    assert body["intent"]["total_users"] == 1000
    assert body["provenance"]["total_users"]["text"] == "1000 users"
    assert {"schema_version", "snapshot", "questions"} <= set(body)


async def test_words_and_the_intent_they_mean_lead_to_the_same_plan(api: httpx.AsyncClient) -> None:
    intent = (await api.post("/v1/extract", json={"text": WORDS})).json()["intent"]
    said, given_ = [(await api.post("/v1/plan", json=body)).json() for body in ({"text": WORDS}, {"intent": intent})]
    assert said["feasible"]
    assert said["options"] == given_["options"]
    assert said["lists"].keys() == {"balanced", "lowest_cost", "lowest_latency", "best_quality", "pareto"}


async def test_a_field_is_set_and_a_candidate_explained(api: httpx.AsyncClient) -> None:
    changed = {"text": WORDS, "set": {"total_users": 50}, "limit": 1, "why": "meta-llama/Llama-3.3-70B-Instruct"}
    body = (await api.post("/v1/plan", json=changed)).json()
    assert body["intent"]["total_users"] == 50
    assert body["candidate"]["model_id"] == "meta-llama/Llama-3.3-70B-Instruct"


async def test_a_need_that_nothing_meets_is_an_answer(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/plan", json={"text": "chatbot, 500 requests per second, under $20 a month"})
    assert answer.status_code == 200
    assert answer.json()["feasible"] is False
    assert answer.json()["rejected"]["nearest"]


async def test_two_plans_are_compared_field_by_field(api: httpx.AsyncClient) -> None:
    body = (await api.post("/v1/compare", json={"text": WORDS, "vs": {"total_users": 2000}})).json()
    rows = {row["field"]: row for row in body["difference"]}
    assert (rows["intent.total_users"]["before"], rows["intent.total_users"]["after"]) == (1000, 2000)
    assert body["before"]["feasible"]


async def test_a_configuration_is_predicted(api: httpx.AsyncClient) -> None:
    asked = {"model": "meta-llama/Llama-3.1-8B-Instruct", "gpu": "H100", "isl": 1000, "osl": 200, "concurrency": 16}
    body = (await api.post("/v1/predict", json=asked)).json()
    assert body["ttft_ms"]["p50"] <= body["ttft_ms"]["p90"] <= body["ttft_ms"]["p99"]
    assert body["evidence"]["kind"] in {"measured", "interpolated", "modelled"}
    assert body["fits"]
    large = (await api.post("/v1/predict", json={**asked, "model": "meta-llama/Llama-3.1-70B-Instruct"})).json()
    assert large["fits"] is False
    assert large["summary"].startswith("Does not fit: ")
    assert large["infeasible"]["nearest"]


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/v1/plan", {}, 422, "text"),
        ("/v1/plan", {"text": " "}, 422, "text"),
        ("/v1/plan", {"text": WORDS, "intent": {}}, 422, "text"),
        ("/v1/plan", {"intent": {"total_users": -1}}, 422, "total_users"),
        ("/v1/plan", {"intent": {"no_such_field": 1}}, 422, "no_such_field"),
        ("/v1/plan", {"text": WORDS, "set": {"budget.max_monthly_cost_usd": "lots"}}, 422,
         "budget.max_monthly_cost_usd"),
        ("/v1/plan", {"text": WORDS, "limit": 0}, 422, "limit"),
        ("/v1/plan", {"text": WORDS, "surprise": 1}, 422, "surprise"),
        ("/v1/compare", {"text": WORDS}, 422, "vs"),
        ("/v1/predict", {"model": "meta-llama/Llama-3.1-8B-Instruct", "gpu": "Z9000"}, 422, "gpu"),
        ("/v1/extract", {"text": "\ud800"}, 422, "text"),
    ],
)  # fmt: skip
async def test_a_fault_names_its_field(
    api: httpx.AsyncClient, path: str, body: dict[str, Any], status: int, field: str
) -> None:
    answer = await api.post(path, content=json.dumps(body), headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["field"] == field
    assert answer.json()["title"]


async def test_a_conversation_goes_from_words_to_an_edited_card(api: httpx.AsyncClient) -> None:
    path = f"/v1/sessions/{(await api.post('/v1/sessions')).json()['id']}"
    said = (await api.post(f"{path}/say", json={"text": WORDS})).json()
    assert said["awaiting"] == "review"
    assert {"said", "card", "options"} <= {event["type"] for event in said["events"]}
    edit = {"kind": "edit", "revision": said["revision"], "values": {"total_users": 2000}}
    edited = (await api.post(f"{path}/act", json=edit)).json()
    stale = await api.post(f"{path}/act", json=edit)
    assert stale.status_code == 409
    assert "out of date" in stale.json()["title"]
    shown = (await api.get(path)).json()
    assert shown["revision"] == edited["revision"]
    assert shown["intent"]["total_users"] == 2000
    assert shown["plan"]["options"]


async def test_events_arrive_as_a_stream_when_asked_for(api: httpx.AsyncClient) -> None:
    accept = {"accept": "text/event-stream"}
    answer = await api.post("/v1/sessions/s/say", json={"text": WORDS}, headers=accept)
    parts = [dict(line.split(": ", 1) for line in block.splitlines()) for block in answer.text.strip().split("\n\n")]
    assert [part["event"] for part in parts] == [json.loads(part["data"])["type"] for part in parts]
    assert parts[-1]["event"] == "options"
    refused = await api.post("/v1/sessions/s/act", json={"kind": "edit", "revision": 99}, headers=accept)
    assert refused.status_code == 409


@pytest.mark.usefixtures("priced_home")
async def test_prices_are_found_a_page_at_a_time(api: httpx.AsyncClient) -> None:
    first = (await api.get("/v1/catalog/search", params={"text": "llama", "limit": 2})).json()
    second = (await api.get("/v1/catalog/search", params={"text": "llama", "limit": 2, "offset": 2})).json()
    assert first["next_offset"] == 2
    assert first["total"] == second["total"] > 4
    assert not {offer["sku_key"] for offer in first["offers"]} & {offer["sku_key"] for offer in second["offers"]}
    ranked = await api.get("/v1/catalog/rank", params={"usage": ["input=300M tokens"], "limit": 3})
    assert [offer["rank"] for offer in ranked.json()["offers"]] == [1, 2, 3]
    sku = first["offers"][0]["sku_key"]
    assert (await api.get("/v1/catalog/show", params={"name": sku})).json()["offers"][0]["sku_key"] == sku
    assert (await api.get("/v1/catalog/history", params={"sku": sku})).status_code == 200
    assert (await api.get("/v1/catalog/rank", params={"workload": "cooking"})).status_code == 422
    assert (await api.get("/v1/catalog/show", params={"name": "nothing-like-it"})).status_code == 404


@pytest.mark.usefixtures("priced_home")
async def test_the_state_of_the_data_is_told(api: httpx.AsyncClient) -> None:
    body = (await api.get("/api/data/health")).json()
    assert body["facts"]["freshness"]
    assert body["catalog"]["offers"] > 1000


async def test_a_bill_is_accounted_for(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/invoices", files={"file": ("bill.csv", BILL)}, data={"lines": "true"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert len(body["lines"]) == 2
    assert body["totals"]
    page = await api.post("/v1/invoices", files={"file": ("bill.csv", BILL)}, data={"format": "html"})
    assert page.text.startswith("<!doctype html>")
    nothing = await api.post("/v1/invoices", files={"file": ("bill.csv", b"\x00\x01")})
    assert nothing.status_code == 422


async def test_operation_routes_answer(api: httpx.AsyncClient) -> None:
    await api.post("/v1/sessions/m/say", json={"text": WORDS})
    assert (await api.get("/healthz")).json() == {"status": "ok"}
    assert (await api.get("/readyz")).json()["snapshot"]
    assert 'sextant_turns_total{face="http",kind="say",outcome="done"} 1.0' in (await api.get("/metrics")).text
    assert (await api.get("/v1/deployments")).json()["deployments"] == []
    assert (await api.get("/v1/deployments/d-nothing")).status_code == 404
    assert (await api.get("/no/such/page")).headers["content-type"] == PROBLEM


async def test_every_body_of_the_openapi_page_has_an_example(api: httpx.AsyncClient) -> None:
    form = (await api.get("/openapi.json")).json()
    bodies = {name: schema for name, schema in form["components"]["schemas"].items() if "HTTP" not in name}
    for name in ("Say", "Act", "Message", "Planned", "Compared", "Configured"):
        assert any("examples" in entry for entry in bodies[name]["properties"].values()), name


async def test_the_page_for_people_shows_every_route_and_loads_nothing(api: httpx.AsyncClient) -> None:
    form, page = (await api.get("/openapi.json")).json(), (await api.get("/docs")).text
    for path in form["paths"]:
        assert path in page
    assert "1,000 users" in page
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


async def test_a_body_beyond_the_limit_is_refused(api: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 10_000 + 2):
            yield b" " * 10_000

    known = await api.post("/v1/extract", content=b" " * (MAX_BODY_BYTES + 1))
    unknown = await api.post("/v1/extract", content=endless(), headers={"content-type": "application/json"})
    assert (known.status_code, unknown.status_code) == (413, 413)
    assert unknown.headers["content-type"] == PROBLEM


async def test_a_foreign_host_name_is_refused_on_a_local_server(api: httpx.AsyncClient) -> None:
    assert (await api.get("/healthz", headers={"host": "evil.example"})).status_code == 421
    for host in ("localhost:8080", "[::1]:8080", "127.0.0.1"):
        assert (await api.get("/healthz", headers={"host": host})).status_code == 200


async def test_with_people_everybody_signs_in_and_sees_their_own(tmp_path: Path) -> None:
    people = PasswordFile(tmp_path / "people")
    people.add("ann", "correct horse battery")
    people.add("bob", "another long password")
    state = Settings(home=tmp_path)
    async with opened(time_factor=50, settings=state, tied=True) as door:
        transport = httpx.ASGITransport(application(door, state, people))
        async with httpx.AsyncClient(transport=transport, base_url="http://sextant.example", timeout=120) as client:
            ann, bob = ("ann", "correct horse battery"), ("bob", "another long password")
            assert (await client.post("/v1/sessions")).status_code == 401
            assert (await client.post("/v1/sessions", auth=("ann", "wrong"))).status_code == 401
            await client.post("/v1/sessions/t/say", json={"text": "hello"}, auth=ann)
            assert (await client.get("/v1/sessions/t", auth=ann)).status_code == 200
            assert (await client.get("/v1/sessions/t", auth=bob)).status_code == 404
            people.remove("bob")
            assert (await client.get("/v1/sessions/t", auth=bob)).status_code == 401


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("text", "intent", "set", "vs", "limit", "why", "model", "gpu", "tp", "isl", "osl", "rps", "kind", "revision")
INTENT = ("total_users", "expected_qps", "budget", "gpu_types", "context_length", "available_gpus", "regions",
          "target_ttft_p90_ms", "languages", "usage", "max_gpus", "preferred_models", "reliability_target")  # fmt: skip
BODIES = st.one_of(
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5),
    st.fixed_dictionaries({"intent": st.dictionaries(st.sampled_from(INTENT), JSON, max_size=4)}),
    st.fixed_dictionaries({"text": st.text(max_size=40), "vs": st.dictionaries(st.sampled_from(INTENT), JSON)}),
    st.fixed_dictionaries(
        {"model": st.just("meta-llama/Llama-3.1-8B-Instruct"), "gpu": st.sampled_from(["H100", "L4"])},
        optional={name: st.integers() | st.floats() for name in ("tp", "pp", "dp", "ep", "isl", "osl", "rps",
                                                               "concurrency", "replicas")},
    ),
    JSON,
)  # fmt: skip
PATHS = ("/v1/extract", "/v1/plan", "/v1/compare", "/v1/predict", "/v1/sessions/f/say", "/v1/sessions/f/act")


async def test_no_body_whatever_makes_the_server_fail(api: httpx.AsyncClient) -> None:
    loop = asyncio.get_running_loop()

    async def answered(sent: list[tuple[str, Any]]) -> list[int]:
        json_type = {"content-type": "application/json"}
        return [(await api.post(path, content=json.dumps(body), headers=json_type)).status_code for path, body in sent]

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    @given(st.lists(st.tuples(st.sampled_from(PATHS), BODIES), min_size=5, max_size=10))
    def check(sent: list[tuple[str, Any]]) -> None:
        statuses = asyncio.run_coroutine_threadsafe(answered(sent), loop).result()
        assert all(status < 500 for status in statuses), list(zip(statuses, sent, strict=True))

    await asyncio.to_thread(check)
