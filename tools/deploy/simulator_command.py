"""How the local target starts one replica: Sextant's own simulator, told what the plan says."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.deploy.buckets import histogram_buckets
from tools.deploy.specification import DeploymentSpec
from tools.memory.budget import DEFAULT_UTILIZATION

ENGINE = "vllm-simulator"

ReplicaCommand = Callable[[DeploymentSpec, int, float, int], tuple[str, ...]]
"""(specification, port, time factor, replica number) -> program and arguments."""


def simulator_command(spec: DeploymentSpec, port: int, time_factor: float, number: int) -> tuple[str, ...]:
    """`sextant simulator …` for replica `number`, which also seeds its jitter."""
    engine, buckets = spec.engine, histogram_buckets(spec, time_factor=time_factor)
    flags: dict[str, object | None] = {
        "--port": port,
        "--model": spec.model_id,
        "--gpu": spec.gpu_type,
        "--tensor-parallel": spec.tensor_parallel,
        "--pipeline-parallel": spec.pipeline_parallel,
        "--quantization": spec.quantization,
        "--max-model-len": engine.max_model_len,
        "--max-num-seqs": engine.max_num_seqs,
        "--max-num-batched-tokens": engine.max_num_batched_tokens,
        "--gpu-memory-utilization": engine.gpu_memory_utilization or DEFAULT_UTILIZATION,
        "--kv-cache-dtype": spec.tuning.kv_cache_dtype if spec.tuning else None,
        "--speculative-config": _speculation(spec),
        "--isl": round(spec.traffic.isl.mean) or 1,
        "--osl": round(spec.traffic.osl.mean) or 1,
        "--time-factor": time_factor,
        "--custom-histogram-buckets": _compact(buckets) if buckets else None,
        "--seed": number,
    }
    given = [str(part) for flag, value in flags.items() if value is not None for part in (flag, value)]
    return (str(Path(sys.executable).with_name("sextant")), "simulator", *given)


def _speculation(spec: DeploymentSpec) -> str | None:
    if spec.tuning is None or spec.tuning.speculative_method is None:
        return None
    return _compact(
        {"method": spec.tuning.speculative_method, "num_speculative_tokens": spec.tuning.speculative_tokens}
    )


def _compact(value: Mapping[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
