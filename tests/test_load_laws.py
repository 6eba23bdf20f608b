"""Laws of arrivals, lengths, percentiles and verdicts, and what a load test refuses."""

import itertools
import math
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.errors import BadInput
from knowledge.facts import Lengths
from tools.loadtest import LoadPlan, Slo, read_slo
from tools.loadtest.arrivals import Stage, arrivals
from tools.loadtest.chance import chance
from tools.loadtest.lengths import fixed, quantile_function, sampler
from tools.loadtest.percentiles import Estimate, distribution, interval, percentile
from tools.loadtest.permission import permit, read_endpoint
from tools.loadtest.runner import request_lengths, schedule
from tools.loadtest.verdict import judge_error_rate, judge_latency, judge_throughput, overall, with_default

positive = st.floats(0.01, 1e6)
samples = st.lists(st.floats(0.001, 1e6) | st.just(math.inf), min_size=1, max_size=200)


def load(**changes: object) -> LoadPlan:
    values: dict[str, object] = {
        "model": "m",
        "request_rate_rps": 10.0,
        "duration_s": 60.0,
        "isl": fixed(100),
        "osl": fixed(10),
    }
    return LoadPlan(**{**values, **changes})  # type: ignore[arg-type]


@given(st.sampled_from(["steady", "poisson", "bursty"]), st.floats(0.5, 50), st.floats(1, 40), st.integers(0, 99))
def test_arrivals_rise_and_stay_within_the_run(pattern: str, rate: float, duration: float, seed: int) -> None:
    stages = (Stage(rate, duration), Stage(2 * rate, duration))
    due = list(arrivals(pattern, stages, cv=3.0, random=chance("t", seed)))  # type: ignore[arg-type]
    assert all(earlier <= later for earlier, later in itertools.pairwise(due))
    assert all(0 <= moment < 2 * duration for moment in due)


@pytest.mark.parametrize(
    ("pattern", "cv", "tolerance"), [("steady", 1.0, 0.01), ("poisson", 1.0, 0.05), ("bursty", 4.0, 0.2)]
)
def test_arrivals_have_the_rate_and_burstiness_they_were_given(pattern: str, cv: float, tolerance: float) -> None:
    due = list(arrivals(pattern, (Stage(20.0, 500.0),), cv=cv, random=chance("t", 1)))  # type: ignore[arg-type]
    assert len(due) / 500 == pytest.approx(20, rel=tolerance)
    gaps = [later - earlier for earlier, later in itertools.pairwise(due)]
    mean = fmean(gaps)
    measured_cv = math.sqrt(fmean((gap - mean) ** 2 for gap in gaps)) / mean
    assert measured_cv == pytest.approx(0 if pattern == "steady" else cv, abs=0.2 * cv)


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=50))
def test_a_trace_keeps_its_gaps(moments: list[float]) -> None:
    due = list(arrivals("trace", (Stage(1.0, 1e9),), cv=1.0, random=chance("t", 0), timestamps_s=moments))
    ordered = sorted(moments)
    assert due == pytest.approx([moment - ordered[0] for moment in ordered])


def test_endpoints_share_the_rate_and_a_trace_in_turn() -> None:
    shares = [number for _, number in schedule(load(request_rate_rps=30.0, duration_s=100.0), 3)]
    assert [shares.count(number) / 100 for number in range(3)] == pytest.approx([10, 10, 10], rel=0.1)
    dealt = [number for _, number in schedule(load(pattern="trace", trace_s=(0.0, 1.0, 2.0, 3.0)), 2)]
    assert dealt == [0, 1, 0, 1]


@given(st.floats(10, 5000), st.floats(1, 6), st.floats(1, 6), st.floats(0.8, 2))
@settings(max_examples=30)
def test_lengths_go_through_the_given_percentiles(p50: float, to_p90: float, to_p99: float, to_mean: float) -> None:
    lengths = Lengths(mean=p50 * to_mean, p50=p50, p90=p50 * to_p90, p99=p50 * to_p90 * to_p99)
    quantile = quantile_function(lengths)
    assert quantile(0.0) == pytest.approx(lengths.p50)
    assert quantile(1.2815515655446004) == pytest.approx(lengths.p90)
    assert quantile(2.3263478740408408) == pytest.approx(lengths.p99)
    assert all(quantile(z / 10) <= quantile((z + 1) / 10) + 1e-9 for z in range(-30, 30))


