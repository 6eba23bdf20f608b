"""What changes are worth: relaxations that save money or make an infeasible plan feasible, and what moves the cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from knowledge.errors import SextantError
from knowledge.snapshot import Snapshot
from tools.editing import edit, look_up
from tools.intent import Intent, QualityThreshold
from tools.market import Market
from tools.performance.experience import NO_EXPERIENCE, Experience
from tools.planner.case import Case
from tools.planner.field import rounded_up
from tools.planner.mix import RequestClass
from tools.planner.planning import Plan, search
from tools.planner.profile import profile
from tools.planner.rejection import Ledger

LEAST_SAVING = 0.03
"""Share of the bill that a relaxation must save to be worth saying."""

LOOSER = 1.5
"""How far a latency target is relaxed when asking what that would save."""

_BILLING: Mapping[str, str] = {
    "reserved_1y": "commit for a year",
    "reserved_3y": "commit for three years",
    "spot": "allow spot machines",
}
_LOWER: Mapping[QualityThreshold, QualityThreshold] = {"very_high": "high", "high": "standard"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The cheapest plan after changes: what it costs, and what it was found to be; infeasible: both None."""

    changes: Mapping[str, Any]
    text: str
    monthly_usd: float | None
    saving_usd: float | None  # against the plan as it is; None where that has no price
    what: str | None

    def to_json(self) -> dict[str, Any]:
        """One entry of a table of changes; a single change is spelt out as such."""
        change = None
        if len(self.changes) == 1:
            field, value = next(iter(self.changes.items()))
            change = {"field": field, "value": value, "monthly_usd": self.monthly_usd}
        return {
            "changes": dict(self.changes),
            "change": change,
            "text": self.text,
            "monthly_usd": self.monthly_usd,
            "saving_usd": self.saving_usd,
            "what": self.what,
        }


@dataclass(frozen=True, slots=True)
class Asker:
    """Prices changes of one intent."""

    intent: Intent
    snapshot: Snapshot
    market: Market
    experience: Experience = NO_EXPERIENCE
    classes: Sequence[RequestClass] = ()

    def cheapest(self, changes: Mapping[str, Any]) -> tuple[float, str] | None:
        """Monthly cost and name of the cheapest candidate after `changes`; None when there is none."""
        return self.tried(changes)[0]

    def tried(self, changes: Mapping[str, Any]) -> tuple[tuple[float, str] | None, Ledger]:
        """The cheapest candidate after `changes`, and what was rejected on the way."""
        intent = edit(self.intent, changes)
        traffic = profile(intent, self.snapshot, classes=self.classes)
        case = Case(intent, traffic, self.snapshot, self.market, experience=self.experience)
        found = search(case).pool
        if found is None:
            return None, case.ledger
        row = int(np.lexsort((found.gpu_count, found.monthly_usd, ~found.known_quality))[0])
        name = str(found.group[row]).replace("@api", " as an API").replace("@", " on ")
        return (float(found.monthly_usd[row]), name), case.ledger

    def outcome(self, changes: Mapping[str, Any], text: str, now_usd: float | None) -> Outcome:
        """What `changes` lead to."""
        try:
            found = self.cheapest(changes)
        except SextantError:
            found = None  # a change that contradicts the rest of the intent leads nowhere
        if found is None:
            return Outcome(changes, text, None, None, None)
        saving = None if now_usd is None else round(now_usd - found[0], 2)
        return Outcome(changes, text, found[0], saving, found[1])


def _base(plan: Plan, snapshot: Snapshot, market: Market) -> tuple[Asker, float | None]:
    """Who prices the changes, and what the plan costs now: like with like, so machines when machines are the pick."""
    best, intent = plan.best("balanced"), plan.intent
    if best is not None and best.kind == "rental" and intent.deployment_model is None:
        intent = edit(intent, {"deployment_model": "cloud_rental"})
    asker = Asker(intent, snapshot, market, plan.experience, plan.traffic.said_classes)
    now = asker.cheapest({})
    return asker, now[0] if now else None


def relaxations(plan: Plan, snapshot: Snapshot, market: Market) -> list[Outcome]:
    """Changes that save money, the largest saving first; for an infeasible plan, changes that make it feasible."""
    if not plan.feasible:
        return _ways_out(plan, Asker(plan.intent, snapshot, market, plan.experience, plan.traffic.said_classes))
    asker, now = _base(plan, snapshot, market)
    found = [asker.outcome(changes, text, now) for changes, text in _looser(plan)]
    worth = [each for each in found if each.saving_usd and now and each.saving_usd >= LEAST_SAVING * now]
    return [_told(each) for each in sorted(worth, key=lambda each: -(each.saving_usd or 0.0))]


def _told(outcome: Outcome) -> Outcome:
    text = f"{outcome.text} and save {outcome.saving_usd:,.0f} USD a month ({outcome.what})"
    return Outcome(outcome.changes, text, outcome.monthly_usd, outcome.saving_usd, outcome.what)


def _looser(plan: Plan) -> list[tuple[dict[str, Any], str]]:
    """Changes that relax something the plan rests on, in words."""
    targets, intent = plan.traffic.targets, plan.intent
    found: list[tuple[dict[str, Any], str]] = []
    for name, limit in (("ttft", targets.ttft_ms), ("tpot", targets.tpot_ms), ("e2e_latency", targets.e2e_ms)):
        value = rounded_up(limit * LOOSER)
        label = name.split("_")[0].upper()
        changes: dict[str, Any] = {f"target_{name}_p90_ms": value}
        if name == "e2e_latency":
            changes["e2e_basis"] = targets.e2e_basis
        found.append((changes, f"allow {label} {value:g} ms"))
    lower = _LOWER.get(targets.quality) if targets.quality else None
    if lower is not None:
        found.append(({"quality_threshold": lower}, f"accept {lower.replace('_', ' ')} quality"))
    if targets.reliability_percent > 99:
        found.append(({"reliability_target": 99.0}, "accept 99 % reliability"))
    for billing, words in _BILLING.items():
        if billing not in (intent.billing or ("on_demand",)):
            found.append(({"billing": [*(intent.billing or ("on_demand",)), billing]}, words))
    for field in ("clouds", "regions", "residency", "gpu_types", "license", "preferred_models", "quantization"):
        if getattr(intent, field):
            found.append(({field: None}, f"drop the limit on {field.replace('_', ' ')}"))
    return found


