"""One question about one deployment in the words of the command line, and its full answer as JSON values."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from knowledge.errors import BadInput
from knowledge.facts import Accelerator, Model
from knowledge.names import resolve_accelerator, resolve_model
from knowledge.snapshot import Snapshot
from tools.memory.budget import MemoryBudget, memory_budget
from tools.memory.weights import native_precision
from tools.performance.architecture import DATASHEET, accelerator_from_datasheet, model_from_config
from tools.performance.configuration import Configuration
from tools.performance.evidence import Neighbour
from tools.performance.experience import NO_EXPERIENCE, Experience
from tools.performance.infeasible import infeasible
from tools.performance.prediction import Prediction, predict
from tools.performance.rows import KNOWN_PRECISIONS, number

ENGINES = ("vllm", "sglang", "tensorrt-llm")
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is asked. Load is that of the whole deployment; `config` is the text of a config.json.

    `datasheet` gives an accelerator that is not in the facts by its numbers: `vram_gb=96,memory_bandwidth_gb_s=4000,…`.
    """

    model: str
    gpu: str
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    data_parallel: int = 1
    expert_parallel: int = 1
    quantization: str = ""
    kv_dtype: str = "auto"
    engine: str = "vllm"
    replicas: int = 1
    isl: float = 1024
    osl: float = 256
    concurrency: float | None = None
    request_rate_rps: float | None = None
    config: str | None = None
    params_b: float | None = None
    datasheet: str = ""


def answer(asked: Inquiry, snapshot: Snapshot, experience: Experience = NO_EXPERIENCE) -> dict[str, Any]:
    """Contract of `sextant predict --json`. Raises BadInput or NotFound naming the field that was wrong.

    Where `fits` is false, `infeasible` holds the rule, the number and the nearest that fits, and the times are those
    that it would have if it started.
    """
    configuration = _configuration(asked, snapshot)
    count = asked.replicas
    _positive(replicas=count)
    shared = replace(
        asked,
        concurrency=None if asked.concurrency is None else asked.concurrency / count,
        request_rate_rps=None if asked.request_rate_rps is None else asked.request_rate_rps / count,
    )
    predicted = predict(
        configuration,
        isl=shared.isl,
        osl=shared.osl,
        concurrency=shared.concurrency,
        request_rate_rps=shared.request_rate_rps,
        experience=experience,
    )
    budget = memory_budget(configuration, max_model_len=int(asked.isl + asked.osl))
    unfit = infeasible(configuration, budget)
    asked_for = _summary(asked, configuration)
    return {
        "fits": unfit is None,
        "summary": f"{unfit.text} Asked: {asked_for}" if unfit else asked_for,
        "infeasible": unfit.to_json() if unfit else None,
        "configuration": _described(configuration, count),
        "load": {"isl": asked.isl, "osl": asked.osl, "concurrency": asked.concurrency, "rps": asked.request_rate_rps},
        "ttft_ms": asdict(predicted.ttft_ms),
        "tpot_ms": asdict(predicted.tpot_ms),
        "e2e_ms": asdict(predicted.e2e_ms),
        "output_tok_s": predicted.output_tok_s * count,
        "requests_per_s": predicted.requests_per_s * count,
        "max_concurrency": budget.max_sequences(asked.isl + asked.osl) * count if budget.fits else 0,
        "saturated": predicted.saturated,
        "memory": _memory(budget),
        "interval_80": _intervals(predicted, count),
        "evidence": {
            "kind": predicted.evidence.kind,
            "distance": predicted.evidence.distance,
            "neighbours": [_neighbour(each) for each in predicted.evidence.neighbours],
            "own": predicted.evidence.own,
        },
    }


def _configuration(asked: Inquiry, snapshot: Snapshot) -> Configuration:
    model = _model(asked, snapshot)
    card = _accelerator(asked, snapshot)
    precision = asked.quantization.strip().lower() or native_precision(model)
    if precision not in KNOWN_PRECISIONS:
        raise BadInput(
            f"unknown quantization {asked.quantization!r}",
            f"one of {', '.join(sorted(KNOWN_PRECISIONS))}",
            field="quantization",
        )
    if asked.engine not in ENGINES:
        raise BadInput(f"unknown engine {asked.engine!r}", f"one of {', '.join(ENGINES)}", field="engine")
    if asked.kv_dtype not in ("auto", "fp8"):
        raise BadInput(f"unknown kv_dtype {asked.kv_dtype!r}", "auto or fp8", field="kv_dtype")
    _positive(
        tensor_parallel=asked.tensor_parallel,
        pipeline_parallel=asked.pipeline_parallel,
        data_parallel=asked.data_parallel,
        expert_parallel=asked.expert_parallel,
    )
    return Configuration(
        model=model,
        accelerator=card,
        quantization=precision,
        tensor_parallel=asked.tensor_parallel,
        pipeline_parallel=asked.pipeline_parallel,
        data_parallel=asked.data_parallel,
        expert_parallel=asked.expert_parallel,
        engine=asked.engine,
        kv_dtype=asked.kv_dtype,
    )


