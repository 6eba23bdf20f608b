"""`sextant benchmarks`: measurements of your own, of a vendor or a community, which predictions then lean on."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from knowledge.facts import Benchmark
    from knowledge.store.benchmarks import Import

app = typer.Typer(
    help="Measurements that you add; they count in every prediction at once.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

_NAMES = {"own": "your measurements", "vendor": "vendor", "community": "community"}
_FAULTS_SHOWN = 20
_FAR = 4.0


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="CSV (plain or .gz) in the columns of the shipped benchmarks.")],
    *,
    whose: Annotated[str, typer.Option(help="own, vendor or community.")] = "own",
    note: Annotated[str, typer.Option(help="Where they are from, or how they were taken.")] = "",
    json: Json = False,
) -> None:
    """Check measurements row by row and add them, all or none."""
    from datetime import UTC, datetime

    from knowledge.errors import BadInput
    from knowledge.snapshot import load
    from knowledge.store.benchmarks import WHOSE, Import, add_benchmarks, read_table
    from tools.performance.checking import check_rows
    from ui.measured import keep_residual
    from ui.settings import read_settings

    if whose not in WHOSE:
        raise BadInput(f"whose must be one of {', '.join(WHOSE)}, not {whose!r}", field="whose")
    home, snapshot = read_settings().home, load()
    table, digest = read_table(file)
    checked = check_rows(table, snapshot, f"{_NAMES[whose]}: {file.name}")
    if checked.faults:
        lines = [*checked.faults[:_FAULTS_SHOWN]]
        if len(checked.faults) > _FAULTS_SHOWN:
            lines.append(f"… and {len(checked.faults) - _FAULTS_SHOWN} more")
        cure = "mend them and add the file again; nothing was added"
        raise BadInput("\n".join([f"{file.name}: {len(checked.faults)} faults", *lines]), cure, field="file")
    remarks = _remarks(checked.rows)
    entry = Import(
        import_id=digest[:8],
        whose=whose,
        file=file.name,
        sha256=digest,
        rows=len(checked.rows),
        added_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        note=note,
    )
    add_benchmarks(home, entry, checked.rows)
    keep_residual(home)
    _show([entry], remarks, json=json)


@app.command("list")
def list_imports(json: Json = False) -> None:
    """List what was added."""
    from knowledge.store.benchmarks import read_imports
    from ui.settings import read_settings

    _show(list(read_imports(read_settings().home)), [], json=json)


@app.command()
def remove(import_id: Annotated[str, typer.Argument(help="Id that `list` shows.")], json: Json = False) -> None:
    """Forget what was added from a file."""
    from knowledge.store.benchmarks import remove_benchmarks
    from ui.measured import keep_residual
    from ui.settings import read_settings

    home = read_settings().home
    gone = remove_benchmarks(home, import_id)
    keep_residual(home)
    _show([gone], [], json=json)


def _remarks(rows: "tuple[Benchmark, ...]") -> list[str]:
    """Rows that lie so far from what was expected that a unit may be wrong."""
    import numpy as np

    from knowledge.snapshot import load
    from tools.performance.calibration import load_physics
    from tools.performance.conditioning import further, log_gaps
    from tools.performance.estimation import METRICS
    from tools.performance.residual import load_residual

    gaps, _ = log_gaps(further(rows, load()), load_physics(), load_residual())
    return [
        f"{rows[row].row_id}: {METRICS[column]} is × {np.exp(gaps[row, column]):.3g} what was expected: right unit?"
        for row, column in np.argwhere(np.abs(np.nan_to_num(gaps)) > np.log(_FAR)).tolist()
    ]


def _show(entries: "list[Import]", remarks: list[str], *, json: bool) -> None:
    from dataclasses import asdict

    if json:
        from knowledge.snapshot import load
        from ui.output import print_json

        body: dict[str, Any] = {"imports": [asdict(each) for each in entries]}
        print_json(body | ({"remarks": remarks} if remarks else {}), snapshot=load().version)
        return
    from ui.rendering.catalog import table

    cells = [[each.import_id, each.whose, each.file, each.rows, each.added_at, each.note] for each in entries]
    table("", ["id", "whose", "file", "rows", "added", "note"], cells)
    for remark in remarks:
        sys.stdout.write(f"note: {remark}\n")
