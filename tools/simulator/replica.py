"""From names and flags to what the simulated engine needs: step cost, KV blocks, batch limits, context."""

import json
from dataclasses import dataclass

from knowledge.errors import BadInput
from knowledge.names import resolve_accelerator, resolve_model
from knowledge.snapshot import Snapshot
from tools.memory import memory_budget, native_precision, usable_precision
from tools.performance import Configuration, StepCost, screen, step_cost
from tools.scheduler import Limits
from tools.simulator.measurements import cost_from
from tools.speculation import Method, drafting, speculated_steps

BLOCK_TOKENS = 16
_FREE_MODEL_LEN = 32_768
_FREE_LIMITS = (256, 8192)
_SLOWEST_MS = 3_600_000.0
_MOST_DRAFTED = 16


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for; `None` follows the model, the accelerator or vLLM's default.

    `isl` and `osl` are the mean lengths (tokens) at which the latency model is evaluated. `ttft_ms` and `tpot_ms`
    replace it by fixed times, and then neither model nor accelerator needs to be known.
    """

    model: str
    gpu: str | None = None
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    kv_cache_dtype: str = "auto"
    quantization: str | None = None
    benchmarks: str | None = None
    gpu_memory_utilization: float = 0.92
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    max_model_len: int | None = None
    max_num_queued_reqs: int | None = None
    max_num_queued_tokens: int | None = None
    prefix_caching: bool = True
    speculative: tuple[Method, int] | None = None
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    isl: int = 1000
    osl: int = 200


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica ready to be simulated; `description` says in words what it is."""

    model: str
    cost: StepCost
    limits: Limits
    max_model_len: int
    embedding_size: int
    description: dict[str, str]


def replica(wanted: Wanted, snapshot: Snapshot) -> Replica:
    """Resolve names, check that the model fits, and take the times from the latency model, a file, or as given."""
    if wanted.ttft_ms is not None or wanted.tpot_ms is not None:
        if wanted.benchmarks:
            raise BadInput(
                "the times are both fixed (--ttft-ms, --tpot-ms) and to be read from --benchmarks",
                "leave out one of them (BENCHMARKS_PATH counts as --benchmarks)",
                field="benchmarks",
            )
        return _with_fixed_times(wanted)
    if not wanted.gpu:
        raise BadInput("no accelerator given", "say --gpu, or fix the times with --ttft-ms and --tpot-ms", field="gpu")
    return _with_modelled_times(wanted, wanted.gpu, snapshot)


