"""The simulation: the scheduler's result at event speed, and the laws that any queue obeys."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.errors import BadInput
from knowledge.facts import Lengths
from tools.performance.step import StepCost
from tools.scheduler import Limits
from tools.simulation import (
    Autoscaling,
    Slo,
    TraceRequest,
    Traffic,
    constant,
    largest_rate,
    sample_lengths,
    saturation_rps,
    simulate,
)
from tools.simulation.calibration import Measured, calibrate, linear_cost, replay
from tools.simulation.trace import read_trace
from tools.simulation.traffic import Arrivals

PAGE = Path(__file__).parents[1] / "docs" / "simulation.md"
COST = StepCost((1, 8, 64, 256), (7.0, 7.5, 11.0, 22.0), 5e-5, 0.017, 5.0)
CHAT = Lengths(mean=1000, p50=800, p90=1900, p99=3500)
ANSWER = Lengths(mean=200, p50=160, p90=390, p99=700)
LIMITS = Limits(max_num_seqs=256, max_num_batched_tokens=8192, kv_blocks=28_000)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rate=st.floats(0.5, 60),
    arrivals=st.sampled_from(["poisson", "bursty", "steady", "diurnal"]),
    spread=st.booleans(),
    blocks=st.integers(60, 700),
    slots=st.integers(1, 64),
    budget=st.integers(64, 2048),
    reused=st.sampled_from([0.0, 0.4]),
    queue=st.sampled_from([None, 3]),
    replicas=st.integers(1, 3),
)
def test_jumping_between_events_gives_the_schedulers_result(
    *,
    seed: int,
    rate: float,
    arrivals: Arrivals,
    spread: bool,
    blocks: int,
    slots: int,
    budget: int,
    reused: float,
    queue: int | None,
    replicas: int,
) -> None:
    isl = Lengths(150, 100, 350, 600) if spread else constant(150)
    traffic = Traffic(rate, isl, constant(40), arrivals, cv=3.0, period_s=30.0, reused_share=reused)
    limits = Limits(
        max_num_seqs=slots, max_num_batched_tokens=budget, kv_blocks=blocks, max_num_queued_reqs=queue
    )  # little memory, so that sequences are preempted
    fast = simulate(COST, limits, traffic, replicas, seed, requests=60)
    stepped = simulate(COST, limits, traffic, replicas, seed, requests=60, step_by_step=True)
    assert (fast.completed, fast.rejected, fast.preemptions) == (
        stepped.completed,
        stepped.rejected,
        stepped.preemptions,
    )
    assert fast.kv_usage_peak == pytest.approx(stepped.kv_usage_peak)
    assert fast.running_mean == pytest.approx(stepped.running_mean)
    for name, values in fast.samples.items():
        np.testing.assert_allclose(values, stepped.samples[name], rtol=1e-9, atol=1e-6)


def test_memory_pressure_preempts_and_still_loses_no_request() -> None:
    result = simulate(COST, Limits(kv_blocks=500), Traffic(20, CHAT, ANSWER), requests=500)
    assert result.preemptions > 0
    assert result.completed + result.rejected == result.requests == 500


def test_a_seed_gives_the_same_result_and_another_seed_another() -> None:
    traffic = Traffic(6, CHAT, ANSWER)
    first, again, other = (simulate(COST, LIMITS, traffic, seed=seed, requests=300) for seed in (1, 1, 2))
    assert first.ttft_ms == again.ttft_ms
    assert first.ttft_ms != other.ttft_ms


@pytest.mark.parametrize("rate", [1.0, 6.0, 14.0])
def test_littles_law_holds_for_the_batch(rate: float) -> None:
    result = simulate(COST, LIMITS, Traffic(rate, CHAT, ANSWER), requests=2000)
    in_service_s = (result.samples["e2e_ms"] - result.samples["queue_ms"] - COST.request_ms) / 1000
    assert result.running_mean == pytest.approx(result.requests_per_s * in_service_s.mean(), rel=1e-6)


def test_at_low_load_a_request_takes_what_the_step_cost_says() -> None:
    result = simulate(COST, LIMITS, Traffic(0.05, constant(1000), constant(200)), requests=200)
    alone_ttft_ms = COST.request_ms + COST.decode_ms(1) + 1000 * COST.prefill_ms_per_token
    alone_tpot_ms = COST.decode_ms(1) + COST.kv_ms_per_token * 1100
    assert result.ttft_ms.p50 == pytest.approx(alone_ttft_ms, rel=0.01)
    assert result.tpot_ms.p50 == pytest.approx(alone_tpot_ms, rel=0.01)


@pytest.mark.parametrize("rate", [2.0, 5.0])
def test_at_moderate_load_it_agrees_with_the_fixed_point(rate: float) -> None:
    isl, osl = 1000, 200
    batch = 1.0
    for _ in range(200):  # B = rate · osl · step(B) / (1 - share of time in prefill)
        step = COST.decode_ms(1) * (batch <= 1) + (batch > 1) * float(
            np.interp(batch, COST.batch_knots, COST.decode_ms_at_knots)
        )
        step += COST.kv_ms_per_token * batch * (isl + osl / 2)
        tpot = step / (1 - rate / 1000 * COST.prefill_ms_per_token * isl)
        batch = rate / 1000 * osl * tpot
    result = simulate(COST, LIMITS, Traffic(rate, constant(isl), constant(osl)), requests=3000)
    assert result.tpot_ms.mean == pytest.approx(tpot, rel=0.05)


@pytest.mark.parametrize("arrivals", ["poisson", "bursty", "steady", "diurnal"])
def test_arrivals_have_the_stated_mean_rate(arrivals: Arrivals) -> None:
    workload = Traffic(5.0, CHAT, ANSWER, arrivals, cv=2.0, peak_to_average=3.0, period_s=100).sample(20_000, 7)
    assert len(workload) / workload.arrival_ms[-1] * 1000 == pytest.approx(5.0, rel=0.05)
    assert (np.diff(workload.arrival_ms) >= 0).all()


def test_bursty_intervals_have_the_stated_variation_and_the_day_its_peak() -> None:
    gaps = np.diff(Traffic(5.0, CHAT, ANSWER, "bursty", cv=3.0).sample(50_000, 1).arrival_ms)
    assert gaps.std() / gaps.mean() == pytest.approx(3.0, rel=0.1)
    day = Traffic(100.0, CHAT, ANSWER, "diurnal", peak_to_average=3.0, period_s=1000).sample(100_000, 1).arrival_ms
    counts, _ = np.histogram(day % 1_000_000, bins=50)
    assert counts.max() / counts.mean() == pytest.approx(3.0, rel=0.1)


def test_lengths_have_the_stated_mean_and_nearly_the_percentiles() -> None:
    drawn = sample_lengths(Lengths(1000, 820, 1850, 3300), 100_000, np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(1000, rel=0.02)
    assert np.percentile(drawn, 90) == pytest.approx(1850, rel=0.1)
    assert set(sample_lengths(constant(77), 10, np.random.default_rng(0))) == {77}


def test_a_trace_is_replayed_with_its_times_and_lengths() -> None:
    trace = (TraceRequest(0.0, 100, 10), TraceRequest(1.0, 200, 20), TraceRequest(4.0, 300, 30))
    as_recorded = Traffic(0.0, CHAT, ANSWER, "trace", trace=trace).sample(10, 0)
    assert as_recorded.arrival_ms.tolist() == [0.0, 1000.0, 4000.0]
    faster = Traffic(1.0, CHAT, ANSWER, "trace", trace=trace).sample(10, 0)
    assert faster.arrival_ms.tolist() == [0.0, 500.0, 2000.0]
    assert faster.prompt_tokens.tolist() == [100, 200, 300]


def test_more_replicas_never_wait_longer_and_least_loaded_beats_taking_turns() -> None:
    traffic = Traffic(18, CHAT, ANSWER, "bursty", cv=2.5)
    one, two = (simulate(COST, LIMITS, traffic, n, requests=800) for n in (1, 2))
    assert two.ttft_ms.p90 < one.ttft_ms.p90
    turns = simulate(COST, LIMITS, traffic, 2, requests=800, routing="round_robin")
    assert two.e2e_ms.p99 <= turns.e2e_ms.p99


def test_autoscaling_follows_the_load_within_its_bounds_and_pays_for_less() -> None:
    day = Traffic(8, CHAT, ANSWER, "diurnal", peak_to_average=2.5, period_s=1200)
    rule = Autoscaling(1, 4, target_load=20, cold_start_s=30, shrink_after_s=60)
    scaled = simulate(COST, LIMITS, day, 1, requests=9000, autoscaling=rule)
    fixed = simulate(COST, LIMITS, day, 4, requests=9000)
    assert scaled.completed == scaled.requests
    assert 1 < scaled.replicas_peak <= 4
    assert scaled.replica_hours < fixed.replica_hours
    assert scaled.ttft_ms.p99 >= fixed.ttft_ms.p99


def test_refused_requests_are_counted_and_count_as_missed() -> None:
    limits = Limits(max_num_seqs=4, max_num_batched_tokens=2048, max_num_queued_reqs=2)
    result = simulate(COST, limits, Traffic(50, CHAT, ANSWER), requests=300)
    assert result.rejected > 0
    assert result.completed + result.rejected == 300
    assert result.attainment(Slo()) == result.completed / 300
    assert not result.meets(Slo())


def test_the_largest_rate_meets_the_slo_and_a_slightly_larger_one_does_not() -> None:
    slo = Slo(ttft_ms=300, tpot_ms=15, percentile=90)
    traffic = Traffic(1.0, CHAT, ANSWER)
    found = largest_rate(COST, LIMITS, slo, traffic, requests=1500)
    assert found.result.meets(slo)
    assert 0 < found.rate_rps <= saturation_rps(COST, LIMITS, traffic)
    more = Traffic(found.rate_rps * 1.1, CHAT, ANSWER)
    assert not simulate(COST, LIMITS, more, requests=1500, warmup_share=0.1).meets(slo)


def test_a_stricter_slo_never_allows_more() -> None:
    rates = [
        largest_rate(COST, LIMITS, Slo(tpot_ms=tpot_ms), Traffic(1.0, CHAT, ANSWER), requests=600).rate_rps
        for tpot_ms in (5.0, 9.0, 14.0, 25.0)
    ]
    assert rates[0] == 0.0
    assert rates == sorted(rates)


def test_the_example_of_the_documentation_runs() -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    told: dict[str, Any] = {}
    exec(compile(example, PAGE.name, "exec"), told)  # noqa: S102  # the example is ours
    assert told["goodput"].result.meets(told["slo_of"](told["trial"].traffic))


def test_impossible_inputs_are_named() -> None:
    with pytest.raises(BadInput, match="rate"):
        simulate(COST, LIMITS, Traffic(float("nan"), CHAT, ANSWER))
    with pytest.raises(BadInput, match="replica"):
        simulate(COST, LIMITS, Traffic(1, CHAT, ANSWER), 0)
    with pytest.raises(BadInput, match="trace"):
        simulate(COST, LIMITS, Traffic(1, CHAT, ANSWER, "trace"))


def test_traces_are_read_as_published(tmp_path: Path) -> None:
    lines = tmp_path / "trace.jsonl.gz"
    rows = [
        {"timestamp": 500, "input_length": 100, "output_length": 7},
        {"timestamp": 0, "input_length": 9, "output_length": 1},
    ]
    lines.write_bytes(gzip.compress("\n".join(json.dumps(row) for row in rows).encode()))
    assert read_trace(lines) == (TraceRequest(0.0, 9, 1), TraceRequest(0.5, 100, 7))
    table = tmp_path / "trace.csv"
    table.write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n"
    )
    assert [round(request.at_s, 3) for request in read_trace(table)] == [0.0, 4.315]


@pytest.mark.parametrize(
    "content", ["", "TIMESTAMP,ContextTokens\n1,2\n", "timestamp,input_length,output_length\nx,1,1\n"]
)
def test_a_trace_that_cannot_be_used_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(content)
    with pytest.raises(BadInput, match=r"trace\.csv"):
        read_trace(path)


def test_calibration_finds_the_numbers_that_a_run_was_made_with() -> None:
    made_with = linear_cost(7.0, 0.06, 0.017, 5.0)
    points = []
    for isl, osl, rate in ((467, 64, 4.0), (467, 16, 24.0), (202, 64, 16.0)):
        point = Measured(isl, osl, rate, None, None, requests=60)
        run = replay(made_with, LIMITS, point, seed=5)
        points.append(Measured(isl, osl, rate, run.ttft_ms.mean, run.tpot_ms.mean, requests=60))
    found = calibrate(points, LIMITS, seeds=(5,), trials=110)
    assert found.decode_ms(1) == pytest.approx(made_with.decode_ms(1), rel=0.02)
    assert found.prefill_ms_per_token == pytest.approx(0.017, rel=0.15)
