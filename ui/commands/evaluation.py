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
    *,
    report: Annotated[Path | None, typer.Option(help="Write the report: .json, .xml (JUnit) or .html.")] = None,
    baseline: Annotated[Path | None, typer.Option(help="Figures (.json) to compare with; a fall fails.")] = None,
    new_baseline: Annotated[Path | None, typer.Option(help="Write the figures that a baseline keeps.")] = None,
    twice: Annotated[bool, typer.Option("--twice", help="Play each twice: the same events or it fails.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Play every scenario; exit code 1 when one fails, varies, or the figures fall below the baseline."""
    import asyncio

    from evals.report import baseline_of, read_baseline, regressions, summary, write_report
    from evals.scenario import read_scenarios
    from knowledge.snapshot import load
    from ui.evaluating import evaluated
    from ui.output import print_json
    from ui.rendering.evaluation import print_evaluation

    found = asyncio.run(evaluated(read_scenarios(tuple(paths)), twice=twice))
    result = summary(found.played)
    worse = regressions(result, read_baseline(baseline)) if baseline else []
    worse += [f"{name} went otherwise the second time" for name in found.varying]
    if report:
        write_report(result, report)
    if new_baseline:
        write_report(baseline_of(result), new_baseline)
    if as_json:
        print_json(result, snapshot=load().version)
    else:
        print_evaluation(result, worse)
    if worse or result["overall"]["passed"] < 1:
        raise typer.Exit(1)
