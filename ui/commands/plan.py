"""`sextant plan`: from words or an intent to priced, ranked and explained options."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.settings import answer_and_exit

if TYPE_CHECKING:
    from knowledge.snapshot import Snapshot
    from tools.market import Market
    from tools.planner import Plan


def plan(
    text: Annotated[str | None, typer.Argument(help="What you need, in your words.")] = None,
    *,
    spec: Annotated[Path | None, typer.Option(help="JSON file with an intent or a list of them; - for stdin.")] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", help="Set a field of the intent: field=value.")] = None,
    candidate: Annotated[str | None, typer.Option("--why", help="Explain MODEL[@GPU[:CARDS[:PRECISION]]].")] = None,
    deep: Annotated[bool, typer.Option(help="Also: relaxations, sensitivity, API or machines, chances.")] = False,
    refined: Annotated[
        bool | None,
        typer.Option("--refine/--no-refine", help="Simulate the picks at the peak; for people unless refused."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Options in each list.")] = 10,
    rehearse: Annotated[bool, typer.Option(help="Learn from simulated deployments too, to try it out.")] = False,
    approved_only: Annotated[bool, typer.Option(help="Of the added models, only the approved ones.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write a report to pass on here: .html or .md.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Plan: the options that meet the targets, ranked, priced and explained, and why the others do not."""
    answer_and_exit()
    from knowledge.snapshot import load
    from tools.planner import plan as planned
    from tools.planner.inquiry import inquire
    from tools.planner.portfolio import portfolio
    from ui.intents import current_market, intents
    from ui.own import known_models, own_experience

    snapshot, market = known_models(approved_only=approved_only), current_market(load())
    wanted = intents(text, spec, sets or (), snapshot)
    own = own_experience(rehearse=rehearse)
    plans = [
        planned(each, snapshot, market, said=said, limit=limit, experience=own, classes=classes)
        for each, said, classes in wanted
    ]
    answers = [answered(each, snapshot, market, deep=deep) for each in plans]
    if candidate is not None:
        answers[0]["candidate"] = inquire(
            wanted[0].intent, candidate, snapshot, market, own, classes=wanted[0].classes
        ).to_json()
    several = portfolio(plans, snapshot, market).to_json() if len(plans) > 1 else None
    if as_json:
        from ui.output import print_json

        if refined:
            for each, answer in zip(plans, answers, strict=True):
                answer["refined"] = simulated(each)
        print_json(answers[0] if several is None else {**several, "plans": answers}, snapshot=snapshot.version)
    else:
        from ui.rendering.plan import show_plan, show_portfolio

        for each, answer in zip(plans, answers, strict=True):
            show_plan(answer)
            if refined is not False:
                from ui.rendering.refinement import refined_with_progress, show_refined

                show_refined(answer, {key: found.to_json() for key, found in refined_with_progress(each).items()})
        if several is not None:
            show_portfolio(several)
    if report is not None:
        from ui.rendering.plan_report import write_plan_report

        write_plan_report(plans, report, snapshot, market)
    if not all(each.feasible for each in plans):
        raise typer.Exit(3)


def answered(plan: "Plan", snapshot: "Snapshot", market: "Market", *, deep: bool) -> dict[str, Any]:
    """A plan as JSON, with advice when it was asked for or when nothing serves the traffic."""
    answer = plan.to_json()
    if deep or not plan.feasible:
        from tools.planner.advice import advice

        answer["advice"] = advice(plan, snapshot, market)
    return answer


def simulated(plan: "Plan") -> dict[str, Any]:
    """The picks as simulated, by option id."""
    from tools.planner.refinement import refine

    return {key: found.to_json() for key, found in refine(plan).items()}
