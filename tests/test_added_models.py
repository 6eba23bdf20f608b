"""Models from a hub: read as data, reviewed, approved, planned with; their code is never run."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from knowledge.connectors.transport import Transport
from knowledge.errors import BadInput, NotFound, StateUnusable, Unavailable
from knowledge.facts import ApiPrice, Instance, Model
from knowledge.loading import write_records
from knowledge.names import resolve_model
from knowledge.snapshot import Snapshot, load
from knowledge.store.database import open_store
from knowledge.store.models import FILE_NAME, approve_model, put_model, read_models, with_added_models
from tools.catalog.hub import read_model

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HUB = "https://hub.example"
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
}
PAGE = {
    "id": "acme/house-8b",
    "sha": "abc123",
    "gated": "manual",
    "createdAt": "2026-05-04T00:00:00.000Z",
    "cardData": {"license": "apache-2.0", "language": ["en", "de"]},
    "safetensors": {"total": 8_030_000_000},
    "siblings": [
        {"rfilename": "a.safetensors", "size": 8 * 1024**3},
        {"rfilename": "b.safetensors", "size": 7 * 1024**3},
        {"rfilename": "modeling_house.py", "size": 9},
    ],
}


def hub(page: Mapping[str, Any], config: Mapping[str, Any] | None, seen: list[httpx.Request]) -> Transport:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.path == "/api/models/acme/house-8b":
            return httpx.Response(200, json=page)
        if request.url.path == "/acme/house-8b/resolve/abc123/config.json" and config is not None:
            return httpx.Response(200, json=config)
        return httpx.Response(404)

    return Transport(httpx.Client(transport=httpx.MockTransport(answer)), lambda _: None)


@pytest.fixture
def read() -> Callable[..., Any]:
    def read_house(
        config: Mapping[str, Any] | None = CONFIG, name: str = "acme/house-8b", token: str | None = None
    ) -> Any:
        seen: list[httpx.Request] = []
        added = read_model(hub(PAGE, config, seen), HUB, name, at=NOW, token=token)
        return added, seen

    return read_house


def test_architecture_licence_and_size_are_read_from_the_hub(read: Callable[..., Any]) -> None:
    added, seen = read(token="secret")  # noqa: S106 - a word of this test
    model = added.model
    assert (model.layers, model.kv_heads, model.kv_bytes_per_token_bf16) == (32, 8, 131072)
    assert model.total_params_b == pytest.approx(8.03)
    assert (model.licence, model.gated, model.languages, model.checkpoint_gib) == (
        "apache-2.0",
        True,
        ("en", "de"),
        15.0,
    )
    assert (model.release_date, model.hf_architecture, model.verified) == ("2026-05-04", "LlamaForCausalLM", "no")
    assert (added.revision, added.needs_remote_code, added.approved) == ("abc123", False, False)
    assert {request.headers["Authorization"] for request in seen} == {"Bearer secret"}
    assert {request.url.path for request in seen} == {
        "/api/models/acme/house-8b",
        "/acme/house-8b/resolve/abc123/config.json",
    }


def test_a_model_with_code_of_its_own_is_marked_and_its_code_not_fetched(read: Callable[..., Any]) -> None:
    added, seen = read({**CONFIG, "auto_map": {"AutoModel": "modeling_house.House"}})
    assert added.needs_remote_code
    assert "needs code" in added.model.note
    assert not any(request.url.path.endswith(".py") for request in seen)


@pytest.mark.parametrize("name", ["house", "acme/", "a/b/c"])
def test_a_name_that_is_no_hub_id_is_refused(read: Callable[..., Any], name: str) -> None:
    with pytest.raises(BadInput, match="not a hub id"):
        read(name=name)


def test_an_unknown_model_is_named_by_the_hub(read: Callable[..., Any]) -> None:
    with pytest.raises(Unavailable, match="status 404") as missed:
        read(name="acme/other")
    assert missed.value.cure == "check the name and the address"


def test_a_config_without_an_architecture_is_refused(read: Callable[..., Any]) -> None:
    with pytest.raises(BadInput):
        read({"model_type": "mystery"})


def test_the_list_is_kept_and_a_model_is_approved_by_name(tmp_path: Path, read: Callable[..., Any]) -> None:
    added, _ = read()
    put_model(tmp_path, added)
    assert read_models(tmp_path) == (added,)
    approved = approve_model(tmp_path, "acme/house-8b", by="ada", at="2026-11-21T10:00:00Z", note="legal said yes")
    assert (approved.approved, approved.approved_by) == (True, "ada")
    assert read_models(tmp_path) == (approved,)
    put_model(tmp_path, added)  # read anew: the approval was of something else
    assert not read_models(tmp_path)[0].approved
    with pytest.raises(NotFound):
        approve_model(tmp_path, "acme/other", by="ada", at="")


def test_an_added_model_is_planned_with_at_once_and_makes_another_version(
    tmp_path: Path, read: Callable[..., Any]
) -> None:
    facts = load()
    assert with_added_models(facts, tmp_path) is facts
    added, _ = read()
    put_model(tmp_path, added)
    extended = with_added_models(facts, tmp_path)
    assert extended.version.startswith(f"{facts.version}+")
    assert resolve_model("acme/house-8b", extended) == "acme/house-8b"
    assert extended.accelerators == facts.accelerators
    assert "acme/house-8b" not in with_added_models(facts, tmp_path, approved_only=True).models


def test_an_added_model_leaves_the_prices_as_they_are(tmp_path: Path, read: Callable[..., Any]) -> None:
    data = tmp_path / "data"
    for name in ("api_prices", "api_prices_retired", "api_service_tiers"):
        write_records(data / f"{name}.csv.gz", ApiPrice, [])
    write_records(data / "instances.csv", Instance, [])
    write_records(data / "models.csv", Model, [])
    facts = Snapshot(data)
    with open_store(tmp_path, facts, now=NOW) as store:
        before = store.sources()
    put_model(tmp_path, read()[0])
    extended = with_added_models(facts, tmp_path)
    with open_store(tmp_path, extended, now=datetime(2026, 12, 1, tzinfo=UTC)) as store:
        assert store.sources() == before
    assert set(extended.models) == {"acme/house-8b"}


def test_a_damaged_list_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("[")
    with pytest.raises(StateUnusable, match=FILE_NAME):
        read_models(tmp_path)
    (tmp_path / FILE_NAME).write_text(json.dumps({"version": 99, "models": []}))
    with pytest.raises(StateUnusable, match="newer"):
        read_models(tmp_path)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("list",), 0, "approved by"),
        (("show", "acme/other"), 2, "unknown added model"),
        (("approve", "acme/other"), 2, "unknown added model"),
        (("add", "house"), 2, "not a hub id"),
    ],
)
def test_the_command_line_keeps_the_list(tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    program = "import sys; from ui.cli import main; sys.argv[0] = 'sextant'; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "models", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "SEXTANT_HOME": str(tmp_path)},
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert said in done.stdout + done.stderr
