"""Bring a folder of gathered tables into the project's own files: ``python -m knowledge.importing SOURCE_DIR``.

Figures are copied digit by digit. A row ships when its source is in `sources.csv` with terms `shipped` or `facts` and
under the same licence; an unknown source or a changed licence stops the import, so that a person judges it first.
"""

import csv
import dataclasses
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from knowledge.errors import BadInput, SextantError
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
    TraceStatistics,
)
from knowledge.licences import may_ship
from knowledge.loading import decoded_rows, read_records, read_text, write_records, write_rows, write_text
from knowledge.snapshot import DATA

GATHERED_ON = date(2026, 11, 21)

Row = dict[str, str]
MEMORY_SOURCE = "vllm-startups"
TRACE_SOURCES = {
    "Azure/AzurePublicDataset": "azure-llm-2023",
    "kvcache-ai/Mooncake": "mooncake",
    "alibaba/ServeGen": "servegen",
    "openshift-psap/performance-dashboard": "mlperf-lengths",
    "microsoft/vidur": "arxiv-summarization",
}
LEAST_MEMORY_SHARE = 0.95
KIMI_K3_ACTIVE_B = "105.8"
KIMI_K3_NOTE = (
    "; active parameters derived: routed experts 92 x 896 x 3 x 3584 x 3072 = 2722.7 B of which 16 of 896 are used, "
    "and all of the other 57.2 B"
)


def _rows(path: Path) -> list[Row]:
    return list(csv.DictReader(read_text(path).splitlines(keepends=True)))


def _renamed(row: Row, names: Mapping[str, str]) -> Row:
    return {names.get(name, name): cell for name, cell in row.items()}


def _kept(rows: Iterable[Row], record: type[Any]) -> Iterator[Row]:
    fields = {field.name for field in dataclasses.fields(record)}
    return ({name: cell for name, cell in row.items() if name in fields} for row in rows)


def _truth(cell: str) -> str:
    return cell.lower() or "false"


def model_row(row: Row) -> Row:
    """A model in the project's columns. Blank KV parts and MTP layers are zero; encoders have no output matrix."""
    row = _renamed(
        row,
        {
            "type": "kind",
            "license": "licence",
            "context_window": "context_window_tokens",
            "default_quantized_variants": "quantized_variants",
        },
    )
    if row["model_id"] == "moonshotai/Kimi-K3" and not row["active_params_b"]:
        row |= {"active_params_b": KIMI_K3_ACTIVE_B, "note": row["note"] + KIMI_K3_NOTE}
    zero_when_blank = (
        "kv_window_bytes_per_token_bf16",
        "kv_index_bytes_per_token",
        "kv_state_bytes_per_sequence",
        "mtp_layers",
    )
    return row | {
        **{name: row[name] or "0" for name in zero_when_blank},
        "tied_embeddings": (row["tied_embeddings"] or "true").lower(),
        "vision_tower": _truth(row["vision_tower"]),
        "supports_tools": {"yes": "true", "no": "false"}.get(row["supports_tools"], ""),
        "languages": row["languages"].replace(" ", ";"),
        "verified": row["verified"] or "no",
    }


def accelerator_row(row: Row) -> Row:
    """An accelerator in the project's columns."""
    return _renamed(
        row,
        {
            "mem_bw_gb_s": "memory_bandwidth_gb_s",
            "interconnect_gb_s_unidirectional_per_gpu": "interconnect_gb_s",
            "price_note": "launch_price_note",
        },
    )


def _named(gpu_type: str, vram_gb: Mapping[str, float], aliases: Mapping[str, str]) -> tuple[str, str]:
    """The accelerator that a price list's name means, and a remark where the name was another.

    A smaller card sold under the name of a bigger one keeps its own name, so that nobody plans with memory it lacks.
    """
    target = gpu_type if gpu_type in vram_gb else aliases.get(gpu_type.lower())
    if target is None:
        raise BadInput(f"accelerator {gpu_type!r} is neither among the accelerators nor the aliases", "add an alias")
    listed_gb = re.search(r"(\d+)GB", gpu_type)
    smaller = listed_gb and target and float(listed_gb.group(1)) < LEAST_MEMORY_SHARE * vram_gb[target]
    if target == gpu_type or not target or smaller:
        return gpu_type, ""
    return target, f"listed as {gpu_type}"


def priced_row(row: Row, vram_gb: Mapping[str, float], aliases: Mapping[str, str]) -> Row:
    """An instance or a card with its accelerator under the project's name."""
    gpu_type, remark = _named(row["gpu_type"], vram_gb, aliases)
    row = {re.sub(r"_usd_hour$", "_usd_per_hour", name): cell for name, cell in row.items()}
    return row | {"gpu_type": gpu_type, "notes": "; ".join(part for part in (row["notes"], remark) if part)}


def api_row(row: Row) -> Row:
    """An API price in the project's columns."""
    row = _renamed(row, {"context_window": "context_window_tokens"})
    return row | {"corroborated_by": row["corroborated_by"].replace("|", ";")}


def benchmark_row(row: Row, vram_gb: Mapping[str, float], aliases: Mapping[str, str]) -> Row:
    """A measured point with its accelerator under the project's name and its file with commit."""
    return row | {
        "gpu_type": _named(row["gpu_type"], vram_gb, aliases)[0],
        "request_rate_rps": row["request_rate"],
        "source_path": f"{row['source_path']}@{row['source_commit'][:12]}",
    }


