"""`sextant compare`: what changes when something is changed."""

from pathlib import Path
from typing import Annotated

import typer

from ui.settings import answer_and_exit


def compare(
    text: Annotated[str | None, typer.Argument(help="What you need, in your words.")] = None,
    *,
    spec: Annotated[Path | None, typer.Option(help="JSON file with an intent; - for stdin.")] = None,
    sets: Annotated[list[str] | None, typer.Option("--set", help="Set a field of both sides: field=value.")] = None,
    versus: Annotated[list[str] | None, typer.Option("--vs", help="Set a field of the other side.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Options in each list.")] = 10,
    approved_only: Annotated[bool, typer.Option(help="Of the added models, only the approved ones.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare a plan with what it would be after changes: both plans and every field that differs."""
    answer_and_exit()
    from knowledge.errors import BadInput
    from knowledge.snapshot import load
    from tools.editing import edit, read_assignment
    from tools.planner import plan
    from tools.planner.comparison import difference
    from ui.intents import current_market, intents
    from ui.own import known_models, own_experience

    if not versus:
        raise BadInput("nothing to compare with", "give at least one --vs field=value", field="vs")
    snapshot, market = known_models(approved_only=approved_only), current_market(load())
    (intent, said, classes), *more = intents(text, spec, sets or (), snapshot)
    if more:
        raise BadInput("one intent is compared at a time", "give a file with one intent", field="spec")
    other = edit(intent, dict(read_assignment(each) for each in versus))
    own = own_experience()
    before, after = (
        plan(each, snapshot, market, said=said, limit=limit, experience=own, classes=classes)
        for each in (intent, other)
    )
    rows = difference(before, after)
    if as_json:
        from ui.output import print_json

        result = {"before": before.to_json(), "after": after.to_json(), "difference": rows}
        print_json(result, snapshot=snapshot.version)
    else:
        from ui.rendering.comparison import show_comparison

        show_comparison(before.to_json(), after.to_json(), rows)
    if not (before.feasible and after.feasible):
        raise typer.Exit(3)