def _with_fixed_times(wanted: Wanted) -> Replica:
    tpot_ms = wanted.tpot_ms if wanted.tpot_ms is not None else wanted.ttft_ms or 0.0
    ttft_ms = wanted.ttft_ms if wanted.ttft_ms is not None else tpot_ms
    if not (0 < tpot_ms < _SLOWEST_MS and 0 < ttft_ms < _SLOWEST_MS):
        raise BadInput("--ttft-ms and --tpot-ms must be above 0 and below an hour", field="ttft_ms")
    max_model_len = wanted.max_model_len or _FREE_MODEL_LEN
    slots, chunk = wanted.max_num_seqs or _FREE_LIMITS[0], wanted.max_num_batched_tokens or _FREE_LIMITS[1]
    return Replica(
        model=wanted.model,
        cost=StepCost((1,), (tpot_ms,), 0.0, 0.0, max(0.0, ttft_ms - tpot_ms)),
        limits=_limits(wanted, slots, chunk, kv_blocks=-(-max_model_len // BLOCK_TOKENS) * slots),
        max_model_len=max_model_len,
        embedding_size=1024,
        description={"latency": "fixed", "ttft_ms": f"{ttft_ms:g}", "tpot_ms": f"{tpot_ms:g}"},
    )


def _with_modelled_times(wanted: Wanted, gpu: str, snapshot: Snapshot) -> Replica:
    model = snapshot.models[resolve_model(wanted.model, snapshot)]
    name = resolve_accelerator(gpu, snapshot)
    if name.gpu_type is None:
        raise BadInput(f"accelerator {gpu[:80]!r} is not one to plan for: {name.note}", field="gpu")
    accelerator = snapshot.accelerators[name.gpu_type]
    quantization = wanted.quantization or native_precision(model)
    if not usable_precision(model, accelerator, quantization):
        raise BadInput(
            f"{accelerator.gpu_type} cannot serve {model.model_id} in {quantization[:20]}",
            "choose another with --quantization: bf16, fp16, fp8, int8, fp4, int4",
            field="quantization",
        )
    if wanted.kv_cache_dtype not in ("auto", "fp8"):
        raise BadInput(
            f"kv-cache-dtype must be auto or fp8, not {wanted.kv_cache_dtype[:20]!r}", field="kv_cache_dtype"
        )
    configuration = Configuration(
        model,
        accelerator,
        quantization,
        tensor_parallel=wanted.tensor_parallel,
        pipeline_parallel=wanted.pipeline_parallel,
        kv_dtype=wanted.kv_cache_dtype,
    )
    share = wanted.gpu_memory_utilization
    budget = memory_budget(configuration, max_model_len=wanted.max_model_len or BLOCK_TOKENS,
                           gpu_memory_utilization=share)  # fmt: skip
    if not budget.fits:
        cards = f"{configuration.gpu_count} × {accelerator.gpu_type}"
        raise BadInput(
            f"{model.model_id} in {quantization} does not start on {cards}: {budget.reason}",
            "more cards (--tensor-parallel), a smaller precision or a shorter --max-model-len may help",
        )
    held = min(model.context_window_tokens, budget.kv_cache_tokens)
    slots = wanted.max_num_seqs or budget.limits.max_sequences
    chunk = wanted.max_num_batched_tokens or max(budget.limits.chunk_tokens, slots)
    if wanted.benchmarks:
        cost = cost_from(
            wanted.benchmarks,
            model=model.model_id,
            gpu=accelerator.gpu_type,
            tensor_parallel=wanted.tensor_parallel,
        )
    else:
        cost = step_cost(configuration, isl=wanted.isl, osl=wanted.osl)
        if wanted.speculative is not None:
            alone = screen([configuration], isl=wanted.isl, osl=wanted.osl)
            cost = speculated_steps(cost, alone.cost, drafting(*wanted.speculative, model))
    return Replica(
        model=model.model_id,
        cost=cost,
        limits=_limits(wanted, slots, chunk, kv_blocks=budget.kv_cache_tokens // BLOCK_TOKENS),
        max_model_len=wanted.max_model_len or held,
        embedding_size=model.hidden_size,
        description={
            "latency": "measured" if wanted.benchmarks else "modelled",
            "gpu": accelerator.gpu_type,
            "tensor_parallel": str(wanted.tensor_parallel),
            "pipeline_parallel": str(wanted.pipeline_parallel),
            "quantization": quantization,
        },
    )


def read_speculation(text: str | None) -> tuple[Method, int] | None:
    """Method and number of drafted tokens from vLLM's `--speculative-config`. Raises BadInput naming the fault."""
    if text is None:
        return None
    try:
        values = json.loads(text)
        method, tokens = values["method"], values["num_speculative_tokens"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"speculative-config {text[:60]!r} lacks method or num_speculative_tokens",
            'such as {"method": "ngram", "num_speculative_tokens": 4}',
            field="speculative_config",
        ) from error
    if method not in ("mtp", "ngram") or not isinstance(tokens, int) or not 1 <= tokens <= _MOST_DRAFTED:
        raise BadInput(
            "speculative-config is simulated for mtp and ngram with 1 to 16 tokens", field="speculative_config"
        )
    return method, tokens


def _limits(wanted: Wanted, slots: int, chunk: int, *, kv_blocks: int) -> Limits:
    if chunk < slots:
        raise BadInput(
            f"max-num-batched-tokens {chunk} is below max-num-seqs {slots}", "raise the one or lower the other",
            field="max_num_batched_tokens",
        )  # fmt: skip
    return Limits(
        max_num_seqs=slots,
        max_num_batched_tokens=chunk,
        kv_blocks=max(1, kv_blocks),
        block_tokens=BLOCK_TOKENS,
        max_num_queued_reqs=wanted.max_num_queued_reqs,
        max_num_queued_tokens=wanted.max_num_queued_tokens,
        prefix_caching=wanted.prefix_caching,
    )