def test_lengths_meet_the_mean_where_the_percentiles_allow_it() -> None:
    lengths = Lengths(mean=1155, p50=1020, p90=2735, p99=4142)  # Azure 2023 conversation, input
    draw = sampler(lengths, chance("t", 3), most=100_000)
    assert fmean(draw() for _ in range(20_000)) == pytest.approx(1155, rel=0.1)


@given(st.integers(128, 5000), st.integers(0, 50))
@settings(max_examples=30)
def test_requests_stay_within_the_model_length(max_model_len: int, seed: int) -> None:
    wild = Lengths(mean=3000, p50=500, p90=9000, p99=60_000)
    pairs = request_lengths(load(isl=wild, osl=wild, max_model_len=max_model_len, seed=seed))
    for prompt_tokens, output_tokens in itertools.islice(pairs, 50):
        assert prompt_tokens >= 1
        assert output_tokens >= 1
        assert prompt_tokens + output_tokens <= max_model_len


@given(samples, st.floats(1, 99))
def test_a_percentile_is_a_sample_that_enough_samples_do_not_exceed(numbers: list[float], percent: float) -> None:
    ordered = sorted(numbers)
    found = percentile(ordered, percent)
    assert found in numbers
    assert sum(number <= found for number in numbers) >= len(numbers) * percent / 100 - 1e-6


@given(samples, st.sampled_from([50.0, 90.0, 99.0]), st.integers(0, 9))
def test_an_interval_holds_its_percentile_and_is_repeatable(numbers: list[float], percent: float, seed: int) -> None:
    ordered = sorted(numbers)
    low, high = interval(ordered, percent, chance("t", seed))
    assert ordered[0] <= low <= high <= ordered[-1]
    assert low <= percentile(ordered, percent) <= high
    assert (low, high) == interval(ordered, percent, chance("t", seed))


def test_intervals_cover_the_true_percentile_as_often_as_they_say() -> None:
    random, covered = chance("coverage", 0), 0
    for _ in range(400):
        ordered = sorted(random.expovariate(1.0) for _ in range(200))
        low, high = interval(ordered, 90, random)
        covered += low <= math.log(10) <= high
    assert 0.91 <= covered / 400 <= 0.98


@given(st.lists(st.floats(1, 1e4), min_size=20, max_size=60), st.integers(1, 30))
def test_failed_requests_never_improve_a_percentile(numbers: list[float], failures: int) -> None:
    clean = distribution(numbers, chance("t", 0))
    worse = distribution([*numbers, *[math.inf] * failures], chance("t", 0))
    assert clean is not None
    assert worse is not None
    for name in ("p50", "p90", "p95", "p99"):
        before, after = getattr(clean, name).value, getattr(worse, name).value
        assert after is None or after >= before


@given(positive, positive, st.integers(1, 5000), st.sampled_from([50, 90, 99]))
def test_a_latency_verdict_follows_the_measurement(bound: float, value: float, count: int, percentile_: int) -> None:
    slo = Slo("ttft", bound, percentile_)
    result = judge_latency(slo, Estimate(value, value, value), count, predicted=None)
    if count < 10 or count * (100 - percentile_) < 200:
        assert result.verdict == "inconclusive"
    else:
        assert result.verdict == ("met" if value <= bound else "not_met")


def test_a_late_load_generator_cannot_fail_a_server_but_a_slow_server_fails_by_itself() -> None:
    slo, missed = Slo("ttft", 100.0, 50), Estimate(150.0, 140.0, 160.0)
    late = judge_latency(slo, missed, 100, predicted=None, since_sent_ms=90.0)
    assert late.verdict == "inconclusive"
    assert "late itself" in late.note
    assert judge_latency(slo, missed, 100, predicted=None, since_sent_ms=110.0).verdict == "not_met"
    assert judge_latency(slo, Estimate(90.0, 80.0, 95.0), 100, predicted=None, since_sent_ms=1.0).verdict == "met"


