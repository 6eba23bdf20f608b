"""The facts that ship with Sextant, as one immutable, versioned snapshot. Each data set is read when first touched."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from knowledge.facts import (
    Accelerator,
    AcceleratorAlias,
    ApiPrice,
    Benchmark,
    CardPrice,
    Instance,
    MemoryMeasurement,
    Model,
    QualityScore,
    Source,
)
from knowledge.loading import read_records

DATA = Path(__file__).parent / "data"
VERSION_DIGITS = 12


@dataclass(frozen=True)
class Snapshot:
    """Facts of one directory. Two snapshots with the same `version` hold the same facts."""

    directory: Path

    @cached_property
    def version(self) -> str:
        """Short digest over every file of the directory, so that any change of the facts changes it."""
        digest = sha256()
        for path in sorted(self.directory.rglob("*")):
            if path.is_file() and path.suffix not in {".py", ".pyc", ".unfinished"}:
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


@lru_cache(maxsize=4)
def load(directory: Path = DATA) -> Snapshot:
    """The snapshot of `directory`, by default the facts that ship."""
    return Snapshot(directory)
