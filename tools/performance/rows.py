"""Rows of a table of measurements as configurations under load; every row gets one, whatever is missing."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from knowledge.errors import BadInput, NotFound
from knowledge.facts import Accelerator, Model
from knowledge.names import resolve_accelerator, resolve_model
from knowledge.snapshot import Snapshot
from tools.memory.weights import native_precision, weight_bytes
from tools.performance.architecture import (
    DATASHEET,
    accelerator_from_datasheet,
    accelerator_of_unknown_kind,
    model_from_config,
    model_from_size,
)
from tools.performance.configuration import Configuration
from tools.performance.engines import build_year, engine_name

GIB = 2**30
_POOLS = re.compile(r"prefill (\d*)xTP(\d+)DP(\d+), decode (\d*)xTP(\d+)DP(\d+)")
_PRECISIONS = {
    "nvfp4": "fp4",
    "mxfp4": "fp4",
    "fp16": "fp16",
    "float16": "fp16",
    "bfloat16": "bf16",
    "gguf-q8_0": "int8",
    "gguf-q6_k": "int8",
    "gguf-f16": "fp16",
    "qat-mixed-int2-4-8": "int4",
    "awq": "int4",
    "gptq": "int4",
    "int4": "int4",
    "w4a16": "int4",
    "w8a8": "int8",
}
KNOWN_PRECISIONS = frozenset(["bf16", "fp16", "fp8", "int8", "fp4", "int4"])
_SIZE = re.compile(r"(\d+(?:\.\d+)?)[bB](?:[^a-zA-Z]|$)")
_WIDEST_TENSOR, _WIDE_GROUP = 16, 8
_MOST_CARDS = 65536
_MOST = 1e7
_LEAST_RPS = 1e-6
ROOFLINE_ENGINES = frozenset(["vllm", "sglang", "tensorrt-llm", "lmdeploy", "transformers-neuronx"])
DEFAULT_ISL, DEFAULT_OSL = 1024.0, 512.0
ARCHITECTURE = (
    "num_hidden_layers",
    "hidden_size",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
    "moe_intermediate_size",
    "num_experts",
    "num_experts_per_tok",
    "kv_lora_rank",
    "qk_rope_head_dim",
    "vocab_size",
)
"""Columns that describe a model the facts do not hold, named as in config.json; the first three are needed."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One row: a replica's configuration and the load on the whole deployment of `replicas` of them.

    `load` is "closed", "static", "open", "server" (open at an unknown rate) or "offline". A disaggregated deployment
    names cards and shape of its prefill pool; then `configuration` and `replicas` are those of the decode pool.
    """

    configuration: Configuration
    replicas: float
    isl: float
    osl: float
    load: str
    concurrency: float | None
    request_rate_rps: float | None
    year: float | None
    prefill_gpus: float = 0.0
    prefill_tensor: float = 0.0
    complete: bool = True  # every input of the roofline is known, and prompts run on the same cards


_LOADS = {
    "closed_concurrency": "closed",
    "static_batch": "static",
    "single_stream": "static",
    "burst_all_at_once": "burst",
    "open_poisson": "open",
    "open_constant": "open",
    "offline_max": "offline",
    "mlperf_offline": "offline",
    "mlperf_server": "server",
    "mlperf_interactive": "interactive",
}


def workloads(rows: Iterable[Mapping[str, str]], snapshot: Snapshot) -> list[Workload]:
    """One workload per row. Columns are those of the measurements; missing ones count as blank."""
    facts = _Facts(snapshot)
    return [_workload(row, facts) for row in rows]


class _Facts:
    """Look-ups with their results kept, since a table names few models and cards."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._models: dict[tuple[str, ...], tuple[Model, bool]] = {}
        self._cards: dict[tuple[str, ...], Accelerator] = {}
        self._configurations: dict[tuple[object, ...], Configuration] = {}

    def model(self, row: Mapping[str, str]) -> tuple[Model, bool]:
        """The model of a row, and whether its architecture is known."""
        key = _cells(row, ("arch_model_id", "model_id", "params_b", *ARCHITECTURE))
        if key not in self._models:
            self._models[key] = self._find_model(*key[:3], described=row)
        return self._models[key]

    def _find_model(
        self, architecture: str, name: str, size: str, *, described: Mapping[str, str]
    ) -> tuple[Model, bool]:
        for each in (architecture, name):
            if model := self.snapshot.models.get(each):
                return model, True
        title = name or architecture or "unknown"
        if model := _model_described(described, title, number(size)):
            return model, True
        for each in (architecture, name):
            if not each:
                continue
            try:
                return self.snapshot.models[resolve_model(each, self.snapshot)], True
            except NotFound:
                continue
        named = _SIZE.search(name or architecture)
        return model_from_size(title, number(size) or (float(named[1]) if named else 8.0)), False

    def accelerator(self, row: Mapping[str, str]) -> Accelerator:
        """The accelerator by name or alias, else by its datasheet; a typical card when nothing like it is known."""
        key = _cells(row, ("gpu_type", *DATASHEET))
        if key not in self._cards:
            name = key[0]
            card = self.snapshot.accelerators.get(name) or _card_described(row, name)
            if card is None:
                try:
                    card = self.snapshot.accelerators.get(resolve_accelerator(name, self.snapshot).gpu_type or "")
                except NotFound:
                    card = None
            self._cards[key] = card or accelerator_of_unknown_kind(name)
        return self._cards[key]

    def configuration(self, model: Model, card: Accelerator, *rest: object) -> Configuration:
        """One record per distinct configuration; models and cards are compared by identity, which is quick."""
        key = (id(model), id(card), *rest)
        if key not in self._configurations:
            self._configurations[key] = Configuration(model, card, *rest)  # type: ignore[arg-type]  # see its caller
        return self._configurations[key]