def test_a_bound_within_the_interval_is_said_to_be_close() -> None:
    slo = Slo("ttft", 100.0, 50)
    assert "close" in judge_latency(slo, Estimate(95.0, 90.0, 105.0), 100, predicted=None).note
    assert "close" in judge_latency(slo, Estimate(105.0, 95.0, 110.0), 100, predicted=None).note
    assert judge_latency(slo, Estimate(95.0, 90.0, 99.0), 100, predicted=None).note == ""


def test_throughput_and_error_rate_have_verdicts_of_their_own() -> None:
    assert judge_throughput(Slo("throughput", 5.0), 5.1, 5.2).verdict == "met"
    assert judge_throughput(Slo("throughput", 5.0), 4.0, 6.0).verdict == "not_met"
    assert judge_throughput(Slo("throughput", 5.0), 4.0, 4.1).verdict == "inconclusive"
    assert judge_error_rate(Slo("error_rate", 1.0), 1, 100).verdict == "met"
    assert judge_error_rate(Slo("error_rate", 1.0), 2, 100).verdict == "not_met"
    assert judge_error_rate(Slo("error_rate", 1.0), 0, 0).verdict == "inconclusive"


def test_one_missed_objective_decides_and_an_error_rate_is_always_among_them() -> None:
    assert [slo.name for slo in with_default([Slo("ttft", 1.0, 90)])] == ["ttft_p90_ms", "error_rate_percent"]
    met, missed = judge_error_rate(Slo("error_rate", 1.0), 0, 10), judge_throughput(Slo("throughput", 5.0), 1, 9)
    assert overall([met])[0] == "met"
    assert overall([met, missed]) == ("not_met", "throughput_rps 1 is below 5")
    assert overall([])[0] == "inconclusive"


@pytest.mark.parametrize(
    "slo", [Slo("ttft", 200.0, 90), Slo("e2e_perceived", 2e3, 99), Slo("error_rate", 0.5), Slo("throughput", 5)]
)
def test_an_objective_reads_back_as_it_is_named(slo: Slo) -> None:
    name = slo.name.removesuffix("_percent").removesuffix("_rps")
    assert read_slo(f"{name}={slo.bound:g}") == slo


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ttft=200",
        "ttft_p90",
        "ttft_p90=",
        "ttft_p90=-1",
        "ttft_p90=nan",
        "ttft_p0=5",
        "error_rate_p9=1",
        "x" * 1000,
        "ttft_p90=1e",
        "ttft_p90=0",
    ],
)
def test_what_is_no_objective_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_slo(text)
    assert "ttft_p90=200" in caught.value.cure
    assert len(caught.value.message) < 150


@pytest.mark.parametrize(
    "changes",
    [
        {"request_rate_rps": 0.0},
        {"request_rate_rps": math.nan},
        {"request_rate_rps": 5000.0},
        {"request_rate_rps": 300.0, "time_factor": 10.0},
        {"duration_s": 1e6},
        {"duration_s": -1.0},
        {"warmup_s": 60.0},
        {"prefix_share": 1.5},
        {"pattern": "trace"},
        {"max_requests": 10_000_000},
        {"max_model_len": 5},
        {"isl": fixed(0)},
    ],
)
def test_a_load_out_of_bounds_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        load(**changes)


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "http://127.0.0.1:1/v1", "http://[::1]:8000", "https://127.8.9.1"]
)
def test_this_machine_may_be_loaded(url: str) -> None:
    permit(url)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.5:80", "http://localhost.example.com", "http://api.openai.com/v1", "http://127.0.0.1.nip.io"]
)
def test_other_machines_only_when_they_are_ones_own_or_named(url: str) -> None:
    with pytest.raises(BadInput, match="not one of your deployments"):
        permit(url)
    assert permit(url, own=[url]) == permit(url, allowed_hosts=[read_endpoint(url).host])


@given(st.text(max_size=200))
def test_any_text_as_an_address_is_read_or_refused(text: str) -> None:
    try:
        endpoint = read_endpoint(text)
    except BadInput:
        return
    assert endpoint.host
