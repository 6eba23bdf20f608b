"""The vLLM command line of a plan: everything that decides behaviour is said, no default is relied on."""

import json
from collections.abc import Iterable, Mapping

from knowledge.errors import BadInput
from tools.deploy import DeploymentSpec
from tools.kubernetes.settings import Settings
from tools.kubernetes.vllm_release import vllm_release
from tools.kubernetes.weights import Weights
from tools.memory.budget import EngineLimits

PORT = 8080
LLM_PORT = 8000
SHUTDOWN_TIMEOUT_S = 60
QUEUE_FACTOR = 2
"""Requests that may be in flight per sequence that runs: beyond, an answer would be late anyway and 503 is kinder."""
_FAMILIES = {"ttft": "time_to_first_token", "tpot": "inter_token_latency", "e2e": "request_latency"}
DEFAULT_UTILIZATION = 0.9
_NGRAM_LOOKUP = 4


def port_of(settings: Settings) -> int:
    """Where the server listens in its pod."""
    return LLM_PORT if settings.target == "llmisvc" else PORT


def engine_limits_of(spec: DeploymentSpec, limits: EngineLimits) -> EngineLimits:
    """What the plan says, else what the planner assumed for that accelerator."""
    return EngineLimits(
        spec.engine.max_num_seqs or limits.max_sequences, spec.engine.max_num_batched_tokens or limits.chunk_tokens
    )


def vllm_arguments(spec: DeploymentSpec, settings: Settings, weights: Weights, limits: EngineLimits) -> tuple[str, ...]:
    """Arguments after `vllm serve`, one string each, ready for a container's `args`."""
    if weights.checkpoint.startswith("-"):
        raise BadInput(f"{weights.checkpoint[:40]!r} cannot be a model's name", "name it as on the hub", field="model")
    given = engine_limits_of(spec, limits)
    flags: dict[str, object | None] = {
        "served-model-name": spec.model_id,
        "revision": settings.revision,
        "dtype": weights.dtype,
        "quantization": weights.quantize,
        "tensor-parallel-size": spec.tensor_parallel,
        "pipeline-parallel-size": spec.pipeline_parallel,
        "data-parallel-size": settings.data_parallel,
        "max-model-len": spec.engine.max_model_len,
        "max-num-seqs": given.max_sequences,
        "max-num-batched-tokens": given.chunk_tokens,
        "gpu-memory-utilization": spec.engine.gpu_memory_utilization or DEFAULT_UTILIZATION,
        "kv-cache-dtype": kv_cache_dtype(spec, settings),
        "speculative-config": _speculation(spec, settings),
        "max-num-queued-reqs": QUEUE_FACTOR * given.max_sequences * settings.data_parallel,
        "custom-histogram-buckets": compact(histogram_buckets(spec)) if spec.objectives else None,
        "shutdown-timeout": SHUTDOWN_TIMEOUT_S,
        "host": "0.0.0.0",  # noqa: S104 - inside its own pod; the network policy says who may come
        "port": port_of(settings),
    }
    switches = [
        "--enable-prefix-caching" if _reuses_prefixes(spec, settings) else "--no-enable-prefix-caching",
        *(["--enable-expert-parallel"] if settings.expert_parallel else []),
        *(["--trust-remote-code"] if settings.trust_remote_code else []),
    ]
    named = [f"--{flag}={value}" for flag, value in flags.items() if value is not None]
    return tuple(inert(argument) for argument in (weights.checkpoint, *named, *switches))


def simulator_arguments(spec: DeploymentSpec, settings: Settings, limits: EngineLimits) -> tuple[str, ...]:
    """Arguments of the image's `sextant simulator`, the same limits as vLLM would get."""
    given = engine_limits_of(spec, limits)
    flags: dict[str, object | None] = {
        "model": spec.model_id,
        "gpu": spec.gpu_type,
        "tensor-parallel": spec.tensor_parallel,
        "quantization": spec.quantization,
        "max-model-len": spec.engine.max_model_len,
        "max-num-seqs": given.max_sequences,
        "max-num-batched-tokens": given.chunk_tokens,
        "gpu-memory-utilization": spec.engine.gpu_memory_utilization or DEFAULT_UTILIZATION,
        "isl": max(1, round(spec.traffic.isl.mean)),
        "osl": max(1, round(spec.traffic.osl.mean)),
        "time-factor": f"{settings.time_factor:g}",
        "host": "0.0.0.0",  # noqa: S104 - inside its own pod
        "port": port_of(settings),
    }
    return tuple(inert(f"--{flag}={value}") for flag, value in flags.items() if value is not None)


def histogram_buckets(spec: DeploymentSpec) -> dict[str, list[float]]:
    """vLLM's own bounds with every objective's bound among them: only so can a histogram say whether it was kept."""
    defaults = vllm_release().histogram_buckets_s
    bounds: dict[str, set[float]] = {}
    for objective in spec.objectives:
        family = _FAMILIES.get(objective.metric)
        if family is not None:
            bounds.setdefault(family, set(defaults[family])).add(objective.bound_ms / 1000)
    return {family: sorted(found) for family, found in bounds.items()}


def compact(value: Mapping[str, object]) -> str:
    """JSON without spaces, as an argument takes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def flags_of(arguments: Iterable[str]) -> tuple[str, ...]:
    """The flags among arguments, without values: `--port` of `--port=8080`."""
    return tuple(argument.partition("=")[0] for argument in arguments if argument.startswith("--"))


def inert(argument: str) -> str:
    """An argument that the kubelet takes literally: `$(NAME)` would be replaced by a variable."""
    return argument.replace("$", "$$")


def _reuses_prefixes(spec: DeploymentSpec, settings: Settings) -> bool:
    return settings.prefix_caching or (spec.tuning is not None and spec.tuning.prefix_caching)


def kv_cache_dtype(spec: DeploymentSpec, settings: Settings) -> str:
    """What the person set, else what the option counts on."""
    if settings.kv_cache_dtype != "auto" or spec.tuning is None:
        return settings.kv_cache_dtype
    return spec.tuning.kv_cache_dtype


def _speculation(spec: DeploymentSpec, settings: Settings) -> str | None:
    """How to draft: as the person set, else as the option counts on."""
    method, tokens = "ngram", settings.speculative_tokens
    if tokens is None and spec.tuning is not None and spec.tuning.speculative_method is not None:
        method, tokens = spec.tuning.speculative_method, spec.tuning.speculative_tokens
    if tokens is None:
        return None
    lookup = {"prompt_lookup_max": _NGRAM_LOOKUP} if method == "ngram" else {}
    return compact({"method": method, "num_speculative_tokens": tokens, **lookup})
