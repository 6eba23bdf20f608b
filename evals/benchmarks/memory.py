"""The memory model against measured start-ups: fit its constants, report its errors.

`python -m evals.benchmarks.memory` prints the table; `--fit` writes the constants to `knowledge/data/memory.json`.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from knowledge import snapshot
from knowledge.facts import MemoryMeasurement, Model
from tools.memory.budget import GIB, EngineLimits, experts_workspace_bytes, memory_budget
from tools.memory.constants import MemoryConstants, memory_constants
from tools.memory.weights import native_precision
from tools.performance.configuration import Configuration

LIMITS = EngineLimits(max_sequences=1024, chunk_tokens=8192)  # vLLM 0.19 on an H100
CONSTANTS_FILE = Path(snapshot.__file__).parent / "data" / "memory.json"

# Measured models that the catalog does not hold: the catalog model with the same architecture, and what differs
# (from the models' own config.json).
_TWINS: dict[str, tuple[str, dict[str, object]]] = {
    "codellama/CodeLlama-7b-hf": ("meta-llama/Llama-2-7b-hf", {"vocab_size": 32016}),
    "deepseek-ai/DeepSeek-V2-Lite-Chat": ("deepseek-ai/DeepSeek-V2-Lite", {}),
    "ibm-granite/granite-3.3-8b-instruct": ("ibm-granite/granite-3.1-8b-instruct", {}),
    "ibm-granite/granite-vision-3.3-2b": ("ibm-granite/granite-3.1-2b-instruct", {"total_params_b": 2.98}),
    "moonshotai/Kimi-Dev-72B": ("Qwen/Qwen2.5-72B-Instruct", {}),
    "microsoft/phi-2": (
        "microsoft/Phi-3.5-mini-instruct",
        {
            "total_params_b": 2.78,
            "hidden_size": 2560,
            "intermediate_size": 10240,
            "vocab_size": 51200,
            "head_dim": 80,
            "kv_bytes_per_token_bf16": 327680.0,
            "context_window_tokens": 2048,
        },
    ),
    "RedHatAI/Llama-3.3-70B-Instruct-fp8-dynamic": ("meta-llama/Llama-3.3-70B-Instruct", {}),
    "RedHatAI/Qwen2.5-7B-Instruct-fp8-dynamic": ("Qwen/Qwen2.5-7B-Instruct", {}),
    "RedHatAI/Qwen2.5-7B-Instruct-quantized.w8a8": ("Qwen/Qwen2.5-7B-Instruct", {}),
    "RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16": ("meta-llama/Llama-3.1-8B-Instruct", {}),
    "RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w8a8": ("meta-llama/Llama-3.1-8B-Instruct", {}),
}
_FORMATS = {"fp8-dynamic": "fp8", "w8a8": "int8", "w4a16": "int4"}


@dataclass(frozen=True, slots=True)
class StartUp:
    """One measured start-up beside the configuration that it measured."""

    measured: MemoryMeasurement
    configuration: Configuration


def start_ups(facts: snapshot.Snapshot) -> list[StartUp]:
    """The start-ups that succeeded, with their architecture."""
    rows = (row for row in facts.memory_measurements if row.status == "ok")
    return [StartUp(row, _configuration(row, facts)) for row in rows]


def _configuration(row: MemoryMeasurement, facts: snapshot.Snapshot) -> Configuration:
    twin, differences = _TWINS.get(row.model_id, (row.model_id, {}))
    model: Model = replace(facts.models[twin], **differences)  # type: ignore[arg-type]  # field values by name
    precision = next((kind for mark, kind in _FORMATS.items() if mark in row.model_id), native_precision(model))
    card = replace(facts.accelerators["NVIDIA-H100-80GB-SXM"], vram_gib_reported=row.gpu_physical_memory_gib)
    return Configuration(model, card, precision, row.tensor_parallel, row.pipeline_parallel, row.data_parallel)


def fit(runs: Sequence[StartUp]) -> MemoryConstants:
    """Constants that reproduce the measured parts; medians and least squares, each from the rows that show it."""
    logit, hidden, graphs = [], [], []
    for run in runs:
        model, row = run.configuration.model, run.measured
        activation, captured = row.activation_gib_per_gpu or 0.0, row.cuda_graph_gib or 0.0
        experts, hidden_row = (
            experts_workspace_bytes(model, LIMITS, row.tensor_parallel),
            2.0 * model.hidden_size * LIMITS.chunk_tokens,
        )
        sampler = activation * GIB - experts - hidden_row
        if model.vocab_size >= 100_000:
            logit.append(sampler / model.vocab_size / LIMITS.max_sequences)
        elif model.kind != "moe":
            wide = 6.0 * LIMITS.chunk_tokens * (model.intermediate_size or 0) / row.tensor_parallel
            hidden.append((activation * GIB - wide) / hidden_row)
        many = float(row.tensor_parallel > 1)
        graphs.append((1.0, float(model.layers), float(model.kind == "moe"), many, captured))
    table = np.array(graphs)
    graph = np.linalg.lstsq(table[:, :4], table[:, 4], rcond=None)[0]
    one = [run.measured.non_torch_gib_per_gpu or 0.0 for run in runs if run.measured.tensor_parallel == 1]
    many_rows = [run.measured for run in runs if run.measured.tensor_parallel > 1]
    slope, base = np.polyfit(
        [r.tensor_parallel for r in many_rows], [r.non_torch_gib_per_gpu or 0 for r in many_rows], 1
    )
    return MemoryConstants(
        engine="vllm",
        engine_version=runs[0].measured.vllm_version,
        fitted_on=f"{len(runs)} start-ups, {runs[0].measured.source}",
        logit_bytes=round(median(logit), 3),
        hidden_buffers=round(median(hidden), 3),
        runtime_gib_one_card=round(median(one), 3),
        runtime_gib_many_cards=round(float(base), 3),
        runtime_gib_per_card=round(float(slope), 4),
        graph_gib=round(float(graph[0]), 3),
        graph_gib_per_layer=round(float(graph[1]), 4),
        graph_gib_experts=round(float(graph[2]), 3),
        graph_gib_many_cards=round(float(graph[3]), 3),
    )


def error(run: StartUp, constants: MemoryConstants) -> float:
    """Signed relative error of the predicted KV tokens."""
    row = run.measured
    budget = memory_budget(
        run.configuration,
        max_model_len=row.max_model_len,
        gpu_memory_utilization=row.gpu_memory_utilization,
        constants=constants,
    )
    return budget.kv_cache_tokens / (row.kv_cache_tokens or 1) - 1


def leave_one_model_out(runs: Sequence[StartUp]) -> list[float]:
    """Error of each run under constants that were fitted without any run of its model family twin."""
    errors = []
    for run in runs:
        name = run.configuration.model.model_id
        others = [other for other in runs if other.configuration.model.model_id != name]
        errors.append(error(run, fit(others)))
    return errors


def main(arguments: Sequence[str]) -> None:
    """Print the table, and write the constants when asked to."""
    runs = start_ups(snapshot.load())
    if "--fit" in arguments:
        CONSTANTS_FILE.write_text(json.dumps(asdict(fit(runs)), indent=2) + "\n")
        memory_constants.cache_clear()
    held_out = leave_one_model_out(runs)
    lines = [f"{'model':55} TP  measured  error  held out"]
    fitted = [error(run, memory_constants()) for run in runs]
    for run, seen, unseen in zip(runs, fitted, held_out, strict=True):
        row = run.measured
        lines.append(f"{row.model_id:55} {row.tensor_parallel}  {row.kv_cache_tokens:9} {seen:+6.1%} {unseen:+6.1%}")
    for name, errors in (("fitted", fitted), ("model left out", held_out)):
        sizes = sorted(abs(value) for value in errors)
        lines.append(f"{name}: median {median(sizes):.2%}, mean {np.mean(sizes):.2%}, worst {sizes[-1]:.1%}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
