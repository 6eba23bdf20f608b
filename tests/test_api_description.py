"""The OpenAPI form: an example of every answer that a server really gave, every error, and nothing left unsaid."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator
from openapi_schema_validator import OAS31Validator

from ui.api.application import application
from ui.api.description import ERRORS, EXAMPLES, described
from ui.opening import opened
from ui.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
MODEL = "meta-llama/Llama-3.1-8B-Instruct"
BILL = b"date,provider,model,input_tokens,output_tokens,cost_usd\n2026-10-01,openai,gpt-4o-mini,1000000,100000,0.21\n"
FILES = {"/v1/catalog/export", "/v1/papers/{paper_id}"}
OF_INTENT = {"Intent", "AvailableGpu", "Budget", "DatacenterContext", "Unresolved", "Usage", "Problem"}
DEEPEST, LONGEST = 4, 120


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def form(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Any]]:
    home = Settings(home=tmp_path_factory.mktemp("described"))
    async with opened(time_factor=500, settings=home, tied=True) as door:
        yield described(application(door, home))


async def played(api: httpx.AsyncClient) -> AsyncIterator[tuple[str, httpx.Response]]:
    """Every route that answers in JSON, in an order in which each has something to answer."""

    async def post(path: str, url: str = "", **body: Any) -> tuple[str, httpx.Response]:
        return f"POST {path}", await api.post(url or path, **body)

    async def get(path: str, url: str = "", **params: Any) -> tuple[str, httpx.Response]:
        return f"GET {path}", await api.get(url or path, params=params)

    yield await post("/v1/extract", json={"text": WORDS})
    planned = await post("/v1/plan", json={"text": WORDS, "limit": 1})
    yield planned
    yield await post("/v1/compare", json={"text": WORDS, "vs": {"total_users": 2000}, "limit": 1})
    yield await post("/v1/predict", json={"model": MODEL, "gpu": "H100", "concurrency": 16})
    yield await get("/v1/catalog/rank", usage=["input=300M tokens", "output=60M tokens"], limit=1)
    found = await get("/v1/catalog/search", text="llama", limit=1)
    yield found
    sku = found[1].json()["offers"][0]["sku_key"]
    yield await get("/v1/catalog/show", name=sku)
    yield await get("/v1/catalog/history", sku=sku)
    yield await get("/v1/catalog/health")
    yield await get("/api/data/health")
    yield await post("/v1/invoices", files={"file": ("bill.csv", BILL)})
    talk = "/v1/sessions/support"
    yield await post("/v1/sessions")
    said = await post("/v1/sessions/{session_id}/say", f"{talk}/say", json={"text": WORDS})
    yield said
    edit = {"kind": "edit", "revision": said[1].json()["revision"], "values": {"total_users": 1200}}
    edited = await post("/v1/sessions/{session_id}/act", f"{talk}/act", json=edit)
    yield edited
    yield await get("/v1/sessions/{session_id}/manifests", f"{talk}/manifests")
    tried = {"revision": edited[1].json()["revision"], "values": {"total_users": 2400}}
    yield await post("/v1/sessions/{session_id}/what-if", f"{talk}/what-if", json=tried)
    yield await get("/v1/sessions/{session_id}/refinement", f"{talk}/refinement")
    yield await get("/v1/sessions/{session_id}/courses", f"{talk}/courses")
    yield await post("/v1/sessions/{session_id}/stop", f"{talk}/stop")
    approve = {"kind": "approve", "revision": edited[1].json()["revision"]}
    assert (await api.post(f"{talk}/act", json=approve)).status_code == 200
    yield await post("/v1/sessions/{session_id}/try", f"{talk}/try", json={"prompt": "How do I reset my password?"})
    yield await get("/v1/sessions")
    yield await get("/v1/sessions/{session_id}", talk)
    yield await get("/v1/sessions/{session_id}/history", f"{talk}/history")
    wish = {"text": WORDS, "option": planned[1].json()["lists"]["balanced"][0], "limit": 1}
    made = await post("/v1/deployments", json=wish)
    yield made
    it = f"/v1/deployments/{made[1].json()['deployment']['deployment_id']}"
    yield await get("/v1/deployments/{deployment_id}", it)
    yield await post("/v1/deployments/{deployment_id}/validate", f"{it}/validate")
    yield await get("/v1/deployments")
    yield await get("/v1/outcomes")
    yield await post("/v1/deployments/{deployment_id}/rollback", f"{it}/rollback")
    yield await get("/v1/audit")
    yield await get("/healthz")
    yield await get("/readyz")


def abridged(value: Any, depth: int = 0) -> Any:
    """What an answer looks like: the first of every list, without what is unset, deep or long."""
    if isinstance(value, dict):
        known = {name: each for name, each in value.items() if each is not None or depth == 0}
        return {} if depth >= DEEPEST else {name: abridged(each, depth + 1) for name, each in known.items()}
    if isinstance(value, list):
        return [abridged(each, depth + 1) for each in value[:1]] if depth < DEEPEST else []
    return value[:LONGEST] if isinstance(value, str) else value


async def test_examples_are_what_a_server_answers(priced_home: Path, update_golden: bool) -> None:
    home = Settings(home=priced_home)
    async with opened(time_factor=500, settings=home, tied=True) as door:
        transport = httpx.ASGITransport(application(door, home))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=300) as api:
            answers = {route: answer async for route, answer in played(api)}
    assert {route: answer.status_code for route, answer in answers.items() if answer.is_error} == {}
    given = {route: abridged(answer.json()) for route, answer in answers.items()}
    if update_golden:
        EXAMPLES.write_text(json.dumps(given, indent=1, ensure_ascii=False) + "\n")
    kept = json.loads(EXAMPLES.read_text())
    told, shown = ({route: sorted(body) for route, body in each.items()} for each in (given, kept))
    assert told == shown


async def test_every_answer_and_every_error_has_an_example(form: dict[str, Any]) -> None:
    for path, methods in form["paths"].items():
        for method, route in methods.items():
            (success,) = (status for status in route["responses"] if status.startswith("2"))
            content = route["responses"][success].get("content", {})
            if success != "204" and "application/json" in content and path not in FILES:
                assert content["application/json"].get("example"), f"{method} {path}"
            for status in set(route["responses"]) - {success}:
                assert route["responses"][status] == {"$ref": f"#/components/responses/Problem{status}"}
    for status in ERRORS:
        (content,) = form["components"]["responses"][f"Problem{status}"]["content"].values()
        Draft202012Validator(form["components"]["schemas"]["Problem"]).validate(content["example"])


async def test_every_field_of_a_body_is_described(form: dict[str, Any]) -> None:
    for name, schema in form["components"]["schemas"].items():
        if name in OF_INTENT:  # named with their units
            continue
        for field, each in schema.get("properties", {}).items():
            assert each.get("description"), f"{name}: {field}"


async def test_every_example_of_a_body_fits_its_schema(form: dict[str, Any]) -> None:
    schemas = form["components"]["schemas"]
    for path, methods in form["paths"].items():
        body = methods.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json")
        if body is None:
            continue
        schema = schemas[body["schema"]["$ref"].rpartition("/")[2]]
        examples = {name: each["examples"][0] for name, each in schema["properties"].items() if each.get("examples")}
        assert examples, path
        OAS31Validator(schema).validate({name: value for name, value in examples.items() if value is not None})


async def test_everything_is_described(form: dict[str, Any]) -> None:
    names = [route["operationId"] for methods in form["paths"].values() for route in methods.values()]
    assert len(set(names)) == len(names)
    for path, methods in form["paths"].items():
        for method, route in methods.items():
            for each in route.get("parameters", ()):
                assert each.get("description"), f"{method} {path}: {each['name']}"
            assert route.get("description"), f"{method} {path}"
            assert route.get("tags"), f"{method} {path}"
            assert (method == "post") == any(each["name"] == "Idempotency-Key" for each in route.get("parameters", ()))
