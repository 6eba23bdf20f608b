"""The facts that ship: counts, ranges, cross-references, and that loading is lazy and repeatable."""

import pickle
import shutil
from collections import Counter
from pathlib import Path

import pytest

from knowledge.facts import Model
from knowledge.snapshot import DATA, Snapshot, load


@pytest.fixture(scope="module")
def facts() -> Snapshot:
    return load()


def test_holds_what_was_gathered_less_what_may_not_ship(facts: Snapshot) -> None:
    withheld = {
        dataset: sum(row.rows for row in facts.sources.values() if row.dataset == dataset and row.terms == "fitting")
        for dataset in ("benchmarks", "quality")
    }
    assert withheld == {"benchmarks": 163 + 71, "quality": 4918}
    assert len(facts.models) == 143
    assert len(facts.accelerators) == 81
    assert len(facts.aliases) == 314
    assert len(facts.instances) == 1773
    assert len(facts.cards) == 32
    assert len(facts.benchmarks) == 8337 - withheld["benchmarks"]
    assert len(facts.quality_scores) == 14805 - withheld["quality"]
    assert len(facts.api_prices) == 18032
    assert len(facts.api_prices_retired) == 1258
    assert len(facts.api_service_tiers) == 1908
    assert len(facts.memory_measurements) == 20
    assert len(facts.use_cases) == 12
    assert len(facts.traces) == 15
    assert len(facts.conversation_trace) == 3000


def test_reads_a_data_set_only_when_it_is_touched(facts: Snapshot, tmp_path: Path) -> None:
    for name in ("models.csv", "sources.csv"):
        shutil.copy(DATA / name, tmp_path / name)
    assert load(tmp_path).models == facts.models


def test_the_version_changes_with_the_facts(tmp_path: Path) -> None:
    shutil.copy(DATA / "cards.csv", tmp_path / "cards.csv")
    before = Snapshot(tmp_path).version
    assert Snapshot(tmp_path).version == before
    with (tmp_path / "cards.csv").open("a") as file:
        file.write("X,1,listing,2026-01-01,,,estimated,\n")
    assert Snapshot(tmp_path).version != before


def test_goes_to_another_process_by_name(facts: Snapshot) -> None:
    assert facts.models
    assert pickle.loads(pickle.dumps(facts)) is facts  # noqa: S301 - our own bytes


def test_accelerators_of_other_tables_are_known(facts: Snapshot) -> None:
    known = set(facts.accelerators)
    assert {row.gpu_type for row in facts.aliases.values()} - {None} <= known
    assert {row.gpu_type for row in facts.benchmarks} <= known
    assert {row.gpu_type for row in facts.memory_measurements} <= known
    unplanned = ({row.gpu_type for row in facts.instances} | set(facts.cards)) - known
    smaller_than_its_namesake = {"NVIDIA-RTX-3060-8GB"}
    assert {name for name in unplanned if facts.aliases[name.lower()].gpu_type} == smaller_than_its_namesake


def test_models_of_measured_points_are_known_but_for_a_few_old_ones(facts: Snapshot) -> None:
    unknown = Counter(row.arch_model_id for row in facts.benchmarks if row.arch_model_id not in facts.models)
    single = {"BAAI/Aquila-7B": 1, "bigscience/bloom-7b1": 1, "facebook/opt-6.7b": 1, "Qwen/Qwen1.5-7B": 1}
    assert unknown == {"Deci/DeciLM-7B": 56, **single}


def test_every_row_names_a_source(facts: Snapshot) -> None:
    named = {row.source for row in facts.benchmarks} | {row.source for row in facts.quality_scores}
    named |= {row.source for row in facts.memory_measurements} | {row.source for row in facts.traces.values()}
    named |= {row.source_kind for row in facts.instances} | {row.source_kind for row in facts.cards.values()}
    for prices in (facts.api_prices, facts.api_prices_retired, facts.api_service_tiers):
        named |= {row.source_kind for row in prices}
        assert all(row.source_date for row in prices)
    assert named <= set(facts.sources)
    assert all(row.source_date for row in facts.instances)


def test_models_are_plausible(facts: Snapshot) -> None:
    for model in facts.models.values():
        assert 0 < model.active_params_b <= model.total_params_b * 1.001, model.model_id
        assert model.layers > 0, model.model_id
        assert model.hidden_size > 0, model.model_id
        assert 128 <= model.context_window_tokens <= 10_500_000, model.model_id
        assert model.licence, model.model_id
        if model.kind == "moe":
            assert model.num_experts, model.model_id
            assert model.experts_per_token, model.model_id
        if model.kv_window_bytes_per_token_bf16:
            assert model.sliding_window, model.model_id


