"""Every price source against a server that speaks its wire format, with the faults that servers have.

None of these services was ever asked live: shapes come from public client code and documentation (docs/catalog.md).
"""

import json
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

import knowledge.connectors
from knowledge.connectors import CONNECTORS
from knowledge.connectors.protocol import Access, Connector, Fetched, Tier
from knowledge.connectors.transport import Transport
from knowledge.errors import BadInput, SextantError, Unavailable
from knowledge.snapshot import load
from tools.catalog.machines import accelerator_of
from tools.units import parse_unit

TODAY = date(2026, 11, 21)
BY_NAME = {connector.name: connector for connector in CONNECTORS}
OFFLINE = {"genai_prices", "folder"}
# One file per source: what it answers by path (a page each, the last again and again; {base} is the server's address)
# and what must come of it, name of the price -> USD.
WIRES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "data" / "price_wires").glob("*.json"))
}


def written(page: Any) -> str:
    """A page as the server writes it; `csv` holds the lines, `text` the whole of one that is no JSON."""
    match page:
        case {"csv": [*lines], **more} if not more:
            return "\n".join([*lines, ""])
        case {"text": str(text), **more} if not more:
            return text
    return json.dumps(page)


class Server:
    """A price service: pages by path, and faults that come before them as (status, body, headers)."""

    def __init__(self) -> None:
        self.pages: dict[str, list[Any]] = {}
        self.faults: list[tuple[int, str, dict[str, str]]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.etag = ""
        self._served: dict[str, int] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body, headers = server.answer(self.path, dict(self.headers))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.http.server_port}"

    def answer(self, target: str, headers: dict[str, str]) -> tuple[int, str, dict[str, str]]:
        self.asked.append((target, headers))
        if self.faults:
            return self.faults.pop(0)
        if self.etag and headers.get("If-None-Match") == self.etag:
            return 304, "", {}
        path = target.partition("?")[0]
        if path not in self.pages:
            return 404, "nothing here", {}
        served = self._served.get(path, 0)
        self._served[path] = served + 1
        page = self.pages[path][min(served, len(self.pages[path]) - 1)]
        return 200, written(page).replace("{base}", self.base), {"ETag": self.etag} if self.etag else {}


