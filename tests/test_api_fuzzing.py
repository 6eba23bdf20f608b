"""The whole API fuzzed from its own description: whatever is sent, the answer is one that the description knows."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from knowledge.errors import Conflict
from knowledge.records import NewDeployment
from tools.deploy.local import LocalTarget
from ui.api.application import application
from ui.opening import opened
from ui.settings import Settings

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
TAGS = ("planning", "catalog", "invoices", "sessions", "deployments", "operation")
PLENTY = {"person": "9999999/minute", "address": "9999999/minute", "failed": "9999999/minute"}
WITH_BODY, WITHOUT, FEW = 8, 5, 2
SLOW = {
    "/v1/catalog/export", "/v1/catalog/rank", "/v1/compare", "/v1/plan/report", "/v1/sessions/{session_id}/report",
    "/v1/sessions/{session_id}/manifests",
}  # fmt: skip
BASE = "http://localhost"


@dataclass(frozen=True, slots=True)
class Server:
    """An application in this process, and the names of what is there to be found."""

    run: asyncio.Runner
    client: httpx.AsyncClient
    schema: Any
    known: dict[str, str]

    def answer(self, case: Case[Any]) -> httpx.Response:
        sent = requests.Request(**case.as_transport_kwargs(base_url=BASE)).prepare()
        body: Any = sent.body.encode() if isinstance(sent.body, str) else sent.body
        headers = [(name.encode("latin-1"), _bytes(value)) for name, value in sent.headers.items()
                   if name.lower() != "authorization"]  # fmt: skip  # made-up ones would all end at the door
        return self.run.run(self.client.request(str(sent.method), str(sent.url), headers=headers, content=body))


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("latin-1", "replace")


def nearly(case: Case[Any], example: dict[str, Any], place: int) -> Case[Any]:
    """A request as the documentation shows it, with at most one field made up."""
    body: Any = case.body
    made_up = [*sorted(body), None] if isinstance(body, dict) else [None]
    name = made_up[place % len(made_up)]
    case.headers.pop("Idempotency-Key", None)  # a made-up key comes up twice
    case.body = example if name is None else {**example, name: body[name]}
    return case


def example_of(operation: Any, server: Server) -> dict[str, Any] | None:
    """The body that the documentation shows; None where there is no JSON body."""
    content = operation.definition.raw.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    name = content["schema"]["$ref"].rpartition("/")[2]
    fields = server.schema.raw_schema["components"]["schemas"][name]["properties"]
    shown = {name: each["examples"][0] for name, each in fields.items() if each.get("examples")}
    return {name: value for name, value in shown.items() if value is not None}


def full(*_: object, **__: object) -> None:
    """A target that has no room: fuzzing starts no processes."""
    raise Conflict("there is no room for a deployment", "roll one back")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, put_prices: Callable[[Path], Path]) -> Iterator[Server]:
    home = Settings(home=put_prices(tmp_path_factory.mktemp("fuzzed")), limits=PLENTY)
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as run:
        patch.setattr(LocalTarget, "apply", full)
        stack = AsyncExitStack()
        door = run.run(stack.enter_async_context(opened(time_factor=500, settings=home, tied=True)))
        app = application(door, home)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = run.run(stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=BASE, timeout=120)))
        run.run(client.post("/v1/sessions/talk/say", json={"text": WORDS}))
        records = door.context.records
        made = records.deployments.reserve(
            NewDeployment(
                owner="local", thread="talk", plan_hash="0" * 64, target="local", spec={"model_id": "m"}, model_id="m",
                gpu_type="NVIDIA-L4-24GB", gpu_count=1, engine="vllm-simulator", time_factor=5.0, monthly_cost_usd=1.0,
                snapshot="s",
            )
        )  # fmt: skip
        paper = records.papers.put(owner="local", thread="talk", name="a.html", media_type="text/html", text="<p>")
        known = {"session_id": "talk", "deployment_id": made.deployment_id, "paper_id": paper.paper_id}
        yield Server(run, client, schemathesis.openapi.from_dict(app.openapi()), known)
        run.run(stack.aclose())


def operations(server: Server, tag: str) -> list[Any]:
    found = [result.ok() for result in server.schema.get_all_operations()]
    return [each for each in found if tag in each.definition.raw["tags"]]


@pytest.mark.parametrize("tag", TAGS)
def test_whatever_is_sent_is_answered_as_described(server: Server, tag: str) -> None:
    chosen = operations(server, tag)
    assert chosen
    for operation in chosen:
        names = {name: value for name, value in server.known.items() if f"{{{name}}}" in operation.path}
        example = example_of(operation, server)
        named = {"path_parameters": names} if names else {}
        positive = operation.as_strategy(GenerationMode.POSITIVE, **named)
        cases, asks = [positive], {"parameters", "requestBody"} & set(operation.definition.raw)
        if asks:
            cases.append(operation.as_strategy(GenerationMode.NEGATIVE))
        if example:
            cases += [st.builds(nearly, positive, st.just(example), st.integers(0, 20))] * 2
        usual = FEW if operation.path in SLOW else WITH_BODY if operation.body else WITHOUT
        examples = usual if asks else 1  # the same request twice proves nothing

        @seed(20261121)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.one_of(cases))
        def check(case: Case[Any]) -> None:
            case.validate_response(server.answer(case), checks=CHECKS)

        check()


def test_every_operation_has_a_tag_that_is_fuzzed(server: Server) -> None:
    tagged = [each for tag in TAGS for each in operations(server, tag)]
    assert len(tagged) == len([*server.schema.get_all_operations()])
