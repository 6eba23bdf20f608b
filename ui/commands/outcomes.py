"""`sextant outcomes`: what load tests found, what they teach, and files to take them along."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="What load tests found, and what they teach.", no_args_is_help=True, rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
def list_outcomes(*, json: Json = False) -> None:
    """List outcomes and, per model, accelerator and engine, by how much predictions are corrected."""
    from dataclasses import asdict

    from knowledge.snapshot import load
    from tools.learning import corrections
    from ui.output import print_json
    from ui.records import own_records
    from ui.rendering.outcomes import show_corrections, show_outcomes

    found = own_records().outcomes.all()
    learned = corrections(found)
    if json:
        rows = [{**asdict(subject), **asdict(entry), "biased": entry.biased} for subject, entry in learned.items()]
        print_json({"outcomes": [entry.to_json() for entry in found], "corrections": rows}, snapshot=load().version)
        return
    show_outcomes(found)
    show_corrections(learned)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="File to write: JSON lines, or CSV of measured points if it ends so.")],
) -> None:
    """Write all outcomes to a file."""
    import sys

    from knowledge.records.exchange import write_outcomes
    from tools.learning.benchmarks import benchmark_of, write_benchmarks
    from ui.records import own_records

    found = own_records().outcomes.all()
    if file.suffix == ".csv":
        points = [point for point in map(benchmark_of, found) if point is not None]
        write_benchmarks(points, file)
        sys.stdout.write(f"{len(points)} measured points written to {file}\n")
        return
    sys.stdout.write(f"{write_outcomes(found, file)} outcomes written to {file}\n")


@app.command("import")
def import_outcomes(file: Annotated[Path, typer.Argument(help="File that `export` wrote (JSON lines).")]) -> None:
    """Add the outcomes of a file; those already there are left alone."""
    import sys

    from knowledge.records.exchange import read_outcomes
    from ui.records import own_records

    records, found = own_records(), read_outcomes(file)
    added = sum(records.outcomes.add(outcome) for outcome in found)
    sys.stdout.write(f"{added} of {len(found)} outcomes added\n")
