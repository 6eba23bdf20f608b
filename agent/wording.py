"""Facts of a plan put into words by templates."""

from templates.answers import answer
from tools.planner import Plan

LIST_NAMES = {"lowest_cost": "Lowest cost", "lowest_latency": "Lowest latency", "best_quality": "Best quality"}

ASSUMPTIONS = (
    ("task_type", "the task is a chatbot"),
    ("qps", "the load"),
    ("isl", "prompt and answer lengths"),
    ("slo.ttft_ms", "latency targets"),
)


def planned(plan: Plan) -> str:
    """What a feasible plan found: the balanced choice and the other lists' best."""
    best = plan.best("balanced")
    if best is None:
        raise ValueError("an infeasible plan is told by agent.contradiction")
    others = []
    for name, title in LIST_NAMES.items():
        option = plan.best(name)
        if option is not None and option.id != best.id:
            others.append({"name": title, "model": option.model_id, "why": option.why})
    known = plan.traffic.workload_type != "llm"  # others are ranked by usage: nothing of the profile applies
    assumed = [] if known else [words for key, words in ASSUMPTIONS if _is_assumed(plan, key)]
    instead = plan.api_instead.to_json()["text"] if plan.api_instead else ""
    facts = {"instead": instead, "model": best.model_id, "why": best.why, "others": others, "assumed": assumed}
    return answer("planned", count=len(plan.options), unchecked=_unchecked(plan), **facts)


def _unchecked(plan: Plan) -> list[str]:
    """What was asked for and is not known of sellers of other work than language models."""
    if plan.traffic.workload_type == "llm":
        return []
    names = {"residency": "residency", "regions": "region", "compliance": "compliance"}
    return [words for name, words in names.items() if getattr(plan.intent, name)]


def _is_assumed(plan: Plan, key: str) -> bool:
    entry = plan.traffic.provenance.get(key)
    return entry is not None and entry.source == "template"
