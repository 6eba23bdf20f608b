"""Settings of the engine that an option leaves off: prefix caching and an FP8 KV cache, with what each would change.

Speculative decoding is not among them: its gain is the acceptance rate of a draft model on the person's own traffic,
which no public measurement tells.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from math import ceil
from typing import Any

import numpy as np

from tools.memory import memory_budget
from tools.performance.configuration import Configuration
from tools.performance.experience import NO_EXPERIENCE, Experience
from tools.performance.screening import Screen, corrected, screen
from tools.planner.capacity import CACHE_SHARE, capacity_within
from tools.planner.latency import latency, spread
from tools.planner.option import Option
from tools.planner.replicas import needed
from tools.planner.traffic import TrafficProfile

LEAST_REUSE = 0.02
_PREFIX_ASSUMPTION = "the reuse share is a ceiling: it assumes that the cache keeps every shared prefix"
_CACHE_ASSUMPTION = "half the bytes per cached token; what it costs in quality is in no data here, so test it"


@dataclass(frozen=True, slots=True)
class Variant:
    """An option with a setting on, at the planned peak; `monthly_usd` follows the machines, None where unknown.

    `capacity_gain` is the largest rate of a replica over that without the setting.
    """

    setting: str
    replicas: int
    max_rps_per_replica: float
    capacity_gain: float
    idle_ttft_ms: float
    monthly_usd: float | None
    saving_usd: float | None
    evidence: str
    assumption: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """One entry of `advice.variants`."""
        return asdict(self)


def variants(option: Option, traffic: TrafficProfile, experience: Experience = NO_EXPERIENCE) -> list[Variant]:
    """What the settings would change in a self-hosted option; none for APIs and where a setting changes nothing."""
    configuration, replicas = option.configuration, option.replicas
    if configuration is None or not replicas:
        return []
    plain = _largest(configuration, traffic, experience, reuse=0.0)[0]
    if plain <= 0:
        return []
    return list(_variants(option, configuration, traffic, experience, plain=plain))


def _variants(
    option: Option, configuration: Configuration, traffic: TrafficProfile, experience: Experience, *, plain: float
) -> Iterator[Variant]:
    reuse = traffic.prefix_reuse_share
    eight = replace(configuration, kv_dtype="fp8")
    tried = []
    if reuse >= LEAST_REUSE:
        tried.append(("prefix caching", configuration, reuse, _PREFIX_ASSUMPTION))
    if configuration.accelerator.fp8_dense_tflops and configuration.kv_dtype != "fp8":
        tried.append(("FP8 KV cache", eight, 0.0, _CACHE_ASSUMPTION))
        if reuse >= LEAST_REUSE:
            tried.append(("both", eight, reuse, f"{_PREFIX_ASSUMPTION}; {_CACHE_ASSUMPTION}"))
    for setting, changed, share, assumption in tried:
        rate, ttft_ms = _largest(changed, traffic, experience, reuse=share)
        yield _told(option, traffic, setting, assumption, gain=rate / plain, ttft_ms=ttft_ms)


def _largest(
    configuration: Configuration, traffic: TrafficProfile, experience: Experience, *, reuse: float
) -> tuple[float, float]:
    """Largest rate of a replica within the targets, and the TTFT percentile of an idle one, ms."""
    one = [configuration]
    alone = screen(one, isl=traffic.isl.mean, osl=traffic.osl.mean, residual=experience.residual)
    screened = _reusing(corrected(alone, one, experience), reuse)
    budget = memory_budget(configuration, max_model_len=traffic.context_tokens)
    held = budget.cache_bytes / max(budget.cache.sequence_bytes(traffic.isl.mean + traffic.osl.mean / 2), 1.0)
    most = min(held, budget.limits.max_sequences) * configuration.data_parallel * CACHE_SHARE
    top = np.maximum(np.minimum(np.array([most]), screened.cost.capacity_full), 1.0)
    wide = spread(screened, traffic, traffic.targets.percentile)
    idle = latency(screened.cost, screened.osl, np.array([0.02]), wide, traffic.targets.e2e_basis)
    return float(capacity_within(top, screened, traffic, wide).max_rps[0]), float(idle.ttft_ms[0])


def _reusing(screened: Screen, reuse: float) -> Screen:
    """Prompts of which a share is in the cache: only the rest is computed."""
    return replace(screened, cost=replace(screened.cost, prefill_ms=screened.cost.prefill_ms * (1 - reuse)))


def _told(
    option: Option, traffic: TrafficProfile, setting: str, assumption: str, *, gain: float, ttft_ms: float
) -> Variant:
    before, spares = option.replicas or 1, option.spare_replicas or 0
    rate = option.predicted.max_rps_per_replica * gain if option.predicted else 0.0
    after = min(int(needed(traffic.peak_qps, np.array([rate]))[0]) + spares, before)
    machines = option.instance_count or before
    left = ceil(after * machines / before)
    monthly = option.cost.monthly_usd
    then = None if monthly is None else round(monthly * left / machines, 2)
    saving = None if monthly is None or then is None else round(monthly - then, 2)
    share = f" with {traffic.prefix_reuse_share:.0%} of the prompts reused" if setting != "FP8 KV cache" else ""
    kept = f"{after} replicas instead of {before}" if after < before else f"still {before} replica{'s' * (before > 1)}"
    money = f", about ${saving:,.0f} a month less" if saving else ""
    text = f"{setting}{share}: up to {gain:.2f} × the load per replica, {kept}{money} (modelled)"
    return Variant(
        setting=setting,
        replicas=after,
        max_rps_per_replica=round(rate, 4),
        capacity_gain=round(gain, 4),
        idle_ttft_ms=round(ttft_ms, 2),
        monthly_usd=then,
        saving_usd=saving,
        evidence="modelled",
        assumption=assumption,
        text=text,
    )