def _accelerator(asked: Inquiry, snapshot: Snapshot) -> Accelerator:
    if asked.datasheet:
        return _from_datasheet(asked.gpu or "accelerator", asked.datasheet)
    if not asked.gpu:
        raise BadInput("which accelerator? --gpu is missing", "for example --gpu H100", field="gpu")
    gpu_type = resolve_accelerator(asked.gpu, snapshot).gpu_type
    if gpu_type is None:
        raise BadInput(f"{asked.gpu} is known but has no facts to predict from", "name another card", field="gpu")
    return snapshot.accelerators[gpu_type]


def _from_datasheet(name: str, text: str) -> Accelerator:
    numbers: dict[str, float] = {}
    for part in text.split(","):
        key, _, value = (piece.strip() for piece in part.partition("="))
        known = number(value)
        if key not in DATASHEET or known is None:
            cure = f"write name=number, names: {', '.join(DATASHEET)}"
            raise BadInput(f"cannot use {part.strip()!r} of the datasheet", cure, field="datasheet")
        numbers[key] = known
    if missing := [key for key in DATASHEET[:3] if key not in numbers]:
        raise BadInput(f"the datasheet has no {missing[0]}", f"it needs {', '.join(DATASHEET[:3])}", field="datasheet")
    return accelerator_from_datasheet(name, **numbers)  # type: ignore[arg-type]  # keys are checked just above


def _model(asked: Inquiry, snapshot: Snapshot) -> Model:
    if asked.config is not None:
        try:
            config = json.loads(asked.config)
        except json.JSONDecodeError as error:
            raise BadInput(f"config.json is not JSON: {error.msg} in line {error.lineno}", field="config") from error
        if not isinstance(config, dict):
            raise BadInput("config.json does not hold an object", field="config")
        return model_from_config(config, name=asked.model, params_b=asked.params_b)
    if not asked.model:
        raise BadInput("which model? --model is missing", "for example --model Qwen/Qwen3-8B", field="model")
    model = snapshot.models[resolve_model(asked.model, snapshot)]
    if model.kind not in ("dense", "moe"):
        raise BadInput(f"{model.model_id} does not generate text", "name a chat or completion model", field="model")
    return model


def _positive(**values: int) -> None:
    for name, value in values.items():
        if not 1 <= value <= 4096:
            raise BadInput(f"{name} must be from 1 to 4096, not {value}", field=name)


def _described(configuration: Configuration, replicas: int) -> dict[str, Any]:
    return {
        "model_id": configuration.model.model_id,
        "gpu_type": configuration.accelerator.gpu_type,
        "quantization": configuration.quantization,
        "tensor_parallel": configuration.tensor_parallel,
        "pipeline_parallel": configuration.pipeline_parallel,
        "data_parallel": configuration.data_parallel,
        "expert_parallel": configuration.expert_parallel,
        "engine": configuration.engine,
        "replicas": replicas,
        "gpu_count": configuration.gpu_count * replicas,
    }


def _summary(asked: Inquiry, configuration: Configuration) -> str:
    load = "at its offline maximum"
    if asked.concurrency is not None:
        load = f"with {asked.concurrency:g} requests in flight"
    elif asked.request_rate_rps is not None:
        load = f"at {asked.request_rate_rps:g} requests/s"
    cards = configuration.gpu_count * asked.replicas
    what = f"{configuration.model.model_id} ({configuration.quantization})"
    where = f"{cards}x {configuration.accelerator.gpu_type}, {configuration.engine}"
    return f"{what} on {where}: {asked.isl:g} tokens in, {asked.osl:g} out, {load}"


def _memory(budget: MemoryBudget) -> dict[str, Any]:
    size = budget.memory_bytes
    summary = (
        f"Memory per card: {budget.weight_bytes / _GIB:.1f} GiB weights and {budget.cache_bytes / _GIB:.1f} GiB cache "
        f"of {size / _GIB:.1f} GiB; {budget.kv_cache_tokens:,} tokens of cache"
    )
    return {
        "fits": budget.fits,
        "reason": budget.reason,
        "memory_gib_per_gpu": size / _GIB,
        "weight_gib_per_gpu": budget.weight_bytes / _GIB,
        "activation_gib_per_gpu": budget.activation_bytes / _GIB,
        "runtime_gib_per_gpu": budget.runtime_bytes / _GIB,
        "cache_gib_per_gpu": budget.cache_bytes / _GIB,
        "graph_gib_per_gpu": budget.graph_bytes / _GIB,
        "kv_cache_tokens": budget.kv_cache_tokens,
        "summary": summary if budget.fits else f"Does not start: {budget.reason}",
    }


def _intervals(predicted: Prediction, replicas: int) -> dict[str, list[float]]:
    scale = {"output_tok_s": replicas}
    return {
        name: [low * scale.get(name, 1), high * scale.get(name, 1)]
        for name, (low, high) in predicted.interval_80.items()
    }


def _neighbour(each: Neighbour) -> dict[str, Any]:
    known = [
        f"{value:,.{digits}f} {unit}"
        for value, digits, unit in (
            (each.output_tok_s, 0, "tok/s"),
            (each.ttft_ms, 0, "ms TTFT"),
            (each.tpot_ms, 1, "ms TPOT"),
        )
        if value is not None
    ]
    return {**asdict(each), "values": f": {', '.join(known)}" if known else ""}
