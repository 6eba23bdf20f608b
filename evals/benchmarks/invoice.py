"""A bill of 200,000 lines beside pandas doing the plain join: `python -m evals.benchmarks.invoice [ROWS]`.

The bill is made from list prices of the catalog with a fixed seed: most lines at list, some 30 % above it, some with a
quantity 1000 times too large, some in EUR, one credit in fifty. Both read the same file in a process of their own; the
pandas script does what a spreadsheet would (join on provider, model and direction, sum, compare). Prints a table, then
one JSON object with times, peak memory and how far each is from the truth that the bill was made with.
"""

import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from knowledge.snapshot import load
from tools.invoice.records import LineResult
from tools.market import Market

ROWS = 200_000
SEED = 20261121
HEADER = ("date", "provider", "model", "direction", "quantity", "unit", "amount", "currency")
ABOVE, SLIPPED, FOREIGN, CREDITS = 0.10, 0.01, 0.02, 0.02
SELLERS = {"openai", "anthropic", "mistral", "groq", "cohere"}
LIMIT_S, LIMIT_MB = 10.0, 500.0


@dataclass(frozen=True, slots=True)
class Truth:
    """What the bill was made with, in USD; `total` leaves out the lines in EUR."""

    rows: int
    total: float
    overcharged: float
    slipped_lines: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one program found, and what it took."""

    program: str
    wall_s: float
    processor_s: float
    peak_mb: float
    total: float
    overcharged: float
    slipped_lines: int


def make_bill(path: Path, rows: int) -> Truth:
    """Write a bill whose truth is known."""
    random = Random(SEED)  # noqa: S311  a reproducible bill, not a secret
    prices = [
        row
        for row in load().api_prices
        if row.billing_mode == "per_token" and row.unit_name == "1m_tokens" and row.region == "global"
        and row.direction in {"input", "output"} and row.provider in SELLERS
        and row.workload_type == "llm" and row.unit_price_usd > 0
    ]  # fmt: skip
    total = overcharged = 0.0
    slipped = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(rows):
            row = random.choice(prices)
            day = f"2026-10-{number * 31 // rows + 1:02}"
            tokens = random.randrange(200_000, 50_000_000)
            listed = round(tokens / 1e6 * row.unit_price_usd, 6)
            kind, currency, amount, quantity = random.random(), "USD", listed, tokens
            if kind < CREDITS:
                writer.writerow((day, row.provider, "Promotional credit", "", "", "", f"{-listed / 10:.6f}", "USD"))
                total -= round(listed / 10, 6)
                continue
            if kind < CREDITS + FOREIGN:
                currency = "EUR"
            elif kind < CREDITS + FOREIGN + SLIPPED:
                quantity, slipped = tokens * 1000, slipped + 1
            elif kind < CREDITS + FOREIGN + SLIPPED + ABOVE:
                amount = round(listed * 1.3, 6)
                overcharged += amount - listed
            total += amount if currency == "USD" else 0
            writer.writerow(
                (day, row.provider, row.model_key, row.direction, quantity, "tokens", f"{amount:.6f}", currency)
            )
    return Truth(rows, round(total, 2), round(overcharged, 2), slipped)


def with_sextant(path: Path) -> tuple[float, float, int]:
    """Every line accounted for, JSON written."""
    from tools.invoice.bill import open_bill  # noqa: PLC0415  each program is measured with its own imports
    from tools.invoice.line_json import json_text  # noqa: PLC0415

    snapshot = load()
    overcharged = 0.0

    def watched(lines: Iterator[LineResult]) -> Iterator[LineResult]:
        nonlocal overcharged
        for line in lines:
            for part in line.parts:
                if part.code == "above_list" and part.match.quote and part.amount_usd and part.units:
                    overcharged += float(part.amount_usd - part.units * part.match.quote.high_usd)
            yield line

    with path.open("rb") as stream, path.with_suffix(".json").open("w", encoding="utf-8") as out:
        bill = open_bill(stream, path.name, Market.bundled(snapshot), snapshot)
        out.writelines(json_text({"file": path.name}, watched(bill.lines()), iter([])))
    totals = bill.report().to_json()["totals"]
    return totals["total"], round(overcharged, 2), totals["reasons"].get("scale", 0)


def with_pandas(path: Path) -> tuple[float, float, int]:
    """The plain join of a spreadsheet: no currency, no credits, no scale."""
    import pandas as pd  # noqa: PLC0415

    lines = pd.read_csv(path)
    rows = [
        (row.provider, row.model_key, row.direction, row.unit_price_usd)
        for row in load().api_prices
        if row.billing_mode == "per_token" and row.unit_name == "1m_tokens" and row.region == "global"
    ]
    prices = pd.DataFrame(rows, columns=["provider", "model", "direction", "price"]).drop_duplicates(
        ["provider", "model", "direction"]
    )
    joined = lines.merge(prices, on=["provider", "model", "direction"], how="left")
    excess = joined["amount"] - joined["quantity"] / 1e6 * joined["price"]
    joined.to_json(path.with_suffix(".pandas.json"), orient="records")
    return float(round(lines["amount"].sum(), 2)), float(round(excess[excess > 0].sum(), 2)), 0


PROGRAMS: dict[str, Callable[[Path], tuple[float, float, int]]] = {"sextant": with_sextant, "pandas": with_pandas}


def measured(program: str, path: Path) -> Outcome:
    """Run one program in a process of its own."""
    command = [sys.executable, "-m", "evals.benchmarks.invoice", "--only", program, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  this very module
    return Outcome(**json.loads(done.stdout))


def run_one(program: str, path: Path) -> Outcome:
    """Run one program here, with its time and peak memory."""
    wall, processor = time.perf_counter(), time.process_time()
    total, overcharged, slipped = PROGRAMS[program](path)
    return Outcome(
        program=program,
        wall_s=round(time.perf_counter() - wall, 2),
        processor_s=round(time.process_time() - processor, 2),
        peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        total=total,
        overcharged=overcharged,
        slipped_lines=slipped,
    )


def main(arguments: list[str]) -> int:
    """Make the bill, run both programs, print table and JSON; 1 when a limit is missed on processor time or memory."""
    if arguments[:1] == ["--only"]:
        sys.stdout.write(json.dumps(asdict(run_one(arguments[1], Path(arguments[2])))))
        return 0
    rows = int(arguments[0]) if arguments else ROWS
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bill.csv"
        truth = make_bill(path, rows)
        outcomes = [measured(program, path) for program in PROGRAMS]
        size_mb = round(path.stat().st_size / 1e6, 1)
    lines = [
        f"{'':10}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'total USD':>18}{'overcharged USD':>18}{'wrong scale':>13}"
    ]
    lines += [
        f"{o.program:10}{o.wall_s:9.2f}{o.processor_s:9.2f}{o.peak_mb:9.1f}"
        f"{o.total:18,.2f}{o.overcharged:18,.2f}{o.slipped_lines:13,}"
        for o in outcomes
    ]
    lines.append(f"{'truth':37}{truth.total:18,.2f}{truth.overcharged:18,.2f}{truth.slipped_lines:13,}")
    sys.stdout.write("\n".join(lines) + "\n")
    result = {"bill_mb": size_mb, "truth": asdict(truth), "programs": [asdict(o) for o in outcomes]}
    sys.stdout.write(json.dumps(result) + "\n")
    own = outcomes[0]
    return 0 if own.processor_s <= LIMIT_S and own.peak_mb <= LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
