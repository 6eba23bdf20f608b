"""`sextant eval run`: play scripted sessions and report what held."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(name="eval", help="Play scripted sessions and report what held.", no_args_is_help=True)


@app.callback()
def evaluation() -> None:
    """Keep `eval` a group."""


@app.command()
def run(
    paths: Annotated[list[Path], typer.Argument(help="Scenario files or folders of them.")],
    report: Annotated[Path | None, typer.Option(help="Write the report: .json, .xml (JUnit) or .html.")] = None,
    baseline: Annotated[Path | None, typer.Option(help="Report (.json) to compare with; a fall fails.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Play every scenario; exit code 1 when one fails or the figures fall below the baseline."""
    import asyncio

    from evals.report import read_baseline, regressions, write_report
    from ui.opening import evaluated
    from ui.output import print_json
    from ui.rendering.evaluation import print_evaluation

    result, snapshot = asyncio.run(evaluated(tuple(paths)))
    worse = regressions(result, read_baseline(baseline)) if baseline else []
    if report:
        write_report(result, report)
    if as_json:
        print_json(result, snapshot=snapshot)
    else:
        print_evaluation(result, worse)
    if worse or result["overall"]["passed"] < 1:
        raise typer.Exit(1)