def test_accelerators_are_plausible(facts: Snapshot) -> None:
    for card in facts.accelerators.values():
        assert 8 <= card.vram_gb <= 600, card.gpu_type
        assert 30 <= card.memory_bandwidth_gb_s <= 30_000, card.gpu_type
        peak = card.bf16_dense_tflops or card.fp16_dense_tflops
        assert peak is None or peak > 0, card.gpu_type
        assert card.vram_gib_reported is None or card.vram_gib_reported < card.vram_gb, card.gpu_type


def test_prices_are_positive_and_stated(facts: Snapshot) -> None:
    for row in facts.instances:
        prices = (
            row.on_demand_usd_per_hour,
            row.spot_usd_per_hour,
            row.reserved_1y_usd_per_hour,
            row.reserved_3y_usd_per_hour,
        )
        assert any(prices), row.instance_type
        assert all(price is None or 0 < price < 1000 for price in prices), row.instance_type
        assert row.gpu_count >= 0
    for price in (*facts.api_prices, *facts.api_prices_retired, *facts.api_service_tiers):
        assert price.unit_price_usd >= 0
        assert price.unit_price_usd > 0 or "free" in price.flags, price.sku_key
    assert len({price.sku_key for price in facts.api_prices}) == len(facts.api_prices)


def test_names_of_cloud_instances_agree_with_the_price_list(facts: Snapshot) -> None:
    listed = {(row.instance_type.lower(), row.gpu_type, row.gpu_count) for row in facts.instances}
    types = {name for name, _, _ in listed}
    named = [row for row in facts.aliases.values() if row.alias.lower() in types]
    assert len(named) > 150
    assert all((row.alias.lower(), row.gpu_type, row.gpu_count) in listed for row in named)


def test_rented_cards_cost_what_cards_cost(facts: Snapshot) -> None:
    for row in facts.instances:
        if row.gpu_count and row.on_demand_usd_per_hour and row.gpu_type in facts.accelerators:
            assert 0.01 <= row.on_demand_usd_per_hour / row.gpu_count <= 60, row.instance_type
        reserved = (row.reserved_1y_usd_per_hour, row.reserved_3y_usd_per_hour)
        if row.on_demand_usd_per_hour:
            assert all(price is None or price <= row.on_demand_usd_per_hour for price in reserved), row.instance_type


def test_measured_points_are_plausible(facts: Snapshot) -> None:
    assert len({row.row_id for row in facts.benchmarks}) == len(facts.benchmarks)
    for row in facts.benchmarks:
        assert row.gpu_count >= 1
        measured = (row.ttft_mean_ms, row.ttft_p50_ms, row.tpot_mean_ms, row.e2e_mean_ms, row.output_tok_s)
        assert all(value is None or value > 0 for value in measured), row.row_id
        assert row.output_tok_s or row.requests_per_s or row.tpot_mean_ms or row.ttft_mean_ms, row.row_id


def kv_bytes(model: Model, tokens: int) -> float:
    window = min(tokens, model.sliding_window or 0) * model.kv_window_bytes_per_token_bf16
    index = tokens * model.kv_index_bytes_per_token
    return tokens * model.kv_bytes_per_token_bf16 + window + index + model.kv_state_bytes_per_sequence


@pytest.mark.parametrize(
    ("model_id", "tokens", "expected"),
    [
        ("Qwen/Qwen3-32B", 32768, 32768 * 262_144),
        ("deepseek-ai/DeepSeek-R1", 1, 61 * 576 * 2),
        ("deepseek-ai/DeepSeek-V3.2", 1, 70_272 + 61 * 132),
        ("openai/gpt-oss-120b", 100_000, 100_000 * 36_864 + 128 * 36_864),
        ("google/gemma-4-26B-A4B", 500, 500 * (20_480 + 204_800)),
        ("Qwen/Qwen3.5-27B", 1, 65_536 + 48 * (48 * 128 * 128 * 4 + 61_440)),
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", 1, 6_144 + 23 * (64 * 64 * 128 * 4 + 36_864)),
        ("XiaomiMiMo/MiMo-V2-Flash", 0, 0),
        ("BAAI/bge-m3", 8192, 0),
        ("openai/whisper-large-v3", 0, 1280 * 1500 * 2 * 2 * 32),
    ],
)
def test_the_kv_cache_of_each_kind_of_attention(facts: Snapshot, model_id: str, tokens: int, expected: float) -> None:
    assert kv_bytes(facts.models[model_id], tokens) == pytest.approx(expected, rel=1e-3)


def test_the_chunked_attention_of_llama_4_needs_a_third_of_the_full_cache(facts: Snapshot) -> None:
    gib = kv_bytes(facts.models["meta-llama/Llama-4-Scout-17B-16E-Instruct"], 131_072) / 2**30
    assert gib == pytest.approx(7.1, abs=0.05)
