"""The facts that ship with Sextant, as one immutable, versioned snapshot. Each data set is read when first touched."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from knowledge.facts import (
    Accelerator,
    AcceleratorAlias,
    ApiPrice,
    Benchmark,
    CardPrice,
    Instance,
    MemoryMeasurement,
    Model,
    ModelQuality,
    QualityScore,
    QualityThreshold,
    Source,
    TraceRequest,
    TraceStatistics,
    UseCase,
)
from knowledge.loading import read_records, read_text
from knowledge.use_cases import read_use_cases

DATA = Path(__file__).parent / "data"
NO_FACTS = frozenset([".py", ".pyc", ".unfinished"])
VERSION_DIGITS = 12


@dataclass(frozen=True)
class Snapshot:
    """Facts of one directory. Two snapshots with the same `version` hold the same facts."""

    directory: Path

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        # Another process reads the files itself instead of being sent them.
        return load, (self.directory,)

    @cached_property
    def version(self) -> str:
        """Short digest over every data file of the directory, so that any change of the facts changes it."""
        digest = sha256()
        for path in sorted(self.directory.rglob("*")):
            if path.is_file() and path.suffix not in NO_FACTS and not path.name.startswith("."):
                digest.update(path.relative_to(self.directory).as_posix().encode())
                digest.update(sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:VERSION_DIGITS]

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """Sources by id."""
        return MappingProxyType({row.source: row for row in read_records(self.directory / "sources.csv", Source)})

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """Open-weight models by hub id."""
        return MappingProxyType({row.model_id: row for row in read_records(self.directory / "models.csv", Model)})

    @cached_property
    def accelerators(self) -> Mapping[str, Accelerator]:
        """Accelerators by `gpu_type`."""
        rows = read_records(self.directory / "accelerators.csv", Accelerator)
        return MappingProxyType({row.gpu_type: row for row in rows})

    @cached_property
    def aliases(self) -> Mapping[str, AcceleratorAlias]:
        """Other names of accelerators and names of cloud instances, by lower-case name."""
        rows = read_records(self.directory / "aliases.csv", AcceleratorAlias)
        return MappingProxyType({row.alias.lower(): row for row in rows})

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """Rented machines with their prices."""
        return read_records(self.directory / "instances.csv", Instance)

    @cached_property
    def cards(self) -> Mapping[str, CardPrice]:
        """Street prices of cards by `gpu_type`."""
        return MappingProxyType({row.gpu_type: row for row in read_records(self.directory / "cards.csv", CardPrice)})

    @cached_property
    def use_cases(self) -> Mapping[str, UseCase]:
        """Default targets and traffic by task type."""
        return read_use_cases(self.directory / "use_cases.csv")

    @cached_property
    def quality(self) -> Mapping[tuple[str, str], ModelQuality]:
        """Quality by model and task type; a pair that is not there is unknown."""
        rows = read_records(self.directory / "quality_by_task.csv", ModelQuality)
        return MappingProxyType({(row.model_id, row.task_type): row for row in rows})

    @cached_property
    def quality_thresholds(self) -> Mapping[tuple[str, str], QualityThreshold]:
        """What "standard", "high" and "very_high" ask for, by task type and quality word."""
        rows = read_records(self.directory / "quality_thresholds.csv", QualityThreshold)
        return MappingProxyType({(row.task_type, row.quality): row for row in rows})

    @cached_property
    def api_prices(self) -> tuple[ApiPrice, ...]:
        """Standard, batch, cached and long-context prices of APIs."""
        return read_records(self.directory / "api_prices.csv.gz", ApiPrice)

    @cached_property
    def api_prices_retired(self) -> tuple[ApiPrice, ...]:
        """Prices of models past their retirement, for old invoices."""
        return read_records(self.directory / "api_prices_retired.csv.gz", ApiPrice)

    @cached_property
    def api_service_tiers(self) -> tuple[ApiPrice, ...]:
        """Prices of priority, flex and other service tiers."""
        return read_records(self.directory / "api_service_tiers.csv.gz", ApiPrice)

    @cached_property
    def benchmarks(self) -> tuple[Benchmark, ...]:
        """Measured serving points whose licence lets them ship."""
        return read_records(self.directory / "benchmarks.csv.gz", Benchmark)

    @cached_property
    def memory_measurements(self) -> tuple[MemoryMeasurement, ...]:
        """Measured start-ups of vLLM."""
        return read_records(self.directory / "memory_measurements.csv", MemoryMeasurement)

    @cached_property
    def quality_scores(self) -> tuple[QualityScore, ...]:
        """Published quality scores whose licence lets them ship."""
        return read_records(self.directory / "quality_scores.csv.gz", QualityScore)

    @cached_property
    def traces(self) -> Mapping[str, TraceStatistics]:
        """Statistics of public traffic traces by name."""
        rows = read_records(self.directory / "workloads" / "trace_statistics.csv", TraceStatistics)
        return MappingProxyType({row.trace: row for row in rows})

    @cached_property
    def conversation_trace(self) -> tuple[TraceRequest, ...]:
        """The first 3,000 requests of Mooncake's conversation trace, with the blocks that their prompts share."""
        text = read_text(self.directory / "workloads" / "mooncake_conversation.jsonl.gz")
        rows = map(json.loads, text.splitlines())
        return tuple(
            TraceRequest(row["timestamp"], row["input_length"], row["output_length"], tuple(row["hash_ids"]))
            for row in rows
        )


def load(directory: Path = DATA) -> Snapshot:
    """The snapshot of `directory`, by default the facts that ship; read once in a process."""
    return _read_once(directory)


_read_once = lru_cache(maxsize=4)(Snapshot)
