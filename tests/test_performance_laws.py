"""Laws that every prediction keeps, whatever was learned."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.errors import BadInput
from knowledge.snapshot import load
from tools.performance import Configuration, Prediction, predict, screen, step_cost
from tools.performance.arrivals import batch_at
from tools.performance.calibration import load_physics
from tools.performance.queueing import rate_rps
from tools.performance.residual import load_residual, nearest_points
from tools.performance.roofline import closed_loop

SNAPSHOT = load()
MODELS = ("meta-llama/Llama-3.1-8B-Instruct", "openai/gpt-oss-120b", "deepseek-ai/DeepSeek-R1", "Qwen/Qwen3-4B")
CARDS = ("NVIDIA-H100-80GB-SXM", "NVIDIA-B200-180GB-SXM", "AMD-MI300X-192GB", "NVIDIA-L4-24GB")

configurations = st.builds(
    lambda model, card, tensor, precision: Configuration(
        SNAPSHOT.models[model], SNAPSHOT.accelerators[card], precision, tensor_parallel=tensor
    ),
    st.sampled_from(MODELS),
    st.sampled_from(CARDS),
    st.sampled_from([1, 2, 8]),
    st.sampled_from(["bf16", "fp8"]),
)
lengths = st.integers(min_value=16, max_value=20_000)
loads = st.floats(min_value=1, max_value=600)
EXAMPLES = settings(max_examples=8, deadline=None)


def chat(**changes: object) -> Configuration:
    base = Configuration(SNAPSHOT.models[MODELS[0]], SNAPSHOT.accelerators[CARDS[0]], "bf16")
    return replace(base, **changes)  # type: ignore[arg-type]


@EXAMPLES
@given(configurations, lengths, st.tuples(loads, loads))
def test_latency_never_falls_with_concurrency(
    configuration: Configuration, isl: int, pair: tuple[float, float]
) -> None:
    light, heavy = (predict(configuration, isl=isl, osl=200, concurrency=load) for load in sorted(pair))
    assert light.ttft_ms.mean <= heavy.ttft_ms.mean * (1 + 1e-9)
    assert light.tpot_ms.mean <= heavy.tpot_ms.mean * (1 + 1e-9)


@EXAMPLES
@given(configurations, st.tuples(lengths, lengths), loads)
def test_latency_never_falls_with_the_prompt(
    configuration: Configuration, pair: tuple[int, int], concurrency: float
) -> None:
    short, long = (predict(configuration, isl=isl, osl=100, concurrency=concurrency) for isl in sorted(pair))
    assert short.ttft_ms.mean <= long.ttft_ms.mean * (1 + 1e-9)
    assert short.tpot_ms.mean <= long.tpot_ms.mean * (1 + 1e-9)


@EXAMPLES
@given(configurations, st.tuples(lengths, lengths))
def test_the_whole_answer_takes_longer_the_more_tokens_it_has(
    configuration: Configuration, pair: tuple[int, int]
) -> None:
    short, long = (predict(configuration, isl=500, osl=osl, concurrency=8) for osl in sorted(pair))
    assert short.e2e_ms.mean <= long.e2e_ms.mean * (1 + 1e-9)


@EXAMPLES
@given(configurations, st.tuples(loads, loads))
def test_latency_never_falls_with_the_request_rate(configuration: Configuration, pair: tuple[float, float]) -> None:
    light, heavy = (predict(configuration, isl=800, osl=200, request_rate_rps=load / 10) for load in sorted(pair))
    assert light.ttft_ms.mean <= heavy.ttft_ms.mean * (1 + 1e-9)
    assert light.tpot_ms.mean <= heavy.tpot_ms.mean * (1 + 1e-9)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(configurations, min_size=1, max_size=6),
    lengths,
    st.integers(min_value=2, max_value=4000),
    st.tuples(st.floats(1e-3, 3), st.floats(1e-3, 3)),
    st.floats(1, 1000),
)
def test_replicas_under_a_rate_run_the_batch_that_serves_it(
    many: list[Configuration], isl: int, osl: int, shares: tuple[float, float], highest: float
) -> None:
    screened = screen(many, isl=isl, osl=osl)
    most = np.full(len(many), highest)
    able = rate_rps(screened.cost, screened.osl, most)
    few, more = (batch_at(screened.cost, screened.osl, share * able, most) for share in sorted(shares))
    assert (few <= more * (1 + 1e-4)).all()  # where the rate hardly rises with the batch, its 1e-7 is more of the batch
    for share, batch in zip(sorted(shares), (few, more), strict=True):
        served = rate_rps(screened.cost, screened.osl, batch)
        assert served == pytest.approx(min(share, 1.0) * able, rel=1e-6)
        if share > 1.001:
            assert batch == pytest.approx(most)
    alone = batch_at(screened.cost.take(np.arange(1)), screened.osl[:1], shares[0] * able[:1], most[:1])
    together = batch_at(screened.cost, screened.osl, shares[0] * able * np.linspace(1, 0.1, len(many)), most)
    assert together[0] == pytest.approx(alone[0], rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 2), st.integers(1, 5))
def test_the_nearest_measurements_are_those_that_a_plain_search_finds(
    which: int, loaded: int, away: float, count: int
) -> None:
    learned = load_residual()
    configuration = learned.configurations[which % len(learned.configurations)].astype(np.float64) + away
    load = learned.loads[loaded % len(learned.loads)].astype(np.float64) - away
    distance = np.abs(learned.configurations - configuration).sum(axis=1)[learned.configuration_of]
    distance += np.abs(learned.loads - load).sum(axis=1)[learned.load_of]
    found = nearest_points(learned, configuration, load, count)
    assert [each for _, each in found] == pytest.approx(np.sort(distance)[:count].tolist())
    assert [distance[row] for row, _ in found] == pytest.approx([each for _, each in found])
    assert len({row for row, _ in found}) == count


@EXAMPLES
@given(configurations, loads)
def test_percentiles_and_intervals_are_ordered_and_littles_law_holds(
    configuration: Configuration, concurrency: float
) -> None:
    answer = predict(configuration, isl=700, osl=150, concurrency=concurrency)
    for times in (answer.ttft_ms, answer.tpot_ms, answer.e2e_ms):
        assert 0 < times.p50 <= times.p90 <= times.p99
    for name, middle in middles(answer).items():
        low, high = answer.interval_80[name]
        assert low < middle < high
    assert answer.requests_per_s * answer.e2e_ms.mean / 1e3 == pytest.approx(concurrency)


def middles(answer: Prediction) -> dict[str, float]:
    return {
        "output_tok_s": answer.output_tok_s,
        "ttft_ms": answer.ttft_ms.mean,
        "tpot_ms": answer.tpot_ms.mean,
    }


def test_intervals_widen_with_distance_from_measurements() -> None:
    for widths in load_residual().widths.values():
        for metric in ("output_tok_s", "ttft_ms", "tpot_ms"):
            assert widths[metric] == sorted(widths[metric])
            assert widths[metric][0] < widths[metric][-1]
    near = predict(chat(engine="tensorrt-llm"), isl=1024, osl=256, concurrency=16)
    strange = replace(chat().accelerator, gpu_type="unheard of", memory_bandwidth_gb_s=700.0, architecture="new")
    far = predict(chat(accelerator=strange), isl=1024, osl=256, concurrency=16)
    assert far.evidence.distance > near.evidence.distance
    assert relative_width(far) > relative_width(near)


def relative_width(answer: Prediction) -> float:
    low, high = answer.interval_80["output_tok_s"]
    return high / low


def test_the_residual_fades_with_distance() -> None:
    nowhere = replace(
        chat().accelerator, gpu_type="unheard of", memory_bandwidth_gb_s=5.0, bf16_dense_tflops=0.5, vram_gb=2000.0,
        vram_gib_reported=None, architecture="new", vendor="nobody",
    )  # fmt: skip
    physics, residual = load_physics(), load_residual()
    silent = replace(residual, weights=np.zeros_like(residual.weights))
    far = chat(accelerator=nowhere, tensor_parallel=64, pipeline_parallel=16, engine="unknown")
    with_residual = predict(far, isl=90_000, osl=9, concurrency=600, physics=physics, residual=residual)
    without = predict(far, isl=90_000, osl=9, concurrency=600, physics=physics, residual=silent)
    assert with_residual.tpot_ms.mean == pytest.approx(without.tpot_ms.mean, rel=0.3)


def test_efficiencies_stay_physical() -> None:
    physics = load_physics()
    for name in ("bandwidth", "cache_bandwidth", "prefill", "decode", "link"):
        low, high = physics.bounds[name]
        assert 0 < low <= physics.constants[name] <= high <= 1.2


def test_step_cost_reproduces_the_predicted_tpot() -> None:
    for engine, concurrency in (("vllm", 8), ("tensorrt-llm", 64)):
        configuration = chat(engine=engine)
        cost = step_cost(configuration, isl=1024, osl=512)
        answer = predict(configuration, isl=1024, osl=512, concurrency=concurrency)
        cached = concurrency * (1024 + 256)
        prompts = cost.prefill_ms_per_token * 1024 * concurrency / 511 * (1 - 1 / concurrency)
        step = cost.step_ms(decode_sequences=concurrency, cached_tokens=cached, prefill_tokens=0) + prompts
        assert step == pytest.approx(answer.tpot_ms.mean, rel=0.12)


def test_a_lone_prompt_runs_on_one_attention_rank_alone() -> None:
    one, four = (screen([chat(data_parallel=ranks)], isl=4000, osl=200).cost.prefill_ms[0] for ranks in (1, 4))
    assert four >= one


def test_who_comes_in_a_burst_waits_for_half_of_the_prompts() -> None:
    cost, osl = screen([chat()], isl=1000, osl=200).cost, np.array([200.0])
    alone, burst = (closed_loop(cost, osl, np.array([count]), burst=True).ttft_ms[0] for count in (1.0, 21.0))
    assert burst - alone == pytest.approx(10 * cost.prefill_ms[0] * cost.first[0])
    assert burst > closed_loop(cost, osl, np.array([21.0])).ttft_ms[0]


def test_screening_agrees_with_prediction_at_a_typical_load() -> None:
    many = [chat(quantization=each, tensor_parallel=tensor) for each in ("bf16", "fp8") for tensor in (1, 2, 4)]
    screened = screen(many, isl=1024, osl=256)
    served = closed_loop(screened.cost, screened.osl, np.full(len(many), 16.0))
    for at, each in enumerate(many):
        answer = predict(each, isl=1024, osl=256, concurrency=16)
        assert served.tpot_ms[at] == pytest.approx(answer.tpot_ms.mean, rel=0.1)
        assert served.ttft_ms[at] == pytest.approx(answer.ttft_ms.mean, rel=0.3)


def test_evidence_names_its_neighbours() -> None:
    answer = predict(chat(engine="tensorrt-llm"), isl=1024, osl=256, concurrency=16)
    assert answer.evidence.kind in ("measured", "interpolated")
    nearest = answer.evidence.neighbours[0]
    assert "Llama-3.1-8B" in nearest.what
    assert nearest.row_id
    far = predict(chat(accelerator=SNAPSHOT.accelerators["NVIDIA-T4-16GB"]), isl=64, osl=64, concurrency=1)
    assert far.evidence.kind == "modelled"


@pytest.mark.parametrize("wrong", [{"isl": 0}, {"osl": -1}, {"concurrency": float("nan")}, {"isl": float("inf")}])
def test_unusable_loads_are_refused(wrong: dict[str, float]) -> None:
    asked = {"isl": 100.0, "osl": 100.0, "concurrency": 4.0, **wrong}
    with pytest.raises(BadInput, match=next(iter(wrong))):
        predict(chat(), isl=asked["isl"], osl=asked["osl"], concurrency=asked["concurrency"])


def test_two_loads_at_once_are_refused() -> None:
    with pytest.raises(BadInput, match="not both"):
        predict(chat(), isl=10, osl=10, concurrency=1, request_rate_rps=1)
