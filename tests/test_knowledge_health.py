"""What the facts lack, and how old prices are."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from knowledge.facts import CardPrice
from knowledge.health import freshness, health
from knowledge.snapshot import load

TODAY = date(2026, 11, 21)


def card(day: date, kind: str) -> CardPrice:
    return CardPrice("X", 1.0, "listing", day.isoformat(), "", kind, "estimated", "")


def test_finds_models_and_accelerators_with_gaps() -> None:
    found = health(load(), as_of=TODAY)
    assert "openai/whisper-large-v3" in found.models_without_quality
    assert "HuggingFaceTB/SmolLM3-3B" in found.models_without_benchmarks
    assert "meta-llama/Llama-3.1-8B-Instruct" not in found.models_without_benchmarks
    assert "SambaNova-SN40L" in found.benchmarked_accelerators_without_price
    assert found.rented_accelerators_without_facts["NVIDIA-M60-8GB"] == 57


def test_tells_which_sources_of_prices_are_stale() -> None:
    ages = {entry.group: entry for entry in health(load(), as_of=TODAY).freshness}
    assert ages["litellm"].oldest_days == 9
    assert ages["litellm"].stale == 0
    assert ages["fsdl_cloud_gpus"].stale == ages["fsdl_cloud_gpus"].rows == 32


@given(st.lists(st.tuples(st.dates(date(2024, 1, 1), TODAY), st.sampled_from("ab")), min_size=1))
def test_every_row_is_counted_once_and_ages_are_in_order(rows: list[tuple[date, str]]) -> None:
    entries = freshness([card(*row) for row in rows], lambda row: row.source_kind, as_of=TODAY)
    assert sum(entry.rows for entry in entries) == len(rows)
    for entry in entries:
        assert 0 <= entry.newest_days <= entry.median_days <= entry.oldest_days
        assert entry.stale <= entry.rows