def _ways_out(plan: Plan, asker: Asker) -> list[Outcome]:
    """Changes that admit the nearest misses: each alone, and all numeric limits together when none suffices."""
    wished: dict[str, tuple[Any, str]] = {}
    for miss in plan.rejected.misses:
        if miss.change is None or miss.rule in ("excluded_model", "not_preferred"):
            continue
        field, value = miss.change.field, miss.change.value
        known = wished.get(field)
        if known is None or (_is_number(value) and _is_number(known[0]) and value < known[0]):
            wished[field] = (value, miss.text)
    found = [asker.outcome({field: value}, text, None) for field, (value, text) in wished.items()]
    worked = [each for each in found if each.monthly_usd is not None]
    if worked:
        return sorted(worked, key=lambda each: each.monthly_usd or 0.0)
    return _together(plan, asker)


def _together(plan: Plan, asker: Asker) -> list[Outcome]:
    """Relax the limit that rejects most as far as its nearest miss asks, then the next, until something is left.

    Limits that no miss puts a number to are dropped; names of models and cards come last.
    """
    lifted: dict[str, Any] = {}
    stated, ledger = plan.intent.model_dump(), plan.rejected
    for _ in range(2 * len(_LIFTED)):
        rules = sorted(
            (rule for rule in ledger.counts if rule in _LIFTED), key=lambda rule: (rule in _NAMES, -ledger.counts[rule])
        )
        wished = [(field, _nearest(ledger, rule, field)) for rule in rules for field in _LIFTED[rule]]
        step = next(
            (
                (field, value)
                for field, value in wished
                if field not in lifted and (value is not None or look_up(stated, field) is not None)
            ),
            None,
        )
        if step is None:
            return []
        lifted[step[0]] = step[1]
        found, ledger = asker.tried(lifted)
        if found is not None:
            words = [
                f"allow {field} {value:g}" if value is not None else f"drop {field}" for field, value in lifted.items()
            ]
            return [Outcome(dict(lifted), ", ".join(words), found[0], None, found[1])]
    return []


def _nearest(ledger: Ledger, rule: str, field: str) -> float | None:
    """The smallest number that a miss of the rule asks of the field."""
    values = [
        miss.change.value
        for miss in ledger.misses
        if miss.rule == rule
        and miss.change is not None
        and miss.change.field == field
        and _is_number(miss.change.value)
    ]
    return min(values, default=None)


_LIFTED: Mapping[str, Sequence[str]] = {
    "ttft": ("target_ttft_p90_ms",),
    "tpot": ("target_tpot_p90_ms",),
    "e2e": ("target_e2e_latency_p90_ms",),
    "budget": ("budget.max_monthly_cost_usd",),
    "budget_hourly": ("budget.max_hourly_cost_usd",),
    "budget_per_1k_tokens": ("budget.cost_per_1k_tokens",),
    "max_gpus": ("max_gpus",),
    "available_gpus": ("available_gpus",),
    "memory": ("tensor_parallel", "max_gpus"),
    "no_machine": ("clouds", "regions", "residency"),
    "no_offer": ("clouds", "regions", "residency", "gpu_types"),
    "quality": ("quality_threshold", "preferred_models"),
    "licence": ("license",),
    "quantization": ("quantization",),
    "tensor_parallel": ("tensor_parallel",),
    "gpu_type": ("gpu_types",),
    "not_preferred": ("preferred_models",),
    "context": ("context_length",),
}


_NAMES = frozenset(["not_preferred", "gpu_type"])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def sensitivity(plan: Plan, snapshot: Snapshot, market: Market) -> list[Outcome]:
    """What the lowest cost becomes when one input moves; the strongest first. Savings are negative where it rises."""
    asker, now = _base(plan, snapshot, market)
    traffic, targets = plan.traffic, plan.traffic.targets
    moved: list[tuple[dict[str, Any], str]] = [
        ({"expected_qps": traffic.qps * 2, "peak_qps": traffic.peak_qps * 2}, "twice the load"),
        ({"expected_qps": traffic.qps / 2, "peak_qps": traffic.peak_qps / 2}, "half the load"),
        ({"peak_qps": traffic.peak_qps * 2}, "twice the peak"),
        ({"prompt_length_avg": round(traffic.isl.mean * 2)}, "prompts twice as long"),
        ({"generation_length_avg": round(traffic.osl.mean * 2)}, "answers twice as long"),
        ({"target_ttft_p90_ms": targets.ttft_ms / 2}, "half the TTFT"),
        ({"target_tpot_p90_ms": targets.tpot_ms / 2}, "half the TPOT"),
        ({"slo_percentile": 99}, "targets at p99"),
        ({"quality_threshold": "very_high"}, "very high quality"),
    ]
    kept = {"expected_qps": traffic.qps, "peak_qps": traffic.peak_qps} if traffic.active_hours_per_day == 24 else {}
    found = [asker.outcome({**kept, **changes}, text, now) for changes, text in moved]
    return sorted(found, key=lambda each: -abs(each.saving_usd) if each.saving_usd is not None else -np.inf)
