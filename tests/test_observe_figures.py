"""Laws of histograms, and what figures lead to: no figure, no finding; every finding says what to do."""

import math
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import BadInput, Conflict, Unavailable
from knowledge.records import Deployment
from tools.deploy import DeploymentSpec, read_specification
from tools.observe import Observation, Prometheus, findings, observe
from tools.observe.costing import costs
from tools.observe.distribution import Distribution, distribution
from tools.observe.observation import Compared, Compliance, Costs, Engine, Times, Traffic
from tools.observe.observing import seconds_of
from tools.observe.outcome import outcome
from tools.observe.prometheus import Sample

EDGES = (0.1, 0.25, 0.5, 1.0, 2.5, math.inf)
LENGTHS = {"mean": 100.0, "p50": 90.0, "p90": 200.0, "p99": 400.0}
SPEC = read_specification(
    {
        "option_id": "o1",
        "kind": "rental",
        "model_id": "meta-llama/Llama-3.1-8B-Instruct",
        "gpu_type": "NVIDIA-L4-24GB",
        "quantization": "bf16",
        "gpu_count": 4,
        "replicas": 4,
        "monthly_cost_usd": 2920.0,
        "engine": {"max_num_seqs": 64},
        "objectives": [{"metric": "ttft", "percentile": 90, "bound_ms": 200}],
        "predicted": {"ttft_mean_ms": 100.0, "tpot_mean_ms": 20.0},
        "traffic": {"request_rate_rps": 8.0, "isl": LENGTHS, "osl": LENGTHS, "prefix_reuse_share": 0.5},
    }
)
QUIET = Observation(
    deployment_id="d-1",
    source="http://prometheus",
    at="2026-11-21T10:00:00Z",
    window_s=3600.0,
    covered_s=3600.0,
    time_factor=1.0,
    slos=(Compliance("ttft_p90_ms", 200.0, 150.0, 100.0, 250.0, 0.95, "met"),),
    times={"ttft": Times(100.0, 90.0, 150.0, 180.0), "tpot": Times(20.0, 20.0, 22.0, 25.0)},
    traffic=Traffic(28800, 8.0, 8.0, 100.0, 200.0, 100.0, 200.0, 800.0, 800.0, 0.0, 0.0, 0.5),
    engine=Engine(4, 4, 1.0, 20.0, 12.0, 0.0, 1.0, 2.0, 0.3, 0.5, 0.0, 0.0, 0.8, 18.0),
    costs=Costs(4.0, 2920.0, 0.0007, 0.0007, 0.0007, 0.0001, 0.0),
    forecast=(Compared("peak rate", 8.0, 8.0, "requests/s"), Compared("prompt, mean", 100.0, 100.0, "tokens")),
)


def changed(**parts: dict[str, Any]) -> Observation:
    """A quiet observation with some figures of its parts replaced."""
    return replace(QUIET, **{name: replace(getattr(QUIET, name), **values) for name, values in parts.items()})


def kinds(seen: Observation, spec: DeploymentSpec = SPEC) -> set[str]:
    found = findings(seen, spec)
    assert all(each.text and each.action for each in found)
    return {each.kind for each in found}


@given(st.lists(st.floats(0, 2.49), min_size=1, max_size=200), st.floats(0.01, 0.99), st.floats(0.01, 2.4))
def test_a_histogram_brackets_what_was_observed(values: list[float], share: float, bound: float) -> None:
    found = distribution([(edge, sum(value <= edge for value in values)) for edge in EDGES], sum(values))
    assert found.mean == pytest.approx(sum(values) / len(values))
    true = sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]
    low, high = found.bucket(share)
    measured = found.quantile(share)
    assert low is not None
    assert high is not None
    assert measured is not None
    assert low <= measured <= high * (1 + 1e-9)
    assert low <= true <= high
    within = found.share_within(bound)
    assert within is not None
    below = max((edge for edge in EDGES if edge <= bound), default=0.0)
    above = min(edge for edge in EDGES if edge >= bound)
    total = len(values)
    assert (
        sum(v <= below for v in values if below) / total - 1e-9
        <= within
        <= sum(v <= above for v in values) / total + 1e-9
    )


