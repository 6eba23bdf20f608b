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
    """What a plan found: the balanced choice and the other lists' best, or why nothing fits."""
    best = plan.best("balanced")
    if best is None:
        return answer("infeasible", changes=[miss["text"] for miss in plan.rejected.to_json(1)["nearest"]][:5])
    others = []
    for name, title in LIST_NAMES.items():
        option = plan.best(name)
        if option is not None and option.id != best.id:
            others.append({"name": title, "model": option.model_id, "why": option.why})
    assumed = [words for key, words in ASSUMPTIONS if _is_assumed(plan, key)]
    return answer("planned", count=len(plan.options), model=best.model_id, why=best.why, others=others, assumed=assumed)


def _is_assumed(plan: Plan, key: str) -> bool:
    entry = plan.traffic.provenance.get(key)
    return entry is not None and entry.source == "template"
