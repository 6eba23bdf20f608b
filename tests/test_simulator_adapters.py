"""LoRA adapters on the simulator: named at the start or at run time, listed, asked for, and seen in the metrics."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families

from knowledge.errors import BadInput
from tools.simulator.adapters import Adapter, read_adapters
from tools.simulator.tokens import block_hashes

SEXTANT = str(Path(sys.executable).with_name("sextant"))

StartSimulator = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="module")
def url(start_simulator: StartSimulator) -> Iterator[str]:
    flags = ["--lora-modules", "sql=/adapters/sql", "--max-loras", "4", "--max-num-seqs", "1"]
    with start_simulator("--model", "base", "--ttft-ms", "2", "--tpot-ms", "1", *flags) as address:
        yield address


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        yield client


def change(url: str, what: str, **body: Any) -> tuple[int, str]:
    answer = httpx.post(f"{url}/v1/{what}_lora_adapter", json=body)
    if answer.status_code == 200:
        return 200, answer.text
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    return answer.status_code, f"{error['type']}: {error['message']}"


def adapters_in_use(url: str, client: httpx.Client) -> dict[str, str]:
    families = text_string_to_metric_families(client.get(f"{url}/metrics").text)
    (sample,) = next(family for family in families if family.name == "vllm:lora_requests_info").samples
    assert sample.value > 1.7e9  # a time
    return sample.labels


def test_an_adapter_is_listed_with_its_parent_and_answers_by_its_name(url: str, client: openai.OpenAI) -> None:
    base, sql = httpx.get(f"{url}/v1/models").json()["data"]
    assert (base["id"], base["parent"]) == ("base", None)
    assert (sql["id"], sql["root"], sql["parent"]) == ("sql", "/adapters/sql", "base")
    messages: Any = [{"role": "user", "content": "hi"}]
    assert client.chat.completions.create(model="sql", messages=messages, max_tokens=2).model == "sql"
    assert client.chat.completions.create(model="base", messages=messages, max_tokens=2).model == "base"
    assert [chunk.model for chunk in client.completions.create(model="sql", prompt="x", max_tokens=1, stream=True)] == [
        "sql"
    ]
    assert client.responses.create(model="sql", input="hi", max_output_tokens=2).model == "sql"
    assert client.embeddings.create(model="sql", input="hi", dimensions=4).model == "sql"


def test_adapters_come_and_go_while_the_server_runs(url: str, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="`late` does not exist"):
        client.completions.create(model="late", prompt="x")
    loaded = change(url, "load", lora_name="late", lora_path="/adapters/late")
    assert loaded == (200, "Success: LoRA adapter 'late' added successfully.")
    assert client.completions.create(model="late", prompt="x", max_tokens=1).model == "late"
    status, message = change(url, "load", lora_name="late", lora_path="/elsewhere")
    assert status == 400
    assert message.startswith("InvalidUserInput: The lora adapter 'late' has already been loaded. If you want to load")
    assert change(url, "load", lora_name="late", lora_path="/elsewhere", load_inplace=True)[0] == 200
    roots = {model["id"]: model["root"] for model in httpx.get(f"{url}/v1/models").json()["data"]}
    assert roots["late"] == "/elsewhere"
    unloaded = change(url, "unload", lora_name="late")
    assert unloaded == (200, "Success: LoRA adapter 'late' removed successfully.")
    assert change(url, "unload", lora_name="late") == (
        404,
        "NotFoundError: The lora adapter 'late' cannot be found.",
    )
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="late", prompt="x")


@pytest.mark.parametrize(
    ("what", "body", "message"),
    [
        ("load", {"lora_name": "", "lora_path": "x"}, "Both 'lora_name' and 'lora_path' must be provided."),
        ("load", {"lora_name": "x", "lora_path": ""}, "Both 'lora_name' and 'lora_path' must be provided."),
        ("load", {"lora_name": "x"}, "lora_path: Field required"),
        ("load", {"lora_name": 3, "lora_path": "x"}, "lora_name"),
        ("unload", {"lora_name": ""}, "'lora_name' needs to be provided to unload a LoRA adapter."),
        ("unload", {}, "lora_name: Field required"),
    ],
)
def test_changes_that_make_no_sense_are_refused(url: str, what: str, body: dict[str, Any], message: str) -> None:
    status, said = change(url, what, **body)
    assert status == 400
    assert message in said


def test_the_metrics_name_the_adapters_that_run_and_wait(url: str) -> None:
    change(url, "load", lora_name="second", lora_path="/adapters/second")
    slow = {"prompt": "x", "max_tokens": 30_000, "ignore_eos": True, "stream": True}
    with (
        httpx.Client(timeout=60) as client,
        client.stream("POST", f"{url}/v1/completions", json={**slow, "model": "sql"}),
        client.stream("POST", f"{url}/v1/completions", json={**slow, "model": "second"}),
    ):
        for _ in range(1000):
            labels = adapters_in_use(url, client)
            if labels["waiting_lora_adapters"]:
                break
    assert labels == {"max_lora": "4", "running_lora_adapters": "sql", "waiting_lora_adapters": "second"}


def test_an_adapter_shares_no_cached_prefix_with_the_base_model() -> None:
    pieces = ["word"] * 40
    plain, tuned = block_hashes(pieces, 16), block_hashes(pieces, 16, "sql")
    assert len(plain) == len(tuned) == 2
    assert not set(plain) & set(tuned)
    assert tuned == block_hashes(pieces, 16, "sql")


def test_modules_are_read_as_the_engine_reads_them() -> None:
    given = ("a=/x", '{"name": "b", "path": "/y", "base_model_name": "other"}')
    assert read_adapters(given, ("base",)) == (Adapter("a", "/x"), Adapter("b", "/y", "other"))


@pytest.mark.parametrize("module", ["a", "a=", "=x", "a=b=c", "{", "{}", '{"name": 3, "path": "/y"}', "[]", ""])
def test_modules_that_make_no_sense_are_named(module: str) -> None:
    with pytest.raises(BadInput, match=r"lora-modules: .* is neither name=path nor JSON"):
        read_adapters((module,), ("base",))


@pytest.mark.parametrize("modules", [("a=/x", "a=/y"), ("base=/x",)])
def test_a_name_can_be_taken_once(modules: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="is already taken"):
        read_adapters(modules, ("base",))
