"""From a plan as JSON (the contract of `sextant plan --json`) to the specification of one of its options."""

import math
from collections.abc import Mapping
from typing import Any

from knowledge.errors import BadInput, NotFound
from tools.deploy.specification import DeploymentSpec, read_specification

_METRICS = {"ttft": "ttft", "tpot": "tpot", "e2e": "e2e", "perceived": "e2e_perceived"}
_Z80 = 1.281552
_STATISTICS = ("mean", "p50", "p90", "p95", "p99")
_ENGINE = ("max_model_len", "max_num_seqs", "max_num_batched_tokens", "gpu_memory_utilization")


def specification_from_plan(
    plan: Mapping[str, Any], option_id: str | None = None, *, snapshot: str = ""
) -> DeploymentSpec:
    """The specification of an option; without a name the first that can be deployed.

    Raises NotFound for an unknown option and BadInput for one that cannot be deployed, such as a per-token API.
    """
    options = [option for option in plan.get("options") or () if isinstance(option, Mapping)]
    option = _chosen(options, option_id)
    traffic = _mapping(plan, "traffic")
    values = {
        "option_id": str(option["id"]),
        "traffic": {
            "request_rate_rps": traffic.get("peak_qps") or traffic.get("qps"),
            **{name: {key: traffic[name][key] for key in ("mean", "p50", "p90", "p99")} for name in ("isl", "osl")},
            "interarrival_cv": traffic.get("interarrival_cv") or 1.0,
            "prefix_reuse_share": traffic.get("prefix_reuse_share") or 0.0,
        },
        "objectives": list(_objectives(_mapping(plan, "slo"), _mapping(option, "network").get("round_trip_ms") or 0.0)),
        "predicted": predictions(_mapping(option, "predicted")),
        "engine": _engine(option, traffic),
        "tuning": _mapping(option, "tuned").get("settings"),
        "monthly_cost_usd": _mapping(option, "cost").get("monthly_usd"),
        "snapshot": str(plan.get("snapshot") or snapshot),
        **{
            name: option[name]
            for name in ("kind", "model_id", "gpu_type", "quantization", "tensor_parallel", "pipeline_parallel",
                         "replicas", "gpu_count")
            if option.get(name) is not None
        },
    }  # fmt: skip
    return read_specification(values)


def predictions(predicted: Mapping[str, Any]) -> dict[str, float]:
    """Latency predictions by name (`ttft_p90_ms`) from `predicted` of an option.

    `ttft_correction` and the like are the factors in them that own outcomes taught: learning takes them out again.
    `ttft_log_sd` is how sure the prediction is: the spread of its logarithm that its 80 % interval stands for.
    """
    own, intervals = _mapping(_mapping(predicted, "evidence"), "own"), _mapping(predicted, "interval")
    found = {}
    for name in ("ttft", "tpot"):
        factor = _mapping(own, f"{name}_ms").get("factor")
        if isinstance(factor, int | float) and math.isfinite(factor):
            found[f"{name}_correction"] = float(factor)
        low, high = intervals.get(f"{name}_ms") or (0.0, 0.0)
        if 0 < low < high < math.inf:
            found[f"{name}_log_sd"] = round(math.log(high / low) / (2 * _Z80), 4)
    for planned, metric in _METRICS.items():
        for statistic, value in _mapping(predicted, f"{planned}_ms").items():
            if statistic in _STATISTICS and isinstance(value, int | float) and math.isfinite(value):
                found[f"{metric}_{statistic}_ms"] = float(value)
    return found


def _chosen(options: list[Mapping[str, Any]], option_id: str | None) -> Mapping[str, Any]:
    if not options:
        raise BadInput("the plan has no option to deploy", "see `rejected` in `sextant plan` for the nearest change")
    if option_id is not None:
        named = [option for option in options if option.get("id") == option_id]
        if not named:
            raise NotFound("option", option_id, tuple(str(option.get("id")) for option in options[:3]), field="option")
        options = named
    deployable = [option for option in options if option.get("kind") != "api"]
    if not deployable:
        raise BadInput(
            f"option {options[0].get('id')} is a per-token API: there is nothing to deploy",
            "choose an option with GPUs, or plan with deployment_model=cloud_rental",
            field="option",
        )
    return deployable[0]


def _objectives(slo: Mapping[str, Any], network_ms: float) -> list[dict[str, Any]]:
    """The latency targets of a plan at its percentile, for the machines: less what the way to the users takes.

    An E2E target counts on its basis.
    """
    percentile = slo.get("percentile") or 90
    e2e = "e2e_perceived" if slo.get("e2e_basis") == "perceived" else "e2e"
    bounds = {"ttft": slo.get("ttft_ms"), "tpot": slo.get("tpot_ms"), e2e: slo.get("e2e_ms")}
    bounds = {name: bound - network_ms if bound and name != "tpot" else bound for name, bound in bounds.items()}
    return [
        {"metric": metric, "percentile": percentile, "bound_ms": bound} for metric, bound in bounds.items() if bound
    ]


def _engine(option: Mapping[str, Any], traffic: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's arguments as planned; the context of the traffic bounds the model length where none is named."""
    named = {**option, **_mapping(option, "engine_args"), **_mapping(option, "engine")}
    engine = {name: named[name] for name in _ENGINE if named.get(name) is not None}
    if "max_model_len" not in engine and traffic.get("context_tokens"):
        engine["max_model_len"] = max(128, math.ceil(float(traffic["context_tokens"])))
    return engine


def _mapping(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}
