"""How fast the catalog is, beside pandas on the same prices: `python -m evals.benchmarks.catalog`.

Prints one JSON object: first build, opening, loading a workload, ranking and searching, in milliseconds of wall and of
processor time (the median of several runs; other work on the machine shows in the former only).
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from knowledge.snapshot import Snapshot, load
from knowledge.store.database import bundled_offers, open_store
from knowledge.store.offer import Offer
from tools.catalog.catalog import Catalog
from tools.catalog.export import COLUMNS, record
from tools.catalog.query import Query
from tools.catalog.usage import parse_usage

RUNS = 9
WORDS = "llama 3.3 70b"
USAGE = ("input=300M tokens", "output=60M tokens")


def timed(work: Callable[[], object], runs: int = RUNS) -> dict[str, float]:
    """Run `work` several times; return its median wall and processor time in milliseconds."""
    walls, processors = [], []
    for _ in range(runs):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return {"wall_ms": round(median(walls) * 1e3, 2), "processor_ms": round(median(processors) * 1e3, 2)}


def measure(home: Path, snapshot: Snapshot) -> dict[str, Any]:
    """Time the catalog over the prices that ship."""
    offers = bundled_offers(snapshot)
    build = timed(lambda: open_store(home, snapshot).close(), runs=1)
    with open_store(home, snapshot) as store:
        catalog = Catalog(store, snapshot, date(2026, 11, 21))
        load_llm = timed(lambda: catalog.candidates("llm"), runs=1)
        query = Query(usage=parse_usage(USAGE, "llm"))
        return {
            "offers": len(offers),
            "build": build,
            "open": timed(lambda: open_store(home, snapshot).close()),
            "load_llm": load_llm,
            "rank_llm": timed(lambda: catalog.rank(query)),
            "rank_llm_model": timed(lambda: catalog.rank(Query(model=WORDS))),
            "rank_speech": timed(lambda: catalog.rank(Query(workload_type="speech_to_text"))),
            "rank_gpu": timed(lambda: catalog.rank(Query(workload_type="gpu"))),
            "search": timed(lambda: catalog.search(WORDS)),
            "pandas": baseline(offers),
        }


def baseline(offers: list[Offer]) -> dict[str, Any]:
    """Time what a pandas script does: filter, pivot input and output, weigh, sort; find words in names."""
    frame = pd.DataFrame([record(offer) for offer in offers], columns=list(COLUMNS))

    def rank() -> object:
        plain = frame[
            (frame.workload_type == "llm") & (frame.billing_mode == "per_token") & (frame.unit_name == "1m_tokens")
        ]
        plain = plain[~plain["flags"].str.contains("reseller|deprecated|retired|free|outlier", regex=True)]
        wide = plain.pivot_table(
            index=["provider", "model_key", "region"], columns="direction", values="unit_price_usd", aggfunc="first"
        ).dropna(subset=["input", "output"])
        return (wide["input"] * 300 + wide["output"] * 60).sort_values().head(20)

    def search() -> object:
        names = frame.model_key.str.lower()
        return frame[names.str.contains("llama") & names.str.contains("3.3", regex=False) & names.str.contains("70b")]

    return {"rank_llm": timed(rank), "search": timed(search)}


def main() -> None:
    """Measure in a fresh directory and print."""
    snapshot = load()
    with TemporaryDirectory() as home:
        sys.stdout.write(json.dumps(measure(Path(home), snapshot), indent=2) + "\n")


if __name__ == "__main__":
    main()
