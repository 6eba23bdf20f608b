"""What the pinned vLLM knows: flags, metrics, histogram buckets and quantization methods, read from its own wheel."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

VERSION = "0.33.0"
IMAGE = f"vllm/vllm-openai:v{VERSION}"
WIRE_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


@dataclass(frozen=True, slots=True)
class VllmRelease:
    """Facts of one release. `metrics` maps a name to counter, gauge or histogram; buckets are bounds in seconds."""

    version: str
    flags: frozenset[str]
    metrics: Mapping[str, str]
    histogram_buckets_s: Mapping[str, tuple[float, ...]]
    quantization_methods: frozenset[str]

    @property
    def series(self) -> frozenset[str]:
        """Names as they stand on the wire: `_total` for counters, three per histogram."""
        return frozenset(name + suffix for name, kind in self.metrics.items() for suffix in WIRE_SUFFIXES[kind])


@cache
def vllm_release() -> VllmRelease:
    """The release that manifests are rendered for."""
    facts = json.loads((files("knowledge") / "data" / "vllm" / f"{VERSION}.json").read_bytes())
    return VllmRelease(
        version=facts["version"],
        flags=frozenset(facts["flags"]),
        metrics=facts["metrics"],
        histogram_buckets_s={name: tuple(bounds) for name, bounds in facts["histogram_buckets_s"].items()},
        quantization_methods=frozenset(facts["quantization_methods"]),
    )