@given(st.lists(st.floats(0, 2.4), min_size=5, max_size=50), st.floats(0.05, 0.95))
def test_share_within_undoes_quantile(values: list[float], share: float) -> None:
    found = distribution([(edge, sum(value <= edge for value in values)) for edge in EDGES], sum(values))
    measured = found.quantile(share)
    assert measured is not None
    within = found.share_within(measured)
    assert within is not None
    assert within >= share - 1e-6


def test_nothing_observed_is_nothing_known() -> None:
    empty = Distribution((), (), 0.0)
    assert (empty.mean, empty.quantile(0.9), empty.share_within(1.0), empty.bucket(0.9)) == (
        None,
        None,
        None,
        (None, None),
    )


def test_beyond_the_last_edge_only_that_is_known() -> None:
    found = distribution([(1.0, 5), (math.inf, 10)], 100.0)
    assert found.quantile(0.9) is None
    assert found.bucket(0.9) == (1.0, None)
    assert found.share_within(50.0) == 0.5


def test_a_deployment_that_does_as_planned_needs_nothing() -> None:
    assert kinds(QUIET) == set()


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("replica_down", {"engine": {"answering": 3}}),
        ("errors", {"traffic": {"error_share": 0.03}}),
        ("quantize", {"engine": {"kv_most": 0.99, "preemptions": 7.0}}),
        ("prefix_hits_low", {"traffic": {"prefix_hit_share": 0.1}}),
        ("cost_anomaly", {"costs": {"usd_per_1k_tokens": 0.002}}),
        ("idle", {"engine": {"idle_share": 0.6}}),
        ("add_replica", {"engine": {"waiting_mean": 3.0}}),
        ("raise_max_num_seqs", {"engine": {"waiting_mean": 3.0, "running_most": 64.0, "kv_most": 0.4}}),
        ("unused", {"traffic": {"requests": 0.0, "request_rate_rps": 0.0}}),
    ],
)
def test_each_trouble_has_its_finding(kind: str, parts: dict[str, dict[str, Any]]) -> None:
    assert kinds(changed(**parts)) == {kind}


@pytest.mark.parametrize("part", ["traffic", "engine", "costs"])
def test_what_is_not_known_is_no_trouble(part: str) -> None:
    fields = {name: None for name in getattr(QUIET, part).__slots__ if name != "replicas"}
    assert kinds(changed(**{part: fields})) == set()


def test_fewer_replicas_are_priced() -> None:
    half = replace(QUIET, forecast=(Compared("peak rate", 8.0, 3.9, "requests/s"),))
    (found,) = findings(half, SPEC)
    assert found.kind == "downsize"
    assert "needs 2 of 4 replicas" in found.text
    assert found.saving_usd_per_month == 1460.0


def test_nothing_is_downsized_while_an_objective_is_missed() -> None:
    missed = replace(QUIET.slos[0], verdict="not_met", measured_ms=400.0, share_within=0.5)
    half = replace(QUIET, slos=(missed,), forecast=(Compared("peak rate", 8.0, 3.9, "requests/s"),))
    assert kinds(half) == {"slo_missed"}


def test_another_replica_costs_what_one_costs() -> None:
    (found,) = findings(changed(engine={"waiting_mean": 3.0}), SPEC)
    assert found.saving_usd_per_month == -730.0


def test_times_are_compared_with_predictions_only_near_the_planned_load() -> None:
    slow = replace(QUIET, times={"tpot": Times(40.0, 40.0, 40.0, 40.0)})
    assert kinds(slow) == {"prediction_off"}
    idle = replace(slow, traffic=replace(slow.traffic, request_rate_rps=2.0))
    assert kinds(idle) == set()
    with pytest.raises(Conflict, match="far from the planned peak"):
        outcome(idle, DEPLOYMENT, SPEC)