def _cells(row: Mapping[str, str], names: Iterable[str]) -> tuple[str, ...]:
    return tuple(row.get(name) or "" for name in names)


def _numbers(row: Mapping[str, str], names: Iterable[str]) -> dict[str, float]:
    """The cells of `names` that hold numbers which a model or an accelerator may have."""
    numbers = ((name, number(row.get(name))) for name in names)
    return {name: value for name, value in numbers if value is not None and 1 <= value <= _MOST}


def _model_described(row: Mapping[str, str], name: str, params_b: float | None) -> Model | None:
    """The model that the row's own columns describe; None when they do not, or not sensibly."""
    facts = _numbers(row, ARCHITECTURE)
    if not set(ARCHITECTURE[:3]) <= set(facts):
        return None
    try:
        return model_from_config(facts, name=name, params_b=params_b)
    except BadInput:
        return None


def _card_described(row: Mapping[str, str], name: str) -> Accelerator | None:
    """The accelerator whose datasheet stands in the row's own columns; None when they do not hold one."""
    facts = _numbers(row, DATASHEET)
    if not set(DATASHEET[:3]) <= set(facts):
        return None
    return accelerator_from_datasheet(name, **facts)  # type: ignore[arg-type]  # names are those of the function


def number(text: str | None) -> float | None:
    """A finite positive number, or None for anything else."""
    try:
        value = float(text) if text else 0.0
    except ValueError:
        return None
    return value if 0 < value < 1e12 else None


def _cards(text: str | None) -> int:
    """A number of cards or ranks: at least one, and no more than any machine room holds."""
    return int(min(max(number(text) or 1.0, 1.0), _MOST_CARDS))


def _within(text: str, least: float = 1.0) -> float | None:
    """A length (tokens) or a load, held inside what anybody would ask."""
    value = number(text)
    return None if value is None else min(max(value, least), _MOST)


def precision_of(text: str, model: Model, card: Accelerator) -> str:
    """The precision a row names; unnamed: what a benchmark of that card would use."""
    name = _PRECISIONS.get(text.strip().lower(), text.strip().lower())
    if name in KNOWN_PRECISIONS:
        return name
    if card.fp4_dense_tflops:
        return "fp4"
    return "fp8" if card.fp8_dense_tflops else native_precision(model)


def cache_type(engine: str, precision: str) -> str:
    """TensorRT-LLM uses an 8-bit cache with 8- and 4-bit checkpoints, which carry its scales; others must be told."""
    return "fp8" if engine == "tensorrt-llm" and precision in ("fp8", "fp4") else "auto"