def quality_row(row: Row, sources: Mapping[tuple[str, str], str]) -> Row:
    """A quality score with the id of its source and the date of the copy it was read from."""
    origin, licence = row["source_repo_or_page"], row["licence"]
    if (origin, licence) not in sources:
        raise BadInput(f"quality source {origin!r} under {licence!r} is not in sources.csv", "judge it and add a row")
    dated = re.search(r"\d{4}-\d{2}-\d{2}", row["source_commit_or_date"])
    return row | {"source": sources[origin, licence], "source_date": dated.group() if dated else ""}


def given_quality_scores(given: Path, sources: Iterable[Source]) -> tuple[QualityScore, ...]:
    """Every gathered quality score, also those that serve for fitting only and do not ship."""
    known = {(source.origin, source.licence): source.source for source in sources if source.dataset == "quality"}
    name = "quality_scores.csv"
    return decoded_rows(name, (quality_row(row, known) for row in _rows(given / name)), QualityScore)


def trace_row(row: Row) -> Row:
    """Statistics of a traffic trace with the id of its source."""
    origin = row["source"].partition(":")[0]
    if origin not in TRACE_SOURCES:
        raise BadInput(f"trace source {origin!r} is not known", "judge its licence and name it in sources.csv")
    return row | {"source": TRACE_SOURCES[origin], "origin": row["source"], "licence": row["license"]}


class Import:
    """One run: reads tables from `given`, writes the project's files into `data`, counts rows by source."""

    def __init__(self, given: Path, data: Path) -> None:
        self.given, self.data = given, data
        self.sources = {row.source: row for row in read_records(data / "sources.csv", Source)}
        for key, row in self.sources.items():
            if row.terms == "shipped" and not may_ship(row.licence):
                raise BadInput(
                    f"source {key!r} must not ship whole under {row.licence!r}", "mend its terms in sources.csv"
                )
        self.seen: Counter[str] = Counter()
        self.shipped: Counter[str] = Counter()

    def table(self, name: str, record: type[Any], rows: Iterable[Row], source: Callable[[Row], str]) -> None:
        """Write one table without the rows whose source may serve for fitting only."""
        kept: list[Row] = []
        for row in rows:
            key = source(row)
            if key not in self.sources:
                raise BadInput(f"{name}: source {key!r} is not in sources.csv", "judge its licence and add a row")
            licence = row.get("license", "")
            if licence not in ("", self.sources[key].licence):
                raise BadInput(f"{name}: source {key!r} now says licence {licence!r}", "judge it and mend sources.csv")
            self.seen[key] += 1
            if self.sources[key].terms != "fitting":
                self.shipped[key] += 1
                kept.append(row)
        write_rows(self.data / name, record, _kept(kept, record))
        read_records(self.data / name, record)

    def run(self) -> None:
        """Import every table."""
        given = self.given
        accelerators = [accelerator_row(row) for row in _rows(given / "gpus.csv")]
        vram_gb = {row["gpu_type"]: float(row["vram_gb"]) for row in accelerators}
        alias_rows = _rows(given / "gpu_aliases.csv")
        aliases = {row["alias"].lower(): row["gpu_type"] for row in alias_rows}
        quality_sources = {(s.origin, s.licence): s.source for s in self.sources.values() if s.dataset == "quality"}

        models = [model_row(row) | {"license": ""} for row in _rows(given / "models.csv")]
        self.table("models.csv", Model, models, lambda _: "model-facts")
        self.table("accelerators.csv", Accelerator, accelerators, lambda _: "accelerator-facts")
        self.table("aliases.csv", AcceleratorAlias, alias_rows, lambda _: "accelerator-facts")
        for theirs, ours, record in (
            ("gpu_prices", "instances.csv", Instance),
            ("gpu_purchase", "cards.csv", CardPrice),
        ):
            rows = [priced_row(row, vram_gb, aliases) for row in _rows(given / "prices" / f"{theirs}.csv")]
            self.table(ours, record, rows, lambda row: row["source_kind"])
        for theirs, ours in (
            ("api_prices", "api_prices"),
            ("api_prices_retired", "api_prices_retired"),
            ("api_prices_service_tiers", "api_service_tiers"),
        ):
            rows = [api_row(row) for row in _rows(given / "prices" / f"{theirs}.csv")]
            self.table(f"{ours}.csv.gz", ApiPrice, rows, lambda row: row["source_kind"])
        measured = [benchmark_row(row, vram_gb, aliases) for row in _rows(given / "benchmarks_train.csv")]
        self.table("benchmarks.csv.gz", Benchmark, measured, lambda row: row["source"])
        started = [
            row | {"source": MEMORY_SOURCE, "gpu_type": _named(row["gpu_type"], vram_gb, aliases)[0]}
            for row in _rows(given / "memory_train.csv")
        ]
        self.table("memory_measurements.csv", MemoryMeasurement, started, lambda row: row["source"])
        scores = [quality_row(row, quality_sources) for row in _rows(given / "quality_scores.csv")]
        self.table("quality_scores.csv.gz", QualityScore, scores, lambda row: row["source"])
        traces = [trace_row(row) for row in _rows(given / "workloads" / "trace_statistics.csv")]
        self.table("workloads/trace_statistics.csv", TraceStatistics, traces, lambda row: row["source"])
        recorded = read_text(given / "workloads" / "mooncake_conversation_first3000.jsonl.gz")
        write_text(self.data / "workloads" / "mooncake_conversation.jsonl.gz", recorded)
        counted = (
            dataclasses.replace(row, rows=self.seen[key], rows_shipped=self.shipped[key])
            for key, row in self.sources.items()
        )
        write_records(self.data / "sources.csv", Source, counted)


def main(arguments: list[str]) -> int:
    """Import from the folder given; exit code 2 with one line when something does not fit."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m knowledge.importing SOURCE_DIR\n")
        return 2
    try:
        Import(Path(arguments[0]), DATA).run()
    except (SextantError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