def test_an_observation_teaches_by_its_means() -> None:
    kept = outcome(QUIET, DEPLOYMENT, SPEC)
    compared = {(entry.metric, entry.statistic): entry.predicted for entry in kept.measures}
    assert compared["ttft_ms", "mean"] == 100.0
    assert compared["ttft_ms", "p90"] is None
    assert (kept.verdict, kept.request_rate_rps, kept.output_tok_s) == ("met", 2.0, 200.0)
    assert outcome(QUIET, DEPLOYMENT, SPEC).outcome_id == kept.outcome_id


def test_costs_are_those_of_the_observed_replicas() -> None:
    found = costs(SPEC, QUIET.traffic, replace(QUIET.engine, replicas=2, idle_share=0.25), tokens_before_s=800.0)
    assert found.usd_per_hour == pytest.approx(2.0)
    assert found.usd_per_1k_tokens == pytest.approx(2.0 / 3600 / 1600 * 1000)
    assert found.usd_per_1k_tokens_before == pytest.approx(2 * 2.0 / 3600 / 1600 * 1000)
    assert found.usd_per_request == pytest.approx(2.0 / 3600 / 8)
    assert found.idle_usd_per_month == pytest.approx(365.0)
    nothing = costs(
        SPEC, replace(QUIET.traffic, prompt_tok_s=0.0, output_tok_s=0.0), QUIET.engine, tokens_before_s=None
    )
    assert nothing.usd_per_1k_tokens is None


DEPLOYMENT = Deployment(
    deployment_id="d-1",
    owner="ann",
    thread="t",
    plan_hash="h",
    target="local",
    state="verified",
    revision=1,
    spec=SPEC.to_json(),
    model_id=SPEC.model_id,
    gpu_type=SPEC.gpu_type,
    gpu_count=4,
    engine="vllm",
    time_factor=1.0,
    monthly_cost_usd=2920.0,
    snapshot="s",
    replicas=(),
    reason="",
    created_at="2026-11-21T09:00:00Z",
    updated_at="2026-11-21T09:00:00Z",
)


class Nothing:
    """A Prometheus that scrapes something else."""

    def query(self, expression: str) -> tuple[Sample, ...]:
        assert 'deployment="d-1"' in expression
        return ()


def test_without_series_there_are_no_figures() -> None:
    with pytest.raises(Unavailable) as caught:
        observe(DEPLOYMENT, Nothing(), window_s=3600.0)
    assert "no vLLM series" in caught.value.message
    assert "sextant monitoring d-1" in caught.value.cure


@pytest.mark.parametrize("window_s", [0.0, math.nan, 1e12])
def test_a_window_that_is_none_is_refused(window_s: float) -> None:
    with pytest.raises(BadInput, match="not between 5 s and 90 days"):
        observe(DEPLOYMENT, Nothing(), window_s=window_s)


def test_windows_in_words() -> None:
    assert [seconds_of(text) for text in ("90s", "15m", "1.5h", "7d")] == [90, 900, 5400, 604_800]
    for odd in ("", "h", "1y", "one hour"):
        with pytest.raises(BadInput, match="is no window"):
            seconds_of(odd)


@pytest.mark.parametrize("url", ["prometheus:9090", "ftp://x", "http://a:b", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="is no address"):
        Prometheus(url).query("up")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"status":"error","error":"parse error"}', b'{"data":{}}'])
def test_what_is_no_prometheus_is_told_in_one_line(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx, "post", lambda *_, **__: httpx.Response(200, content=body))
    for at_s in (1.0, None):
        with pytest.raises(Unavailable, match="does not answer as a Prometheus does") as caught:
            Prometheus("http://127.0.0.1:9", at_s=at_s).query("up")
        assert "\n" not in caught.value.message