def _workload(row: Mapping[str, str], facts: _Facts) -> Workload:
    def cell(name: str) -> str:
        return row.get(name) or ""

    model, known = facts.model(row)
    card = facts.accelerator(row)
    precision = precision_of(cell("quantization"), model, card)
    isl, osl = _within(cell("isl")), _within(cell("osl"))
    load = _load(row)
    pools = _POOLS.search(cell("notes")) if cell("serving_mode") == "disagg" else None
    tensor = _cards(cell("tensor_parallel")) if number(cell("tensor_parallel")) else 0
    pipeline, data, expert = (_cards(cell(f"{kind}_parallel")) for kind in ("pipeline", "data", "expert"))
    gpus = float(_cards(cell("gpu_count"))) if number(cell("gpu_count")) else float(max(tensor, 1) * pipeline * data)
    prefill_gpus = prefill_tensor = 0.0
    if pools:
        tensor, data = _cards(pools[5]), _cards(pools[6])
        decode = float(_cards(pools[4]) * tensor * data)
        prefill_tensor = float(_cards(pools[2]))
        prefill_gpus = max(gpus - decode, 1.0)
        gpus = max(min(decode, gpus - 1), 1.0)
    elif cell("serving_mode") == "disagg":
        prefill_gpus, prefill_tensor = gpus / 2, float(max(tensor, 1))
        gpus /= 2
    elif pipeline == 1:
        tensor, data, gpus = _counted_once(tensor, data, expert, gpus)
    tensor = min(tensor, int(gpus))  # tables of cards with several cores count those
    if tensor > _WIDEST_TENSOR:  # wide deployments run attention data-parallel, whatever the table calls it
        tensor, data = _WIDE_GROUP, data * tensor // _WIDE_GROUP
    if not tensor:
        tensor = fitting_tensor_parallel(model, card, precision, int(gpus))
    version = cell("engine_version")
    engine = engine_name(cell("engine"), card.vendor)
    configuration = facts.configuration(
        model,
        card,
        precision,
        tensor,
        pipeline,
        data,
        expert,
        engine,
        version or None,
        cache_type(engine, precision),
    )
    return Workload(
        configuration=configuration,
        replicas=max(gpus / configuration.gpu_count, 1.0),
        isl=isl or DEFAULT_ISL,
        osl=osl or DEFAULT_OSL,
        load=load,
        concurrency=_within(cell("concurrency")),
        request_rate_rps=_within(cell("request_rate"), _LEAST_RPS),
        year=build_year(engine, version, cell("measured_on")),
        prefill_gpus=prefill_gpus,
        prefill_tensor=prefill_tensor,
        complete=known
        and bool(isl and osl and cell("tensor_parallel") and cell("quantization"))
        and engine in ROOFLINE_ENGINES
        and not prefill_gpus
        and not cell("load_kind").startswith("mlperf"),
    )


def _counted_once(tensor: int, data: int, expert: int, gpus: float) -> tuple[int, int, float]:
    """Tensor and data parallel and cards of a replica, where a table multiplied them by its expert groups.

    Expert groups lie over the cards of the other groups. InferenceX's table lists runs on a node of eight once as
    8 cards with 8 expert ranks and once as 64, with the same times to the last digit; likewise 4 as 16.
    """
    if expert**2 == gpus == tensor * data > _WIDE_GROUP and 1 in (tensor, data):
        return max(tensor // expert, 1), max(data // expert, 1), gpus / expert
    return tensor, data, gpus


def _load(row: Mapping[str, str]) -> str:
    named = _LOADS.get(row.get("load_kind") or "")
    if number(row.get("concurrency")) is not None:
        return named if named in ("static", "burst") else "closed"
    if number(row.get("request_rate")) is not None:
        return "open"
    return named if named in ("server", "interactive") else "offline"


def fitting_tensor_parallel(model: Model, card: Accelerator, precision: str, gpus: int) -> int:
    """Smallest power of two of cards, up to eight of those there are, that hold the weights with room for a cache."""
    room = 0.7 * card.vram_gb * 1e9
    tensor = 1
    while tensor * 2 <= min(gpus, 8) and weight_bytes(model, precision, tensor_parallel=tensor) > room:
        tensor *= 2
    return tensor
