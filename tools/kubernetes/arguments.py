"""The vLLM command line of a plan: everything that decides behaviour is said, no default is relied on."""

import json
from collections.abc import Iterable, Mapping

from knowledge.errors import BadInput
from tools.deploy import DeploymentSpec
from tools.deploy.buckets import histogram_buckets
from tools.kubernetes.settings import Settings
from tools.kubernetes.weights import Weights
from tools.memory.budget import EngineLimits

PORT = 8080
LLM_PORT = 8000
SHUTDOWN_TIMEOUT_S = 60
QUEUE_FACTOR = 2
"""Requests that may be in flight per sequence that runs: beyond, an answer would be late anyway and 503 is kinder."""
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
        "custom-histogram-buckets": _buckets(spec),
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
        "custom-histogram-buckets": _buckets(spec, settings.time_factor),
        "host": "0.0.0.0",  # noqa: S104 - inside its own pod
        "port": port_of(settings),
    }
    return tuple(inert(f"--{flag}={value}") for flag, value in flags.items() if value is not None)


def _buckets(spec: DeploymentSpec, time_factor: float = 1.0) -> str | None:
    bounds = histogram_buckets(spec, time_factor=time_factor)
    return compact(bounds) if bounds else None


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
