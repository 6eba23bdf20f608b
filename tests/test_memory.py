"""Memory of a replica: what a start-up measures is what the model says."""

from dataclasses import replace
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.benchmarks.memory import leave_one_model_out, start_ups
from knowledge import snapshot
from knowledge.facts import Accelerator, Model
from tools.memory import memory_budget, native_precision, split_parameters, usable_precision, weight_bytes
from tools.memory.budget import GIB
from tools.memory.cache import cache_shape
from tools.performance.configuration import Configuration

FACTS = snapshot.load()
H100 = FACTS.accelerators["NVIDIA-H100-80GB-SXM"]


def model(name: str) -> Model:
    return FACTS.models[name]


def replica(
    name: str, precision: str | None = None, card: Accelerator = H100, tensor_parallel: int = 1
) -> Configuration:
    chosen = model(name)
    return Configuration(chosen, card, precision or native_precision(chosen), tensor_parallel)


def test_kv_tokens_of_models_left_out_of_the_fit_are_within_three_percent() -> None:
    errors = [abs(value) for value in leave_one_model_out(start_ups(FACTS))]
    assert len(errors) >= 15
    assert median(errors) < 0.03
    assert max(errors) < 0.06


@pytest.mark.parametrize(
    ("name", "tokens", "gib"),
    [("Qwen/Qwen3-32B", 32_768, 8.0), ("meta-llama/Llama-4-Scout-17B-16E-Instruct", 131_072, 7.1)],
)
def test_cache_of_one_sequence(name: str, tokens: int, gib: float) -> None:
    assert cache_shape(model(name)).sequence_bytes(tokens) / GIB == pytest.approx(gib, abs=0.05)


def test_latent_cache_is_kept_whole_by_every_tensor_parallel_rank() -> None:
    deepseek = model("deepseek-ai/DeepSeek-R1")
    assert cache_shape(deepseek, tensor_parallel=8) == cache_shape(deepseek)


def test_kv_heads_divide_only_as_far_as_there_are_any() -> None:
    qwen = model("Qwen/Qwen3-30B-A3B")
    assert qwen.kv_heads == 4
    assert cache_shape(qwen, tensor_parallel=8) == cache_shape(qwen, tensor_parallel=4)


def test_window_layers_stop_growing_and_hybrid_layers_hold_a_fixed_state() -> None:
    gemma, qwen = cache_shape(model("google/gemma-3-27b-it")), cache_shape(model("Qwen/Qwen3.5-27B"))
    window = gemma.sequence_bytes(100_000) - gemma.growing_bytes_per_token * 100_000
    assert window == pytest.approx(gemma.sequence_bytes(10_000) - gemma.growing_bytes_per_token * 10_000)
    assert qwen.state_bytes == pytest.approx(154e6, rel=0.01)


@pytest.mark.parametrize(
    ("name", "gib"),
    [
        ("moonshotai/Kimi-K2.5", 554.3),
        ("deepseek-ai/DeepSeek-V4-Pro", 805.3),
        ("MiniMaxAI/MiniMax-M2.7", 214.3),
        ("openai/gpt-oss-120b", 60.8),
        ("meta-llama/Llama-3.1-8B-Instruct", 14.96),
    ],
)
def test_weights_agree_with_the_size_of_released_checkpoints(name: str, gib: float) -> None:
    chosen = model(name)
    assert weight_bytes(chosen, native_precision(chosen)) / GIB == pytest.approx(gib, rel=0.02)


def test_experts_follow_from_total_and_active_parameters() -> None:
    split = split_parameters(model("Qwen/Qwen3-30B-A3B"))
    assert split.experts == pytest.approx(48 * 128 * 3 * 2048 * 768, rel=0.01)
    assert split.total == pytest.approx(30.5e9)


def test_a_model_that_does_not_fit_says_what_it_needs() -> None:
    budget = memory_budget(replica("meta-llama/Llama-3.3-70B-Instruct"))
    assert not budget.fits
    assert budget.reason is not None
    assert budget.reason.startswith("weights and runtime need 13")
    assert budget.short_bytes > 60 * GIB


def test_a_context_that_does_not_fit_the_cache_is_refused_with_both_sizes() -> None:
    budget = memory_budget(replica("Qwen/Qwen3-32B"), max_model_len=40_960)
    assert budget.reason == "one sequence of 40960 tokens needs 10.0 GiB of cache, 7.8 GiB are left"


def test_heads_must_divide_among_the_cards() -> None:
    budget = memory_budget(replica("Qwen/Qwen2.5-7B-Instruct", tensor_parallel=8), max_model_len=8192)
    assert budget.reason == "28 attention heads do not divide among 8 cards"


def test_nvfp4_needs_fp4_units_and_mxfp4_does_not() -> None:
    b200 = FACTS.accelerators["NVIDIA-B200-180GB-SXM"]
    llama, oss = model("meta-llama/Llama-3.3-70B-Instruct"), model("openai/gpt-oss-120b")
    assert not usable_precision(llama, H100, "fp4")
    assert usable_precision(llama, b200, "fp4")
    assert usable_precision(oss, H100, "fp4")


@given(
    st.sampled_from([name for name, facts in FACTS.models.items() if facts.kind in ("dense", "moe")]),
    st.sampled_from([1, 2, 4, 8]),
    st.integers(1, 32_768),
)
def test_parts_never_exceed_the_card_and_longer_sequences_never_fit_more(name: str, tp: int, length: int) -> None:
    budget = memory_budget(replica(name, tensor_parallel=tp), max_model_len=length)
    if budget.fits:
        used = budget.weight_bytes + budget.activation_bytes + budget.runtime_bytes + budget.cache_bytes
        assert used + budget.graph_bytes <= budget.memory_bytes
        assert budget.max_sequences_at_len >= 1
    assert budget.max_sequences(length) >= budget.max_sequences(length + 1000)


def test_more_memory_never_holds_fewer_tokens() -> None:
    small = memory_budget(replica("Qwen/Qwen3-8B"), max_model_len=8192)
    larger = memory_budget(replica("Qwen/Qwen3-8B", card=replace(H100, vram_gib_reported=100.0)), max_model_len=8192)
    assert larger.kv_cache_tokens > small.kv_cache_tokens
