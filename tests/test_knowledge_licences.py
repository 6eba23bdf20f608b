"""What ships: sources with open licences, and single figures; nothing that is non-commercial or unlicensed."""

from pathlib import Path

import pytest

from knowledge.licences import may_ship
from knowledge.snapshot import load
from knowledge.sources_page import render


@pytest.mark.parametrize(
    "licence",
    [
        "Apache-2.0",
        "Apache-2.0 (repository); MLPerf results usage guidelines apply",
        "MIT (stated in README); upstream Hugging Face",
        "BSD-3-Clause",
        "MPL-2.0",
        "CC-BY",
        "CC-BY-4.0 (data and results), MIT (code)",
        "wheel Apache-2.0; upstream Artificial Analysis free API: attribution required",
    ],
)
def test_open_licences_ship(licence: str) -> None:
    assert may_ship(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "",
        "none found",
        "none stated",
        "no licence file in the site repo",
        "CC-BY-NC-4.0 (site repo)",
        "CC-BY-ND-4.0",
        "Adobe Research Licence (non-commercial research terms for the benchmark); figures cited as facts",
        "modified MIT",
        "MiniMax model licence",
        "Llama 3.2 licence (model card)",
        "MIT-like",
    ],
)
def test_other_licences_do_not(licence: str) -> None:
    assert not may_ship(licence)


def test_every_source_is_shipped_or_withheld_by_its_licence() -> None:
    for source in load().sources.values():
        if source.terms == "facts":
            continue
        assert (source.terms == "shipped") == may_ship(source.licence), source.source


def test_every_shipped_row_is_under_a_licence_that_ships() -> None:
    facts = load()
    tables = {
        *(row.source for row in facts.benchmarks),
        *(row.source for row in facts.quality_scores),
        *(row.source for row in facts.memory_measurements),
        *(row.source for row in facts.traces.values()),
    }
    assert all(may_ship(facts.sources[source].licence) for source in tables)


def test_single_prices_without_a_licence_say_so() -> None:
    facts = load()
    kinds = {row.source_kind for row in facts.api_prices} | {row.source_kind for row in facts.instances}
    kinds |= {row.source_kind for row in facts.cards.values()}
    unlicensed = {kind for kind in kinds if not may_ship(facts.sources[kind].licence)}
    assert unlicensed == {
        "llm_prices",
        "sooddvs_gpu_pricing",
        "cherielilili_daily_scrape",
        "united_compute_amazon_listing",
    }
    assert {facts.sources[kind].licence for kind in unlicensed} == {"none stated"}
    assert {facts.sources[kind].terms for kind in unlicensed} == {"facts"}


def test_shipped_sources_name_whom_to_thank() -> None:
    for source in load().sources.values():
        assert source.attribution or source.terms != "shipped", source.source


def test_the_page_on_sources_is_the_generated_one() -> None:
    page = Path(__file__).parents[1] / "docs" / "data-sources.md"
    assert page.read_text() == render(load()), "run python -m knowledge.sources_page > docs/data-sources.md"
