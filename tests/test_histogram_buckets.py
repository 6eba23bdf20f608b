"""Histograms that are given an objective's bound: then the share of answers within it is counted, not guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.deploy import DeploymentSpec, read_specification
from tools.deploy.buckets import bound_s, histogram_buckets
from tools.deploy.simulator_command import simulator_command
from tools.deploy.vllm_release import vllm_release
from tools.observe.alerts import alerts
from tools.observe.distribution import distribution
from tools.simulator.buckets import read_buckets
from tools.simulator.metrics import Histogram

LENGTHS = {"mean": 500.0, "p50": 400.0, "p90": 1000.0, "p99": 2000.0}
bounds = st.floats(0.01, 1e6)
factors = st.floats(0.1, 100)


def specification(**bounds_ms: float) -> DeploymentSpec:
    return read_specification(
        {
            "option_id": "one", "kind": "rental", "model_id": "m", "gpu_type": "NVIDIA-L4-24GB", "quantization": "fp8",
            "gpu_count": 1, "traffic": {"request_rate_rps": 1.0, "isl": LENGTHS, "osl": LENGTHS},
            "objectives": [
                {"metric": metric, "percentile": 90, "bound_ms": bound} for metric, bound in bounds_ms.items()
            ],
        }
    )  # fmt: skip


@given(bounds, factors)
def test_the_simulator_is_given_the_edge_that_alerts_ask_for(bound_ms: float, factor: float) -> None:
    spec = specification(ttft=bound_ms, e2e_perceived=bound_ms)
    command = simulator_command(spec, 8100, factor, 0)
    given = read_buckets(command[command.index("--custom-histogram-buckets") + 1])
    assert set(given) == {"time_to_first_token"}
    assert bound_s(bound_ms, factor) in given["time_to_first_token"]
    (fast, *_) = alerts(spec, 'a="b"', factor=factor)
    assert f'le="{bound_s(bound_ms, factor)!r}"' in fast.expression


@given(bounds, factors, st.lists(st.floats(1e-4, 1e4), min_size=1, max_size=50))
def test_the_share_within_a_bound_is_exact(bound_ms: float, factor: float, seen_s: list[float]) -> None:
    edges = tuple(histogram_buckets(specification(ttft=bound_ms), time_factor=factor)["time_to_first_token"])
    counted = Histogram(edges, [0] * (len(edges) + 1))
    for value in seen_s:
        counted.observe(value)
    below = [sum(counted.counts[: at + 1]) for at in range(len(counted.counts))]
    found = distribution(zip((*edges, float("inf")), map(float, below), strict=True), counted.total)
    bound = bound_s(bound_ms, factor)
    assert found.share_within(bound) == pytest.approx(sum(value <= bound for value in seen_s) / len(seen_s))


def test_vllms_own_edges_stay_in_the_deployments_time() -> None:
    usual = vllm_release().histogram_buckets_s["inter_token_latency"]
    assert histogram_buckets(specification(tpot=33.0)) == {"inter_token_latency": sorted({*usual, 0.033})}
    fast = histogram_buckets(specification(tpot=33.0), time_factor=4.0)["inter_token_latency"]
    assert fast == sorted({edge / 4 for edge in (*usual, 0.033)})


def test_without_objectives_nothing_is_changed() -> None:
    assert histogram_buckets(specification()) == {}
    assert "--custom-histogram-buckets" not in simulator_command(specification(), 8100, 1.0, 0)
