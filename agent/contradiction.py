"""Needs that cannot be had together: what holds what, in numbers, and priced ways out that a number or words take."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agent.planner import Facts
from agent.state import Json
from templates.answers import answer
from templates.numbers import amount, dollars
from tools.intent import Intent
from tools.planner import Plan
from tools.planner.whatif import Outcome, relaxations

MOST_CHOICES = 4
BUDGET = "budget.max_monthly_cost_usd"

_NEEDS = (
    ("target_ttft_p90_ms", "{} ms to the first token"),
    ("target_tpot_p90_ms", "{} ms per token"),
    ("target_e2e_latency_p90_ms", "{} ms end to end"),
    ("expected_qps", "{} requests per second"),
    ("requests_per_day", "{} requests a day"),
    ("total_users", "{} users"),
    ("target_throughput_rps", "a throughput of {} requests per second"),
    ("quality_threshold", "{} quality"),
    ("reliability_target", "{} % reliability"),
    ("preferred_models", "{}"),
    ("context_length", "a context of {} tokens"),
)
_HOLDERS = (("max_gpus", "{} GPUs"), ("gpu_types", "{}"), ("clouds", "{} alone"), ("residency", "{} alone"))
_RELAXED = {
    BUDGET: ("raise the budget to {} a month", "drop the budget"),
    "target_ttft_p90_ms": ("allow {} ms to the first token", "drop the first-token target"),
    "target_tpot_p90_ms": ("allow {} ms per token", "drop the per-token target"),
    "target_e2e_latency_p90_ms": ("allow {} ms end to end", "drop the end-to-end target"),
    "quality_threshold": ("accept {} quality", "drop the quality threshold"),
    "billing": ("allow {} machines", "allow any billing"),
    "max_gpus": ("allow {} GPUs", "drop the limit on GPUs"),
    "preferred_models": ("take {}", "allow any model"),
    "gpu_types": ("use {}", "allow any accelerator"),
    "expected_qps": ("serve {} requests per second", "drop the load"),
}
_NUMBER = re.compile(r"^(?:(?:take|choose|pick|option|number|no\.?|the|nr\.?|choice|#)\s*)*(\d)(?:st|nd|rd|th)?"
                     r"(?:\s+(?:one|option|choice|please))*$")  # fmt: skip
_ORDINAL = {"first": 1, "second": 2, "third": 3, "fourth": 4, "one": 1, "two": 2, "three": 3, "four": 4}
_ORDINAL_WORDS = re.compile(rf"^(?:(?:take|choose|pick|option|number|the|i'?ll|let'?s)\s+)*({'|'.join(_ORDINAL)})"
                            r"(?:\s+(?:one|option|choice|please))*$")  # fmt: skip
_IDLE = frozenset(["take", "choose", "the", "a", "an", "then", "ok", "okay", "yes", "please", "to", "let's", "i", "do",
                   "we", "can", "just", "and", "it", "that", "go", "with", "for", "of"])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """One way out: the words that take it, the values that it sets, and what the cheapest plan then costs."""

    text: str
    values: Mapping[str, Any]
    monthly_usd: float
    what: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What cannot be had together and the ways out, cheapest first."""

    headline: str
    choices: tuple[Choice, ...]
    misses: tuple[str, ...]

    def words(self) -> str:
        """Everything for the person."""
        return answer("infeasible", headline=self.headline, choices=self.choices, changes=self.misses)

    def to_json(self) -> list[Json]:
        """The choices as state keeps them."""
        return [{**asdict(choice), "values": dict(choice.values)} for choice in self.choices]


def contradiction(facts: Facts, plan: Plan) -> Contradiction:
    """Why an infeasible plan is infeasible, and priced ways out."""
    ways = relaxations(plan, facts.snapshot, facts.market) if plan.traffic.workload_type == "llm" else []
    choices = tuple(_choice(way) for way in ways[:MOST_CHOICES] if way.monthly_usd is not None)
    misses = tuple(miss["text"] for miss in plan.rejected.to_json(1)["nearest"][:5])
    return Contradiction(_headline(plan, ways), choices, misses)


def taken(text: str, choices: Sequence[Json]) -> Json | None:
    """The choice that a message takes by its number, its words or a part of them that fits no other; or None."""
    plain = " ".join(text.lower().replace("’", "'").split()).strip(" .!?")
    numbered = _NUMBER.match(plain)
    ordinal = _ORDINAL_WORDS.match(plain)
    place = int(numbered[1]) if numbered else _ORDINAL[ordinal[1]] if ordinal else None
    if place is not None:
        return choices[place - 1] if 1 <= place <= len(choices) else None
    exact = [choice for choice in choices if choice["text"].lower() == plain]
    words = _words(plain) - _IDLE
    fitting = exact or [choice for choice in choices if words and words <= _words(choice["text"].lower())]
    return fitting[0] if len(fitting) == 1 else None


def _words(text: str) -> set[str]:
    return {word.strip(",.:;!?") for word in text.split()} - {""}


def _choice(way: Outcome) -> Choice:
    text = " and ".join(_relaxed(field, value) for field, value in way.changes.items())
    return Choice(text, way.changes, way.monthly_usd or 0.0, way.what or "")


def _relaxed(field: str, value: Any) -> str:
    name = field.replace(".", " ").replace("_", " ")
    change, drop = _RELAXED.get(field, (f"set {name} to {{}}", f"drop the limit on {name}"))
    return drop if value is None else change.format(_shown(field, value))


def _shown(field: str, value: Any) -> str:
    if field == BUDGET:
        return dollars(float(value))
    shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else amount(value)
    return shown.replace("_", " ")


def _headline(plan: Plan, ways: Sequence[Outcome]) -> str:
    """ "$2,000 a month cannot hold 200 ms to the first token at 100 requests per second: …".

    The budget is named only where it turned something down.
    """
    intent = plan.intent
    needs = " with ".join(_said(intent, _NEEDS)) or "this"
    binding = "budget" in plan.rejected.counts or any(BUDGET in way.changes for way in ways)
    budget = intent.budget.max_monthly_cost_usd if intent.budget and binding else None
    own = [f"{each.count} × {each.gpu_type}" for each in intent.available_gpus or ()]
    holders = ([f"{dollars(budget)} a month"] if budget else []) + own + _said(intent, _HOLDERS)
    if not holders:
        return f"Nothing on offer holds {needs}."
    cheapest = next((way for way in ways if set(way.changes) == {BUDGET}), None)
    found = (
        f": the cheapest that does costs {dollars(cheapest.monthly_usd)} a month ({cheapest.what})" if cheapest else ""
    )
    return f"{' on '.join(holders)} cannot hold {needs}{found}."


def _said(intent: Intent, parts: Sequence[tuple[str, str]]) -> list[str]:
    said = ((name, form, getattr(intent, name)) for name, form in parts)
    return [form.format(_shown(name, value)) for name, form, value in said if value]
