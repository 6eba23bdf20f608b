"""Settings of the engine that a plan does not count on: prefix caching, an FP8 KV cache, speculative decoding.

Each is tried where it can help, with its effect modelled and its assumption said. None is in the training data of the
latency model, so none is ever presented as measured.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from tools.performance.configuration import Configuration
from tools.performance.screening import Screen
from tools.planner.traffic import TrafficProfile
from tools.speculation import Speculation, speculated, speculation

LEAST_REUSE = 0.02
"""Share of prompt tokens below which a shared prefix is not worth a word."""

_PREFIX = "a ceiling: it assumes that the cache keeps every shared prefix and that requests find the replica holding it"
_CACHE = "half the bytes per cached token; what it costs in quality is in no data here, so test it"
_WORDS = {"mtp": "speculative decoding (MTP)", "ngram": "speculative decoding (n-gram)"}


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What is switched on. `prefix_reuse`: share of the prompt tokens that the cache then holds."""

    prefix_reuse: float = 0.0
    fp8_cache: bool = False
    speculation: Speculation | None = None

    @property
    def count(self) -> int:
        """How many settings are on."""
        return bool(self.prefix_reuse) + self.fp8_cache + (self.speculation is not None)

    @property
    def same_answers(self) -> bool:
        """Whether answers are what they were: all but the FP8 cache leave them alone."""
        return not self.fp8_cache

    @property
    def words(self) -> str:
        """The settings in words."""
        names = [
            *(["prefix caching"] if self.prefix_reuse else []),
            *(["FP8 KV cache"] if self.fp8_cache else []),
            *([_WORDS[self.speculation.method]] if self.speculation else []),
        ]
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 2 else names)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What each setting's effect rests on."""
        return (
            *(
                [f"prefix caching: {self.prefix_reuse:.0%} of the prompt tokens, {_PREFIX}"]
                if self.prefix_reuse
                else []
            ),
            *([f"FP8 KV cache: {_CACHE}"] if self.fp8_cache else []),
            *([f"{_WORDS[self.speculation.method]}: {self.speculation.assumption}"] if self.speculation else []),
        )

    def to_json(self) -> dict[str, Any]:
        """`settings` of an option: what the engine is told."""
        draft = self.speculation
        return {
            "prefix_caching": bool(self.prefix_reuse),
            "kv_cache_dtype": "fp8" if self.fp8_cache else "auto",
            "speculative_method": draft.method if draft else None,
            "speculative_tokens": draft.tokens if draft else None,
        }


def possible(configuration: Configuration, traffic: TrafficProfile) -> Iterator[EngineSettings]:
    """Every combination of the settings that make sense for a configuration under this traffic; fewest first."""
    draft = speculation(configuration.model, traffic.task_type, configuration.pipeline_parallel)
    single = [
        *(["prefix"] if traffic.prefix_reuse_share >= LEAST_REUSE else []),
        *(["cache"] if configuration.accelerator.fp8_dense_tflops and configuration.kv_dtype != "fp8" else []),
        *(["draft"] if draft else []),
    ]
    for count in range(1, len(single) + 1):
        for chosen in combinations(single, count):
            yield EngineSettings(
                traffic.prefix_reuse_share if "prefix" in chosen else 0.0,
                "cache" in chosen,
                draft if "draft" in chosen else None,
            )


def screened_with(screened: Screen, settings: Sequence[EngineSettings | None]) -> Screen:
    """The screen with prefixes reused and tokens drafted, one entry per configuration.

    An FP8 cache is a matter of the configuration (`kv_dtype`), which the screen was made of.
    """
    fresh = np.array([1 - each.prefix_reuse if each else 1.0 for each in settings])
    cost = replace(screened.cost, prefill_ms=screened.cost.prefill_ms * fresh)
    drafts = [each.speculation if each else None for each in settings]
    return replace(screened, cost=speculated(cost, drafts) if any(drafts) else cost)
