"""A plan as a report to pass on: one HTML page that loads nothing, or Markdown."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from agent.card import card
from agent.state import State
from knowledge.errors import BadInput
from knowledge.files import save_as
from knowledge.snapshot import Snapshot
from templates.reports import report_page, report_text
from tools.drawing import Drawing
from tools.market import Market
from tools.planner import Plan
from tools.planner.cost_course import cost_course
from tools.planner.day_course import day_course
from tools.planner.load_curve import load_curve
from tools.planner.option import Option
from tools.planner.plots import (
    cost_against_latency,
    cost_by_way,
    day_words,
    latency_by_load,
    replicas_by_hour,
    spot,
    waits,
)
from tools.planner.refinement import refine
from tools.planner.waiting import waiting
from ui.rendering.option_words import option_words, simulated_words
from ui.rendering.plan import PICKS

Json = dict[str, Any]

Form = Literal["html", "md"]

FORMS: Mapping[str, str] = {"html": "text/html", "md": "text/markdown"}
MOST_OPTIONS = 12


def plan_report(plan: Plan, form: str, snapshot: Snapshot, market: Market, chosen: Option | None = None) -> str:
    """The report of a plan, about `chosen` (the balanced choice if None) in detail. Raises BadInput for other forms."""
    if form not in FORMS:
        raise BadInput(f"a report cannot be {form[:20]!r}", f"one of: {', '.join(FORMS)}", field="form")
    option = chosen or plan.best("balanced")
    facts = _facts(plan, option)
    if form == "md":
        return report_text("plan", **facts)
    return report_page("plan", **facts, plots=_plots(plan, option, snapshot, market))


def write_plan_report(plans: Sequence[Plan], file: Path, snapshot: Snapshot, market: Market) -> None:
    """Write the report of the one plan; the ending of the file says in which form. It is whole or not there.

    Raises BadInput for several plans, another ending, or a file that cannot be written.
    """
    if len(plans) > 1:
        raise BadInput(f"a report is about one plan, not {len(plans)}", "plan one need at a time", field="report")
    save_as(file, plan_report(plans[0], file.suffix.lower().lstrip("."), snapshot, market), field="report")


def _facts(plan: Plan, option: Option | None) -> Json:
    found, language = plan.to_json(), plan.traffic.workload_type == "llm"
    state: State = {
        "intent": found["intent"],
        "provenance": {},
        "traffic": {"traffic": found["traffic"], "slo": found["slo"]} if language else {},
    }
    state["provenance"] = {
        path: entry.model_dump(mode="json") for path, entry in plan.traffic.provenance.items() if entry.source == "said"
    }
    options = {each["id"]: option_words(each, option.id if option else None) for each in found["options"]}
    basis = plan.traffic.targets.e2e_basis
    simulated = {key: each.to_json() for key, each in refine(plan).items()}
    return {
        "title": f"Plan for {(plan.traffic.task_type if language else plan.traffic.workload_type).replace('_', ' ')}",
        "description": plan.intent.use_case_description or "",
        "feasible": plan.feasible,
        "groups": card(state).spec["groups"],
        "picks": [
            {"title": title.capitalize(), **options[ids[0]]}
            for name, title in PICKS.items()
            if (ids := found["lists"].get(name)) and ids[0] in options
        ],
        "chosen": options.get(option.id) if option else None,
        "options": list(options.values())[:MOST_OPTIONS],
        "more": max(len(options) - MOST_OPTIONS, 0),
        "simulated": [
            {
                "runs": f"{options[key]['model']} on {options[key]['runs']}",
                "screened": options[key],
                **simulated_words(each, basis),
            }
            for key, each in simulated.items()
        ],
        "rules": _rules(found["rejected"]),
        "relaxations": [each["text"] for each in found["rejected"].get("relaxations", ())],
        "snapshot": plan.snapshot,
        "market": found["market"],
    }


def _rules(rejected: Mapping[str, Any]) -> list[Json]:
    nearest: dict[str, str] = {}
    for miss in rejected.get("nearest", ()):
        nearest.setdefault(miss["rule"], miss["text"])
    return [
        {
            "rule": rule.replace("_", " "),
            "count": f"{count:,} {rejected['counted'].get(rule, '')}".strip(),
            "nearest": nearest.get(rule, ""),
        }
        for rule, count in rejected.get("counts", {}).items()
    ]


def _plots(plan: Plan, option: Option | None, snapshot: Snapshot, market: Market) -> Sequence[tuple[Drawing, str]]:
    """Each plot that applies, with the words below it."""
    if option is None or plan.traffic.workload_type != "llm":
        return ()
    listed = plan.to_json()
    drawn: list[tuple[Drawing | None, str]] = []
    spots = [each for entry in listed["options"] if (each := spot(entry)) is not None]
    drawn.append((cost_against_latency(spots, plan.lists.get("pareto", ()), option.id), ""))
    curve = load_curve(option, plan.traffic, plan.experience)
    if curve is not None:
        plot = latency_by_load(curve)
        drawn.append((plot, plot.words))
    plot_of_cost = cost_by_way(cost_course(plan, option, snapshot, market))
    drawn.append((plot_of_cost, plot_of_cost.words if plot_of_cost else ""))
    day = day_course(option, plan.traffic)
    if day is not None:
        plot = replicas_by_hour(day)
        drawn.append((plot, f"{plot.words} {day_words(day)}"))
    found = waiting(option, plan.traffic, plan.experience)
    if found is not None:
        plot = waits(found)
        drawn.append((plot, plot.words))
    return [(each, words) for each, words in drawn if each is not None]