@pytest.fixture
def server() -> Iterator[Server]:
    service = Server()
    thread = Thread(target=service.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield service
    service.http.shutdown()
    service.http.server_close()
    thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def ask(server: Server, waits: list[float]) -> Iterator[Callable[..., Fetched]]:
    with httpx.Client(timeout=60, trust_env=False) as client:
        transport = Transport(client, waits.append)

        def fetch(connector: Connector, **known: Any) -> Fetched:
            access = Access(
                today=TODAY,
                gpu=accelerator_of(load()),
                keys=dict.fromkeys(BY_NAME, "secret"),
                base_urls={connector.name: server.base},
                regions={"aws": ("us-east-1",), "azure": ("eastus",)},
                **known,
            )
            return connector.fetch(transport, access)

        yield fetch


def test_list_files_and_names_agree() -> None:
    shared = {"__init__", "protocol", "sheet", "transport", "sellers", "aws_price_list"}
    files = {path.stem for path in Path(knowledge.connectors.__file__).parent.glob("*.py")} - shared
    assert files == set(BY_NAME)
    assert len(BY_NAME) == len(CONNECTORS)
    assert set(WIRES) == set(BY_NAME) - OFFLINE
    assert [connector.tier for connector in CONNECTORS] == sorted(connector.tier for connector in CONNECTORS)


@pytest.mark.parametrize("name", WIRES)
def test_a_source_is_read_page_by_page_into_priced_rows(name: str, server: Server, ask: Callable[..., Fetched]) -> None:
    server.pages = WIRES[name]["answers"]
    fetched = ask(BY_NAME[name])
    assert {offer.sku_key: offer.unit_price_usd for offer in fetched.offers} == pytest.approx(WIRES[name]["prices"])
    for offer in fetched.offers:
        assert offer.source_date == "2026-11-21"
        assert offer.source_url.startswith(server.base)
        assert offer.source_kind == name
        if offer.workload_type == "gpu":
            assert offer.model_key in load().accelerators
            assert offer.gpu_count
        else:
            parse_unit(offer.unit_name, offer.workload_type)


@pytest.mark.parametrize("name", WIRES)
def test_a_busy_and_a_failing_server_are_asked_again(
    name: str, server: Server, ask: Callable[..., Fetched], waits: list[float]
) -> None:
    server.pages = WIRES[name]["answers"]
    server.faults = [(429, "slow down", {"Retry-After": "7"}), (500, "oops", {}), (503, "oops", {})]
    fetched = ask(BY_NAME[name])
    assert {offer.sku_key for offer in fetched.offers} == set(WIRES[name]["prices"])
    assert waits == [7.0, 1.0, 2.0]


@pytest.mark.parametrize("name", WIRES)
def test_a_server_that_stays_down_is_an_error_with_its_name(
    name: str, server: Server, ask: Callable[..., Fetched], waits: list[float]
) -> None:
    server.faults = [(500, "oops", {})] * 10
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1.* did not answer: status 500"):
        ask(BY_NAME[name])
    assert len(waits) == 3


@pytest.mark.parametrize("name", WIRES)
def test_an_answer_that_breaks_off_is_no_answer(name: str, server: Server, ask: Callable[..., Fetched]) -> None:
    answers = WIRES[name]["answers"]
    server.pages = {path: [{"text": written(page)[:-40]} for page in pages] for path, pages in answers.items()}
    with pytest.raises(Unavailable, match=r"no whole JSON|breaks off"):
        ask(BY_NAME[name])


@pytest.mark.parametrize("name", WIRES)
def test_an_answer_of_another_shape_is_an_error_and_not_an_empty_list(
    name: str, server: Server, ask: Callable[..., Fetched]
) -> None:
    moved = {"csv": ["sku,price", "1,2"]} if name == "aws_ec2" else "moved to a new address"
    server.pages = {path: [moved] for path in WIRES[name]["answers"]}
    with pytest.raises((SextantError, AttributeError)):
        ask(BY_NAME[name])


def test_a_refused_key_is_not_tried_again(server: Server, ask: Callable[..., Fetched], waits: list[float]) -> None:
    server.faults = [(401, "no", {})] * 3
    with pytest.raises(Unavailable) as refused:
        ask(BY_NAME["together"])
    assert refused.value.cure == "check the key in the settings"
    assert waits == []


def test_keys_travel_where_each_service_wants_them(server: Server, ask: Callable[..., Fetched]) -> None:
    for name, header in (("together", "Bearer secret"), ("fal", "Key secret"), ("lambda_cloud", "Bearer secret")):
        server.pages = WIRES[name]["answers"]
        server.asked.clear()
        ask(BY_NAME[name])
        assert {headers.get("Authorization") for _, headers in server.asked} == {header}
    server.pages = WIRES["gcp"]["answers"]
    server.asked.clear()
    ask(BY_NAME["gcp"])
    assert all("key=secret" in target for target, _ in server.asked)


@pytest.mark.parametrize("name", ["litellm", "models_dev"])
def test_an_unchanged_feed_is_not_read_again(name: str, server: Server, ask: Callable[..., Fetched]) -> None:
    server.pages, server.etag = WIRES[name]["answers"], '"v1"'
    first = ask(BY_NAME[name])
    assert list(first.etags.values()) == ['"v1"']
    second = ask(BY_NAME[name], etags=first.etags)
    assert second.unchanged
    assert second.offers == ()


def test_what_no_price_is_skipped_with_its_reason(server: Server, ask: Callable[..., Fetched]) -> None:
    server.pages = WIRES["openrouter"]["answers"]
    why = {(skipped.what, skipped.why) for skipped in ask(BY_NAME["openrouter"]).skipped}
    assert ("router/auto", "input price of -1") in why
    assert ("maker/zero", "input price of 0") in why
    assert ("maker/zero", "output price is no number: 'a lot'") in why
    assert ("maker/none", "no prices") in why


def test_the_price_of_a_card_alone_is_marked(server: Server, ask: Callable[..., Fetched]) -> None:
    server.pages = WIRES["gcp"]["answers"]
    flags = {offer.sku_key: offer.flags for offer in ask(BY_NAME["gcp"]).offers}
    assert flags["gcp_gpu_l4_on_demand_instance_hour_us_central1"] == ("card_only",)
    assert flags["google_cloud_label_detection_per_unit_image_from_5000000"] == ("volume_tier",)


def test_measured_speed_comes_with_the_price(server: Server, ask: Callable[..., Fetched]) -> None:
    server.pages = WIRES["huggingface"]["answers"]
    offer = ask(BY_NAME["huggingface"]).offers[0]
    assert (offer.output_tok_s, offer.ttft_ms) == (92.1, 410)


def test_the_installed_package_is_a_source_without_a_network(ask: Callable[..., Fetched]) -> None:
    fetched = ask(BY_NAME["genai_prices"])
    assert len(fetched.offers) > 5000
    known = {offer.sku_key: offer for offer in fetched.offers}
    assert known["anthropic_claude_opus_4_6_per_token_input_1m_tokens"].unit_price_usd == 5.0
    assert any(offer.billing_mode == "batch" for offer in fetched.offers)


def test_negotiated_prices_come_from_a_folder(tmp_path: Path, ask: Callable[..., Fetched]) -> None:
    (tmp_path / "openai.csv").write_text(
        "﻿model_key,unit_price_usd,unit_name,direction\ngpt-5,0.9,1m_tokens,input\ngpt-5,cheap,1m_tokens,output\n"
    )
    (tmp_path / "aws.csv").write_text(
        "model_key,unit_price_usd,unit_name,workload_type,gpu_count,sku_name,region\n"
        "H100,30,instance_hour,gpu,8,p5.48xlarge,us-east-1\n"
    )
    fetched = ask(BY_NAME["folder"], folder=tmp_path)
    assert {offer.sku_key: (offer.unit_price_usd, offer.flags) for offer in fetched.offers} == {
        "openai_gpt_5_per_token_input_1m_tokens": (0.9, ("negotiated",)),
        "aws_p5_48xlarge_on_demand_instance_hour_us_east_1": (30.0, ("negotiated",)),
    }
    assert [(skipped.what, skipped.why) for skipped in fetched.skipped] == [
        ("openai.csv:3", "price 'cheap' of 'gpt-5'")
    ]
    assert BY_NAME["folder"].tier == max(Tier)


def test_a_price_file_without_a_needed_column_is_refused(tmp_path: Path, ask: Callable[..., Fetched]) -> None:
    (tmp_path / "openai.csv").write_text("model,price\ngpt-5,1\n")
    with pytest.raises(BadInput, match="no column model_key, unit_name, unit_price_usd"):
        ask(BY_NAME["folder"], folder=tmp_path)
