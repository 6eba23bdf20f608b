"""Changes said relative to what stands: "twice as fast", "traffic doubles", "20 % cheaper"."""

import re
from collections.abc import Mapping
from typing import Any

from agent.commands import Dialogue
from agent.understanding.accelerators import find_accelerators
from agent.understanding.models import find_models
from knowledge.snapshot import Snapshot
from tools.editing import look_up

LOAD = ("expected_qps", "requests_per_day", "tokens_per_day", "concurrent_users", "total_users")
TARGETS = ("target_ttft_p90_ms", "target_tpot_p90_ms", "target_e2e_latency_p90_ms")
APPLIED = {"target_ttft_p90_ms": "slo.ttft_ms", "target_e2e_latency_p90_ms": "slo.e2e_ms"}

_DENIED = re.compile(
    r"^(?:no,? )?(?:wait,? |sorry,? |actually,? )*(?:not|no|without|avoid|anything but|nicht|kein\w*"
    r"|ohne|pas(?: de)?|sans|sin)\s+(?:on |with |the |any |auf |mit |sur |con )*(?P<what>.{2,60})$"
)
_FACTOR_WORDS = {"twice": 2.0, "double": 2.0, "doubles": 2.0, "doubled": 2.0, "doubling": 2.0, "triple": 3.0,
                 "triples": 3.0, "tripled": 3.0, "quadruple": 4.0, "quadruples": 4.0, "half": 0.5, "halve": 0.5,
                 "halves": 0.5, "halved": 0.5, "verdoppelt": 2.0, "verdoppeln": 2.0, "doppelt": 2.0, "halb": 0.5,
                 "halbiert": 0.5, "doublait": 2.0, "duplica": 2.0, "mitad": 0.5}  # fmt: skip
_WORD = re.compile(rf"\b({'|'.join(_FACTOR_WORDS)})\b")
_COUNTS = {"two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "ten": 10.0, "zwei": 2.0, "drei": 3.0, "deux": 2.0,
           "trois": 3.0, "dos": 2.0, "tres": 3.0}  # fmt: skip
_TIMES = re.compile(rf"\b(\d+(?:\.\d+)?|{'|'.join(_COUNTS)})\s?(?:x|times|fold|-fold|mal|fois|veces)\b")
_PERCENT = re.compile(r"\b(\d+(?:\.\d+)?)\s?(?:%|percent)")
_LESS = re.compile(
    r"\b(?:less|fewer|lower|cheaper|faster|reduce|reduced|cut|drops?|falls?|down|halve|shrinks?|weniger)\b"
)
_FAST = re.compile(
    r"\b(?:fast|faster|quick|quicker|snappier|latency|latencies|response times?|schnell|rapide|rapido)\b"
)
_SLOW = re.compile(r"\b(?:slow|slower)\b")
_TRAFFIC = re.compile(
    r"\b(?:traffic|load|users?|people|demand|volume|requests?|qps|rps|usage|adoption|nutzer|last|verkehr|trafic|trafico|carga|utilisateurs|usuarios|charge|demande|demanda|benutzer|anfragen|requetes|"
    r"peticiones)\b"
)
_BORNE = re.compile(r"\b(?:handle|cope with|cope|take|sustain|serve|scale to|survive|carry|growth|grow|grows)\b")
_MONEY = re.compile(r"\b(?:cheap|cheaper|cost|costs|price|budget|money|spend)\b")


def without_named(folded: str, dialogue: Dialogue, snapshot: Snapshot) -> Mapping[str, Any] | None:
    """ "No wait, not A100s": what stands on the card, less the accelerators or models that are named."""
    denied = _DENIED.match(folded)
    if denied is None:
        return None
    cards = {each.gpu_type for each in find_accelerators(denied["what"], snapshot)}
    models = {each.name for each in find_models(denied["what"], snapshot) if each.name}
    values: dict[str, Any] = {}
    for field, named in (("gpu_types", cards), ("preferred_models", models)):
        standing = getattr(dialogue.intent, field) or ()
        left = tuple(each for each in standing if not any(name and name in each for name in named))
        if left != standing:
            values[field] = list(left) or None
    return values or None


def relative_values(text: str, dialogue: Dialogue) -> Mapping[str, Any] | None:
    """The values that a relative change comes to, or None when the text says none."""
    folded = text.lower()
    factor = _factor(folded)
    if factor is None:
        return None
    if _FAST.search(folded):
        return _targets(1 / factor if factor > 1 and not _PERCENT.search(folded) else factor, dialogue)
    if _SLOW.search(folded):
        return _targets(factor if factor > 1 else 1 / factor, dialogue)
    if _MONEY.search(folded):
        return _budget(1 / factor if factor > 1 and "cheap" in folded else factor, dialogue)
    if _TRAFFIC.search(folded) or _BORNE.search(folded):
        return _load(factor, dialogue)
    return None


def _factor(folded: str) -> float | None:
    percent = _PERCENT.search(folded)
    if percent:
        share = float(percent.group(1)) / 100
        return 1 - share if _LESS.search(folded) and share < 1 else 1 + share
    times = _TIMES.search(folded)
    if times:
        return _COUNTS.get(times.group(1)) or float(times.group(1)) or None
    word = _WORD.search(folded)
    return _FACTOR_WORDS[word.group(1)] if word else None


def _load(factor: float, dialogue: Dialogue) -> Mapping[str, Any]:
    """Every way in which the load was said grows alike; when none was said, the one assumed."""
    said = {name: getattr(dialogue.intent, name) for name in (*LOAD, "peak_qps")}
    changed = {name: round(value * factor) if isinstance(value, int) else value * factor
               for name, value in said.items() if value is not None}  # fmt: skip
    if dialogue.intent.usage is not None:
        changed["usage.quantity"] = dialogue.intent.usage.quantity * factor
    assumed = look_up(dialogue.traffic, "traffic.qps")
    return changed or ({"expected_qps": assumed * factor} if assumed else {})


def _targets(factor: float, dialogue: Dialogue) -> Mapping[str, Any]:
    """The latency targets that were said; when none was, those that apply."""
    said = {name: getattr(dialogue.intent, name) for name in TARGETS}
    stated = {name: value * factor for name, value in said.items() if value is not None}
    applied = {name: look_up(dialogue.traffic, path) for name, path in APPLIED.items()}
    return stated or {name: value * factor for name, value in applied.items() if value}


def _budget(factor: float, dialogue: Dialogue) -> Mapping[str, Any]:
    """The monthly budget, or the cost of the chosen option."""
    budget = dialogue.intent.budget
    if budget and budget.max_monthly_cost_usd:
        return {"budget.max_monthly_cost_usd": round(budget.max_monthly_cost_usd * factor, 2)}
    chosen = next((option for option in dialogue.options if option["id"] == dialogue.chosen), None)
    return {"budget.max_monthly_cost_usd": round(chosen["cost"]["monthly_usd"] * factor, 2)} if chosen else {}
