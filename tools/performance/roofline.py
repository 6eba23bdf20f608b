"""The calibrated roofline: time of an engine step and of a prompt from bytes, flops and messages.

Every formula with its source stands in docs/planner.md.

All functions take arrays of one entry per point and return milliseconds; nothing here loops over points.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.performance.points import GIB, MEMORY_UTILIZATION, RUNTIME_GIB, Floats, Points

_TOKENS_PER_STEP = 8192.0  # engines cap a step at this many tokens: more sequences than that wait
_MS = 1e3
_COLLECTIVES_PER_LAYER = 2  # one after attention, one after the feed-forward part
_BYTES_PER_ACTIVATION = 2.0


@dataclass(frozen=True, slots=True)
class Effects:
    """Calibrated efficiencies and overheads, one entry per point (names and bounds: physics.json)."""

    bandwidth: Floats  # share of the card's memory bandwidth that weights and cache are read at
    cache_bandwidth: Floats
    prefill: Floats  # share of the dense peak in prompts
    decode: Floats  # share of the dense peak in decode steps
    link: Floats
    collective_us: Floats
    layer_us: Floats
    step_us: Floats
    sequence_us: Floats
    interference: Floats  # share of a prompt's time that running sequences feel
    request_ms: Floats
    slack: Floats  # sequences that run, over those that the cache holds at mean length by the account of bytes
    queue: Floats  # share of the other sequences' prompts that a new one waits for in an idle replica
    crowd: Floats  # and what adds to it in one that is always busy with prompts

    def take(self, rows: npt.NDArray[Any]) -> "Effects":
        """The effects of `rows`."""
        return Effects(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True, slots=True)
class Costs:
    """What one replica's iteration costs at given lengths: coefficients of the batch size, per point."""

    other_ms: Floats
    expert_ms: Floats
    miss: Floats  # chance that one token leaves an expert untouched
    flop_ms: Floats  # per sequence
    fixed_ms: Floats  # overhead and collectives whatever the batch
    sequence_ms: Floats  # overhead and collectives per sequence
    cache_ms: Floats  # reading one sequence's cache at its mean length
    prefill_ms: Floats  # one prompt on its attention rank
    interference: Floats
    request_ms: Floats
    queue: Floats
    crowd: Floats
    first: Floats  # learned factor on the time to the first token
    ranks: Floats  # attention data-parallel ranks × pipeline stages: a stage works on this share of the batch
    stages: Floats
    data: Floats
    capacity: Floats  # sequences that the KV cache holds at their mean length
    capacity_full: Floats

    def take(self, rows: npt.NDArray[Any]) -> "Costs":
        """The costs of `rows`."""
        return Costs(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def __len__(self) -> int:
        return len(self.other_ms)


def cached_bytes(points: Points, tokens: Floats) -> Floats:
    """KV bytes of one sequence of `tokens` tokens, all layers, unsharded."""
    shape = points.shape
    window = np.where(shape["window"] > 0, np.minimum(tokens, shape["window"]), tokens)
    cache: Floats = tokens * shape["kv_bytes"] + window * shape["kv_window_bytes"]
    held: Floats = cache * points.kv_scale + tokens * shape["index_bytes"] + shape["state_bytes"]
    return held


def prompt_flops(points: Points, isl: Floats) -> Floats:
    """Multiply-adds × 2 of one prompt: weights, and causal attention over full and window layers."""
    shape = points.shape
    windowed = np.where(shape["window"] > 0, np.minimum(isl, shape["window"]), isl)
    attention = 2 * isl * (shape["attention_width"] * isl + shape["window_attention_width"] * windowed)
    flops: Floats = 2 * (shape["active_params"] - shape["head_params"]) * isl + attention
    return flops


def cache_room_bytes(points: Points) -> Floats:
    """Bytes of KV cache that one attention group (tensor × pipeline) can keep."""
    group = points.tensor * points.pipeline
    spread = np.maximum(points.gpus, points.expert)
    weights = points.expert_bytes / spread + (points.other_bytes + points.table_bytes / 2) / group
    room = MEMORY_UTILIZATION * points.memory_gib * GIB - weights - RUNTIME_GIB * GIB
    return np.maximum(room, 0.02 * points.memory_gib * GIB) * group


def costs(points: Points, effects: Effects, isl: Floats, osl: Floats) -> Costs:
    """Coefficients of every point at its lengths (tokens)."""
    shape, group = points.shape, points.tensor
    bytes_per_ms = points.bandwidth_gb_s * effects.bandwidth * 1e9 / _MS
    cache_bytes_per_ms = points.bandwidth_gb_s * effects.cache_bandwidth * 1e9 / _MS
    flops_per_ms = points.tflops * 1e12 / _MS
    link_per_ms = points.link_gb_s * effects.link * 1e9 / _MS
    spread = points.tensor * points.data
    shards = np.minimum(group, shape["kv_heads"])

    exchange = np.where(spread > 1, (spread - 1) / spread, 0.0)
    message = _COLLECTIVES_PER_LAYER * shape["layers"] * shape["hidden"] * _BYTES_PER_ACTIVATION * 2 * exchange
    collectives = _COLLECTIVES_PER_LAYER * shape["layers"] * effects.collective_us / _MS * (spread > 1)
    flops = prompt_flops(points, isl)
    mean_tokens = isl + osl / 2
    held = np.maximum(cached_bytes(points, mean_tokens), 1.0)  # encoders keep nothing
    full = np.maximum(cached_bytes(points, isl + osl), 1.0)
    read = held + shape["state_bytes"]  # a recurrent state is read and written back
    per_rank = cache_room_bytes(points) / points.pipeline
    shard_bytes = group / shards
    return Costs(
        other_ms=points.other_bytes / group / bytes_per_ms,
        expert_ms=points.expert_bytes / spread / bytes_per_ms,
        miss=1 - shape["experts_per_token"] / shape["experts"],
        flop_ms=2 * shape["active_params"] / spread / (flops_per_ms * effects.decode),
        fixed_ms=(shape["layers"] * effects.layer_us + points.pipeline * effects.step_us) / _MS + collectives,
        sequence_ms=effects.sequence_us / _MS + message / link_per_ms,
        cache_ms=read / shards / cache_bytes_per_ms,
        prefill_ms=flops / (group * points.pipeline) / (flops_per_ms * effects.prefill)
        + isl * message / link_per_ms
        + shape["layers"] * effects.layer_us / _MS,
        interference=effects.interference,
        request_ms=effects.request_ms,
        queue=effects.queue,
        crowd=effects.crowd,
        first=np.ones_like(isl),
        ranks=points.data * points.pipeline,
        stages=points.pipeline,
        data=points.data,
        capacity=np.maximum(per_rank * points.pipeline / (held * shard_bytes) * effects.slack, 1) * points.data,
        capacity_full=np.maximum(per_rank * points.pipeline / (full * shard_bytes), 1) * points.data,
    )


def decode_ms(cost: Costs, batch: Floats) -> Floats:
    """Step that gives each of `batch` sequences (whole replica) one token, without reading their caches."""
    flight = batch / cost.stages  # sequences in one stage at a time
    local = np.maximum(batch / cost.ranks, np.minimum(batch, 1.0))
    touched = 1 - cost.miss ** np.maximum(flight, 1.0)
    memory = cost.other_ms + cost.expert_ms * touched
    compute = cost.flop_ms * flight
    work = np.cbrt(memory * memory * memory + compute * compute * compute)  # how hard the two bounds change places
    return work + cost.fixed_ms + cost.sequence_ms * local


def step_ms(cost: Costs, batch: Floats) -> Floats:
    """Decode step of `batch` sequences at their mean length, caches included."""
    return decode_ms(cost, batch) + cost.cache_ms * np.maximum(batch / cost.data, np.minimum(batch, 1.0))


@dataclass(frozen=True, slots=True)
class Serving:
    """Mean times and rate of a replica under a load; arrays."""

    ttft_ms: Floats
    tpot_ms: Floats
    output_tok_s: Floats
    batch: Floats


def closed_loop(cost: Costs, osl: Floats, concurrency: Floats, *, burst: bool = False) -> Serving:
    """`concurrency` requests always in the replica; those beyond the KV cache wait. Little's law holds.

    In a `burst` all come at once, so that each waits for half of the prompts.
    """
    running = np.minimum(concurrency, cost.capacity)
    step = step_ms(cost, running)
    local = np.maximum(running / cost.data, np.minimum(running, 1.0))
    steps = np.maximum(osl - 1, 1)
    crowd = 1 - 1 / np.maximum(running, 1)
    tpot = step + cost.interference * local * cost.prefill_ms / steps * crowd
    prompts = local * cost.prefill_ms
    share = 0.5 if burst else cost.queue + cost.crowd * prompts / (prompts + osl * step)
    ahead = share * (local - 1)
    first = cost.request_ms + step_ms(cost, np.ones_like(running)) + cost.prefill_ms * (1 + ahead)
    first = first * cost.first
    stay = first + steps * tpot
    waiting = np.maximum(concurrency / running - 1, 0) * stay
    ttft = first + waiting
    return Serving(ttft, tpot, concurrency * osl / (ttft + (osl - 1) * tpot) * _MS, running)


def static_batch(cost: Costs, osl: Floats, batch: Floats) -> Serving:
    """`batch` requests start and end together: one prefill of all, then steps; in waves if the cache is too small."""
    running = np.minimum(batch, cost.capacity)
    local = np.maximum(running / cost.data, np.minimum(running, 1.0))
    step = step_ms(cost, running)
    ttft = cost.request_ms + step_ms(cost, np.ones_like(running)) + cost.prefill_ms * local
    waves = batch / running
    total = (ttft + np.maximum(osl - 1, 0) * step) * waves
    return Serving(ttft, step, batch * osl / total * _MS, running)


def disaggregated(
    cost: Costs, osl: Floats, concurrency: Floats, *, prompt_ms: Floats, prompt_servers: Floats
) -> Serving:
    """Closed loop over decode replicas fed by a pool of `prompt_servers` that take `prompt_ms` per prompt each.

    `cost` and `concurrency` are those of one decode replica, `prompt_servers` its share of the pool. Prompts cannot
    pass faster than the pool serves them: what that adds to the stay of a request it waits before its first token.
    """
    running = np.minimum(concurrency, cost.capacity)
    tpot = step_ms(cost, running)
    steps = np.maximum(osl - 1, 1)
    ahead = np.maximum(concurrency / prompt_servers - 1, 0)
    first = cost.request_ms + step_ms(cost, np.ones_like(running)) + prompt_ms * (1 + cost.queue * ahead)
    stay = np.maximum(first + steps * tpot, concurrency * prompt_ms / prompt_servers) * (concurrency / running)
    ttft = stay - steps * tpot
    return Serving(ttft, tpot, concurrency * osl / stay * _MS, running)


def offline(cost: Costs, osl: Floats, occupancy: Floats) -> Serving:
    """Everything queued at once: the batch is what cache and step budget allow, prefill and decode share the time."""
    batch = np.maximum(np.minimum(cost.capacity_full * occupancy, _TOKENS_PER_STEP / 4 * cost.data), 1)
    step = step_ms(cost, batch)
    work = osl * step + batch / cost.data * cost.prefill_ms
    tpot = step + cost.interference * batch / cost.data * cost.prefill_ms / osl
    ttft = cost.request_ms + step + cost.prefill_ms * (1 + cost.queue * (batch / cost.data - 1))
    return Serving(ttft, tpot, batch * osl / work * _MS, batch)
