"""`sextant plan`: from words or an intent to priced, ranked and explained options."""

from pathlib import Path
from typing import Annotated

import typer

from ui.settings import answer_and_exit


def plan(
    text: Annotated[str | None, typer.Argument(help="What you need, in your words.")] = None,
    *,
    spec: Annotated[Path | None, typer.Option(help="JSON file with an intent or a list of them; - for stdin.")] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", help="Set a field of the intent: field=value.")] = None,
    candidate: Annotated[str | None, typer.Option("--why", help="Explain MODEL[@GPU[:CARDS[:PRECISION]]].")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Options in each list.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Plan: the options that meet the targets, ranked, priced and explained, and why the others do not."""
    answer_and_exit()
    from knowledge.snapshot import load
    from tools.planner import plan as planned
    from tools.planner.inquiry import inquire
    from tools.planner.portfolio import portfolio
    from ui.intents import intents

    snapshot = load()
    wanted = intents(text, spec, sets or (), snapshot)
    plans = [planned(intent, snapshot, said=said, limit=limit) for intent, said in wanted]
    finding = inquire(wanted[0][0], candidate, snapshot) if candidate is not None else None
    several = portfolio(plans) if len(plans) > 1 else None
    if as_json:
        from ui.output import print_json

        result = plans[0].to_json() if several is None else several.to_json()
        if finding is not None:
            result["candidate"] = finding.to_json()
        print_json(result, snapshot=snapshot.version)
    else:
        from ui.rendering.plan import show_candidate, show_plan, show_portfolio

        for each in plans:
            show_plan(each.to_json())
        if several is not None:
            show_portfolio(several.to_json())
        if finding is not None:
            show_candidate(finding.to_json())
    if not all(each.feasible for each in plans):
        raise typer.Exit(3)
