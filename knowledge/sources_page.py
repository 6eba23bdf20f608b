"""The page on where the facts are from: ``python -m knowledge.sources_page > docs/data-sources.md``."""

import sys
from collections.abc import Iterable

from knowledge.facts import Source
from knowledge.importing import GATHERED_ON
from knowledge.snapshot import Snapshot, load

_TITLES = {
    "models": "Models",
    "accelerators": "Accelerators and their names",
    "benchmarks": "Measured serving points",
    "memory": "Measured start-ups",
    "instances": "Rented machines",
    "cards": "Street prices of cards",
    "api prices": "API prices",
    "api prices, instances": "API prices and rented machines",
    "quality": "Model quality",
    "traffic": "Traffic traces",
}
_TERMS = {"shipped": "yes", "facts": "single figures", "fitting": "no, fitting only"}
_INTRODUCTION = """# Where the facts are from

This page is generated from `knowledge/data/sources.csv` (`python -m knowledge.sources_page`); a test compares them. The
facts were gathered on {gathered} from stored copies, released packages and repository snapshots; no live page was read.

**What ships.** Sources under Apache, MIT, BSD, MPL and CC-BY licences, and the figures of Arena and Artificial Analysis
with attribution. **What does not.** Non-commercial sources, licences of a vendor's own ("modified MIT", model
licences), and whole tables without a licence file: they served to fit the latency model and the quality scores, and
their rows are not in this repository. **Single prices** are facts; those from a source that states no licence are
marked `none stated` and can be dropped by their `source_kind`.

Every row of a table names its source by the id below. Rows are counted as gathered and as shipped. The import
(`python -m knowledge.importing SOURCE_DIR`) stops at a source that is not listed here and at a licence that changed.

Wherever a quality score is shown, so is its attribution: Arena (human preference) and Artificial Analysis
(https://artificialanalysis.ai).
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _table(sources: Iterable[Source]) -> str:
    lines = [
        "| id | what | from | version or date | licence | ships | rows | shipped | attribution |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in sources:
        cells = (f"`{row.source}`", row.title, row.origin, row.version, row.licence, _TERMS[row.terms])
        counts = (f"{row.rows:,}", f"{row.rows_shipped:,}")
        lines.append("| " + " | ".join(map(_cell, (*cells, *counts, row.attribution))) + " |")
    return "\n".join(lines)


def render(snapshot: Snapshot) -> str:
    """The whole page as Markdown."""
    parts = [_INTRODUCTION.format(gathered=GATHERED_ON.isoformat())]
    for dataset, title in _TITLES.items():
        rows = [row for row in snapshot.sources.values() if row.dataset == dataset]
        parts.append(f"## {title}\n\n{_table(rows)}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(render(load()))
