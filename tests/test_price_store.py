"""The price store: built once, layered by source, its history only ever appended, never half-written."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from shutil import copy
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.errors import StateUnusable
from knowledge.facts import ApiPrice, Instance
from knowledge.loading import write_records
from knowledge.snapshot import Snapshot
from knowledge.store import schema
from knowledge.store.database import FILE_NAME, Store, open_store
from knowledge.store.offer import Offer, sku_key

DAY_1 = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY_2 = datetime(2026, 11, 22, 9, tzinfo=UTC)
DAY_9 = datetime(2026, 11, 29, 9, tzinfo=UTC)
LIVE, FEED, NEGOTIATED = 3, 1, 4


def offer(model: str = "gpt-5", usd: float = 1.25, **more: object) -> Offer:
    base = Offer(
        provider="openai",
        workload_type="llm",
        sku_key=sku_key("openai", model, "per_token", "input", "1m_tokens"),
        sku_name=model,
        model_key=model,
        model_slug=model,
        billing_mode="per_token",
        direction="input",
        unit_price_usd=usd,
        unit_name="1m_tokens",
        region="global",
        source_date="2026-11-21",
        source_url="https://example.com/prices",
        source_kind="live",
        confidence="aggregated",
    )
    return replace(base, **more)  # type: ignore[arg-type]


def bundled(model: str, usd: float, **more: object) -> ApiPrice:
    shown = offer(model, usd)
    fields = {name: getattr(shown, name) for name in ApiPrice.__slots__ if hasattr(shown, name)}
    return ApiPrice(**{**fields, "source_date": "2026-11-12", "source_kind": "litellm", **more})


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    folder = tmp_path / "data"
    write_records(folder / "api_prices.csv.gz", ApiPrice, [bundled("gpt-5", 1.25), bundled("gpt-4", 30.0)])
    write_records(
        folder / "api_prices_retired.csv.gz", ApiPrice, [bundled("gpt-3", 20.0, flags=("retired:2024-01-04",))]
    )
    write_records(folder / "api_service_tiers.csv.gz", ApiPrice, [])
    machine = Instance(
        cloud="aws",
        region="us-east-1",
        instance_type="p5.48xlarge",
        gpu_type="NVIDIA-H100-80GB-SXM",
        gpu_count=8,
        vcpus=192,
        memory_gb=2048,
        on_demand_usd_per_hour=55.04,
        spot_usd_per_hour=20.0,
        reserved_1y_usd_per_hour=None,
        reserved_3y_usd_per_hour=None,
        source_date="2026-07-20",
        source_url="https://example.com/ec2",
        source_kind="karpenter_static",
        confidence="aggregated",
        notes="",
    )
    write_records(folder / "instances.csv", Instance, [machine])
    return Snapshot(folder)


@pytest.fixture
def store(tmp_path: Path, snapshot: Snapshot) -> Iterator[Store]:
    with open_store(tmp_path / "home", snapshot, now=DAY_1) as opened:
        yield opened


def prices(store: Store) -> dict[str, float]:
    return {row.model_key: row.unit_price_usd for row in store.offers(workload_type="llm")}


def test_it_is_built_from_the_bundled_facts_at_first_use(store: Store) -> None:
    assert prices(store) == {"gpt-5": 1.25, "gpt-4": 30.0, "gpt-3": 20.0}
    machines = {row.billing_mode: row for row in store.offers(workload_type="gpu")}
    assert set(machines) == {"on_demand", "spot"}
    assert (machines["spot"].unit_price_usd, machines["spot"].gpu_count) == (20.0, 8)
    assert all(row.last_verified is None for row in store.offers())
    assert [(source.origin, source.rows) for source in store.sources()] == [("bundled", 5)]
    assert not list(store.path.parent.glob("*.unfinished"))


def test_a_source_overrides_weaker_ones_and_says_where_they_differ(store: Store) -> None:
    before = store.digest
    changes = store.merge("live", LIVE, [offer(usd=1.5), offer("gpt-6", 5.0)], DAY_1, complete=True)
    assert (changes.added, changes.removed, changes.changed) == (2, 0, ())
    shown = store.offers(model_key="gpt-5")
    assert [(row.unit_price_usd, row.flags, row.last_verified) for row in shown] == [
        (1.5, ("differs:litellm=1.25",), "2026-11-21")
    ]
    assert [(origin, row.unit_price_usd, on) for origin, row, on in store.layers(shown[0].sku_key)] == [
        ("live", 1.5, True),
        ("bundled", 1.25, False),
    ]
    assert store.digest != before


def test_sources_that_agree_confirm_one_another(store: Store) -> None:
    store.merge("live", LIVE, [offer(usd=1.255)], DAY_1, complete=True)
    (shown,) = store.offers(model_key="gpt-5")
    assert (shown.confidence, shown.corroborated_by, shown.flags) == ("official", ("litellm",), ())


def test_a_source_does_not_confirm_itself(store: Store) -> None:
    store.merge("litellm", FEED, [offer(usd=1.25, source_kind="litellm")], DAY_1, complete=True)
    (shown,) = store.offers(model_key="gpt-5")
    assert (shown.confidence, shown.corroborated_by) == ("aggregated", ())


def test_what_a_bundled_row_remembers_of_others_is_weighed_anew(tmp_path: Path, snapshot: Snapshot) -> None:
    remembered = bundled("gpt-5", 1.25, corroborated_by=("llm_prices",), flags=("differs:models_dev=1.5", "conflict"))
    write_records(snapshot.directory / "api_prices.csv.gz", ApiPrice, [remembered])
    with open_store(tmp_path / "home", Snapshot(snapshot.directory), now=DAY_1) as store:
        store.merge("live", LIVE, [offer(usd=1.5)], DAY_1, complete=True)
        (shown,) = store.offers(model_key="gpt-5")
        assert shown.corroborated_by == ("models_dev",)
        assert shown.flags == ("differs:litellm=1.25", "differs:llm_prices=1.25")


def test_the_end_of_a_model_is_known_whoever_says_it(store: Store) -> None:
    store.merge("live", LIVE, [offer("gpt-3", 20.0)], DAY_1, complete=True)
    assert store.offers(model_key="gpt-3")[0].flags == ("retired:2024-01-04",)


def test_negotiated_prices_win_however_old(store: Store) -> None:
    store.merge("folder", NEGOTIATED, [offer(usd=0.9, source_date="2025-01-01")], DAY_1, complete=True)
    store.merge("live", LIVE, [offer(usd=1.5)], DAY_1, complete=True)
    assert prices(store)["gpt-5"] == 0.9


def test_a_strong_source_that_has_grown_stale_gives_way(store: Store) -> None:
    store.merge("live", LIVE, [offer(usd=1.5, source_date="2026-10-01")], DAY_1, complete=True)
    assert prices(store)["gpt-5"] == 1.25


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.dictionaries(
        st.sampled_from(["feed", "other feed", "live", "folder"]),
        st.dictionaries(
            st.sampled_from(["gpt-5", "gpt-4", "gpt-7"]), st.sampled_from([1.0, 1.25, 1.26, 2.0]), min_size=1
        ),
        min_size=2,
    ),
    order=st.randoms(use_true_random=False),
)
def test_the_order_in_which_sources_are_asked_decides_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    snapshot: Snapshot,
    said: dict[str, dict[str, float]],
    order: Random,
) -> None:
    tiers = {"feed": 1, "other feed": 1, "live": 3, "folder": 4}

    def digest(names: list[str]) -> tuple[str, list[Offer]]:
        with open_store(tmp_path_factory.mktemp("home"), snapshot, now=DAY_1) as store:
            for name in names:
                rows = [offer(model, usd, source_kind=name) for model, usd in said[name].items()]
                store.merge(name, tiers[name], rows, DAY_1, complete=True)
                store.merge(name, tiers[name], rows, DAY_1, complete=True)  # twice is once
            return store.digest, sorted(store.offers(), key=lambda row: row.sku_key)

    names = list(said)
    shuffled = names.copy()
    order.shuffle(shuffled)
    assert digest(names) == digest(shuffled)


def test_what_a_source_no_longer_names_is_gone_and_stays_gone(store: Store) -> None:
    store.merge("live", LIVE, [offer(usd=1.5), offer("gpt-4", 29.0)], DAY_1, complete=True)
    changes = store.merge("live", LIVE, [offer(usd=1.5)], DAY_2, complete=True)
    assert changes.removed == 1
    assert "gpt-4" not in prices(store)  # the older bundled price does not come back
    store.merge("feed", FEED, [offer("gpt-4", 28.0, source_date="2026-11-29")], DAY_9, complete=True)
    assert prices(store)["gpt-4"] == 28.0  # newer news do


def test_a_part_of_a_list_removes_nothing(store: Store) -> None:
    store.merge("live", LIVE, [offer(usd=1.5), offer("gpt-4", 29.0)], DAY_1, complete=True)
    changes = store.merge("live", LIVE, [offer(usd=1.6)], DAY_2, complete=False)
    assert (changes.removed, len(changes.changed)) == (0, 1)
    assert prices(store)["gpt-4"] == 29.0


def test_history_tells_what_changed_when_and_by_how_much(store: Store) -> None:
    key = offer().sku_key
    store.merge("live", LIVE, [offer(usd=1.5)], DAY_1, complete=True)
    store.merge("live", LIVE, [offer(usd=1.5)], DAY_2, complete=True)
    store.merge("live", LIVE, [offer(usd=1.0)], DAY_9, complete=True)
    assert [
        (event.recorded_at[:10], event.origin, event.event, event.old_usd, event.new_usd)
        for event in store.history(key)
    ] == [
        ("2026-11-21", "bundled", "added", None, 1.25),
        ("2026-11-21", "live", "added", None, 1.5),
        ("2026-11-29", "live", "changed", 1.5, 1.0),
    ]
    assert [event.event for event in store.events("2026-11-22", "2026-11-30")] == ["changed"]


@pytest.mark.parametrize("statement", ["UPDATE price_history SET new_usd = 0", "DELETE FROM price_history"])
def test_history_cannot_be_rewritten(store: Store, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="only appended"):
        store.connection.execute(statement)


def test_a_merge_that_fails_changes_nothing(store: Store) -> None:
    before = (store.digest, prices(store), store.history(offer().sku_key))
    with pytest.raises(AttributeError):
        store.merge("live", LIVE, [offer(usd=9.0), None], DAY_1, complete=True)  # type: ignore[list-item]
    assert (store.digest, prices(store), store.history(offer().sku_key)) == before


def test_a_newer_snapshot_is_taken_in_with_history(tmp_path: Path, snapshot: Snapshot, store: Store) -> None:
    store.close()
    write_records(snapshot.directory / "api_prices.csv.gz", ApiPrice, [bundled("gpt-5", 1.0), bundled("gpt-4", 30.0)])
    with open_store(tmp_path / "home", Snapshot(snapshot.directory), now=DAY_2) as renewed:
        assert prices(renewed)["gpt-5"] == 1.0
        assert [event.event for event in renewed.history(offer().sku_key)] == ["added", "changed"]


def test_words_find_offers_by_their_beginnings(store: Store) -> None:
    assert [row.model_key for row in store.search("GPT 4")] == ["gpt-4"]
    assert [row.model_key for row in store.search("openai gpt-5 per")] == ["gpt-5"]
    assert store.search('"; DROP TABLE offers; --') == []
    assert store.search("  ") == []
    store.merge("live", LIVE, [offer("o9-preview", 1.0)], DAY_1, complete=True)
    assert [row.model_key for row in store.search("o9")] == ["o9-preview"]


def test_an_older_store_is_brought_up_to_date(tmp_path: Path, snapshot: Snapshot) -> None:
    home = tmp_path / "home"
    home.mkdir()
    connection = sqlite3.connect(home / FILE_NAME, isolation_level=None)
    steps, schema.STEPS = schema.STEPS, schema.STEPS[:1]
    try:
        schema.VERSION = 1
        schema.upgrade(connection)
    finally:
        schema.STEPS, schema.VERSION = steps, len(steps)
    connection.close()
    with open_store(home, snapshot, now=DAY_1) as opened:
        assert schema.version_of(opened.connection) == schema.VERSION
        assert prices(opened)["gpt-5"] == 1.25


def test_a_store_of_a_newer_sextant_is_left_alone(tmp_path: Path, snapshot: Snapshot, store: Store) -> None:
    store.connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    store.close()
    with pytest.raises(StateUnusable, match="this Sextant knows up to"):
        open_store(tmp_path / "home", snapshot)


def test_a_damaged_file_is_named_with_a_cure(tmp_path: Path, snapshot: Snapshot) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / FILE_NAME).write_text("no database, only words" * 100)
    with pytest.raises(StateUnusable) as refused:
        open_store(tmp_path / "home", snapshot)
    assert FILE_NAME in refused.value.message
    assert "delete the file" in refused.value.cure


def test_a_home_that_is_a_file_is_refused(tmp_path: Path, snapshot: Snapshot) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StateUnusable):
        open_store(tmp_path / "home", snapshot)


NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write anywhere: be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def test_a_read_only_store_can_be_read(tmp_path: Path, snapshot: Snapshot, store: Store) -> None:
    store.close()
    with TemporaryDirectory() as folder:
        home = Path(folder)
        copied = Path(copy(tmp_path / "home" / FILE_NAME, home))
        copied.chmod(0o444)
        home.chmod(0o555)
        with unprivileged(), open_store(home, snapshot) as opened:
            assert prices(opened)["gpt-5"] == 1.25
            with pytest.raises(StateUnusable):
                opened.merge("live", LIVE, [offer()], DAY_1, complete=True)
        home.chmod(0o755)
