"""`sextant invoice FILE`: account for every line of a bill and find savings."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

if TYPE_CHECKING:
    from knowledge.snapshot import Snapshot
    from tools.invoice.bill import Bill
    from tools.market import Market

REPORT_KINDS = {".html", ".csv", ".json"}
PROGRESS_FROM_BYTES = 20_000_000


def invoice(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="The bill: CSV, TSV, JSON, Excel, Parquet, also gzip or zip; - is stdin."),
    ],
    *,
    rate: Annotated[
        list[str] | None, typer.Option(help="What a currency is worth on a day: EUR=1.08@2026-11-01.")
    ] = None,
    provider: Annotated[str, typer.Option(help="Provider of lines that name none.")] = "",
    task: Annotated[str, typer.Option(help="What the models are for, to judge substitutes by.")] = "chatbot",
    self_hosting: Annotated[
        bool, typer.Option(help="Ask the planner what open models cost on rented machines.")
    ] = True,
    report: Annotated[Path | None, typer.Option(help="Also write a report: .html, .csv (every line) or .json.")] = None,
    limit: Annotated[int, typer.Option(help="How many rows of each table to show.", min=1)] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object with every line.")] = False,
) -> None:
    """Account for every line of a bill: matched, unmatched or rejected with the reason; totals to the cent; savings."""
    from knowledge.errors import BadInput
    from knowledge.snapshot import load

    snapshot = load()
    if report is not None and report.suffix.lower() not in REPORT_KINDS:
        raise BadInput(f"{report.name}: a report ends in .html, .csv or .json", field="report")
    from ui.intents import current_market
    from ui.rendering.invoice_files import read_bill

    with _opened(file) as stream, _progress(file) as progress:
        market = current_market(snapshot)
        version = snapshot.version if market.digest == snapshot.version else f"{snapshot.version}+{market.digest}"
        bill = _bill(
            stream, file, rate or [], provider, task,
            snapshot=snapshot, market=market, self_hosting=self_hosting, progress=progress,
        )  # fmt: skip
        result = read_bill(bill, version, json_to=sys.stdout if json else None, report_file=report)
    if not json:
        from ui.rendering.invoice import show_report

        show_report(result, limit)


def _bill(
    stream: BinaryIO,
    name: str,
    rates: list[str],
    provider: str,
    task: str,
    *,
    snapshot: "Snapshot",
    market: "Market",
    self_hosting: bool,
    progress: Callable[[int, int], None],
) -> "Bill":
    from tools.intent import known_task
    from tools.invoice.bill import open_bill
    from tools.invoice.money import parse_rate
    from tools.invoice.self_hosting import planned_self_host

    purpose = known_task(task)
    return open_bill(
        stream,
        "stdin" if name == "-" else Path(name).name,
        market,
        snapshot,
        rates=[parse_rate(text) for text in rates],
        default_provider=provider,
        task=purpose,
        self_host=planned_self_host(snapshot, market, purpose) if self_hosting else None,
        progress=progress,
    )


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    from knowledge.errors import BadInput

    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115  closed below; opening has its own error
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{file[:200]}: cannot be read ({getattr(error, 'strerror', None) or error})", field="file"
        ) from error
    with stream:
        yield stream


@contextmanager
def _progress(file: str) -> Iterator[Callable[[int, int], None]]:
    """Progress of a large file on a terminal's stderr; silence everywhere else."""
    from rich.console import Console
    from rich.progress import Progress

    size = Path(file).stat().st_size if file != "-" and Path(file).is_file() else 0
    console = Console(stderr=True)
    if size < PROGRESS_FROM_BYTES or not console.is_terminal:
        yield lambda _lines, _position: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("Reading", total=size)
        yield lambda lines, position: bar.update(task, completed=position, description=f"{lines:,} lines")
