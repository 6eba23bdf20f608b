"""A sync: a failing source holds back no other, and what is hard to believe waits for a person."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.errors import Unavailable
from knowledge.facts import ApiPrice, Instance
from knowledge.loading import write_records
from knowledge.snapshot import Snapshot
from knowledge.store.database import Store, open_store
from knowledge.store.offer import Offer, sku_key
from tools.catalog.sync import SourceReport, sync

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
Read = Callable[[Connector, Http, Access], Fetched]


def offer(model: str, usd: float, provider: str = "shop") -> Offer:
    return Offer(
        provider=provider,
        workload_type="llm",
        sku_key=sku_key(provider, model, "per_token", "input", "1m_tokens"),
        sku_name=model,
        model_key=model,
        model_slug=model,
        billing_mode="per_token",
        direction="input",
        unit_price_usd=usd,
        unit_name="1m_tokens",
        region="global",
        source_date="2026-11-21",
        source_url="https://example.com",
        source_kind="shop",
        confidence="official",
    )


def connector(
    offers: Sequence[Offer],
    name: str = "shop",
    tier: Tier = Tier.LIVE,
    key: str | None = None,
    *,
    complete: bool = True,
) -> Connector:
    return Connector(name, tier, "LLM", "", key, lambda *_: Fetched(tuple(offers), complete=complete))


def failing(error: Exception, name: str = "broken") -> Connector:
    def read(*_: object) -> Fetched:
        raise error

    return Connector(name, Tier.LIVE, "LLM", "", None, read)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    folder = tmp_path / "data"
    for name in ("api_prices", "api_prices_retired", "api_service_tiers"):
        write_records(folder / f"{name}.csv.gz", ApiPrice, [])
    write_records(folder / "instances.csv", Instance, [])
    with open_store(tmp_path / "home", Snapshot(folder), now=NOW) as opened:
        yield opened


@pytest.fixture
def run(store: Store) -> Callable[..., list[SourceReport]]:
    def sync_now(*connectors: Connector, confirm: bool = False) -> list[SourceReport]:
        access = Access(today=date(2026, 11, 21), gpu=lambda _: (None, None))
        return sync(store, connectors, None, access, now=lambda: NOW, confirm=confirm)  # type: ignore[arg-type]

    return sync_now


def prices(store: Store) -> dict[str, float]:
    return {row.model_key: row.unit_price_usd for row in store.offers()}


def catalogue(count: int = 20, usd: float = 1.0) -> list[Offer]:
    return [offer(f"model-{place}", usd + place / 100) for place in range(count)]


Run = Callable[..., list[SourceReport]]


def test_a_failing_source_holds_back_no_other_and_loses_no_row(store: Store, run: Run) -> None:
    run(connector(catalogue(), "broken"))
    reports = run(failing(Unavailable("broken did not answer: status 500")), connector([offer("new", 2.0)]))
    assert [(report.name, report.outcome) for report in reports] == [("broken", "failed"), ("shop", "merged")]
    assert len(prices(store)) == 21
    state = {source.origin: source for source in store.sources()}["broken"]
    assert (state.outcome, state.detail, state.last_success) == (
        "failed",
        "broken did not answer: status 500",
        "2026-11-21T09:00:00Z",
    )


@pytest.mark.parametrize("error", [KeyError("pricing"), AttributeError("get"), TypeError("str"), ValueError("x")])
def test_an_answer_that_a_connector_did_not_foresee_is_a_failure_of_that_source(run: Run, error: Exception) -> None:
    (report,) = run(failing(error))
    assert report.outcome == "failed"
    assert "another shape" in report.detail


def test_a_source_without_its_key_is_passed_over(store: Store, run: Run) -> None:
    (report,) = run(connector(catalogue(), key="together"))
    assert (report.outcome, report.empty) == ("no key", True)
    assert prices(store) == {}


def test_an_empty_list_is_a_failure_and_removes_nothing(store: Store, run: Run) -> None:
    run(connector(catalogue()))
    (report,) = run(connector([]))
    assert report.outcome == "failed"
    assert report.empty
    assert len(prices(store)) == 20


def test_losing_a_fifth_of_the_prices_waits_for_confirmation(store: Store, run: Run) -> None:
    run(connector(catalogue()))
    (report,) = run(connector(catalogue(15)))
    assert (report.outcome, report.detail) == ("held", "would remove 5 of 20 prices")
    assert len(prices(store)) == 20
    (report,) = run(connector(catalogue(15)), confirm=True)
    assert (report.outcome, report.removed) == ("merged", 5)
    assert len(prices(store)) == 15


def test_losing_a_few_prices_does_not(run: Run) -> None:
    run(connector(catalogue()))
    (report,) = run(connector(catalogue(17)))
    assert (report.outcome, report.removed) == ("merged", 3)


def test_moving_many_prices_at_once_waits_for_confirmation(store: Store, run: Run) -> None:
    run(connector(catalogue()))
    dearer = [replace(one, unit_price_usd=one.unit_price_usd * 1.5) for one in catalogue()]
    (report,) = run(connector(dearer))
    assert (report.outcome, report.detail) == ("held", "would move 20 of 20 prices by more than 30 %")
    assert prices(store)["model-0"] == 1.0


def test_a_single_jump_is_held_and_the_rest_goes_in(store: Store, run: Run) -> None:
    run(connector(catalogue()))
    jumped = [*catalogue()[1:], offer("model-0", 12.0), offer("model-new", 3.0)]
    (report,) = run(connector(jumped))
    assert (report.outcome, report.added, report.removed) == ("merged", 1, 0)
    assert [(found.offer.model_key, found.why) for found in report.held] == [("model-0", "was 1 USD, is 12")]
    assert prices(store)["model-0"] == 1.0
    run(connector(jumped), confirm=True)
    assert prices(store)["model-0"] == 12.0


def test_a_mistake_of_unit_is_spotted_by_what_others_ask(store: Store, run: Run) -> None:
    for place, name in enumerate(("a", "b", "c")):
        run(connector([offer("llama-70b", 0.8 + place / 10, provider=name)], name))
    (report,) = run(connector([offer("llama-70b", 0.0009)]))
    assert [found.why for found in report.refused] == ["0.0009 USD per 1m_tokens is outside 0.002 to 1500"]
    (report,) = run(connector([offer("llama-70b", 900.0)]))
    assert [found.why for found in report.held] == [
        "900 USD per 1m_tokens, others ask 0.9: off by about 1,000, a mistake of unit"
    ]
    assert {row.provider for row in store.offers(model_key="llama-70b")} == {"a", "b", "c"}


@pytest.mark.parametrize(("usd", "why"), [(0.0, "a price of zero"), (-1.0, "negative price"), (5e6, "is outside")])
def test_no_confirmation_lets_in_what_cannot_be(store: Store, run: Run, usd: float, why: str) -> None:
    (report,) = run(connector([offer("wrong", usd), offer("right", 1.0)]), confirm=True)
    assert why in report.refused[0].why
    assert prices(store) == {"right": 1.0}


def test_a_partial_sync_touches_only_its_own_source(store: Store, run: Run) -> None:
    run(connector(catalogue(), "one"), connector([offer("other", 1.0)], "two"))
    run(connector([offer("other", 1.1)], "two"))
    assert len(prices(store)) == 21


def test_negotiated_prices_are_not_questioned(store: Store, run: Run) -> None:
    run(connector(catalogue()))
    run(connector([offer("model-0", 0.05)], "folder", Tier.NEGOTIATED))
    assert prices(store)["model-0"] == 0.05
