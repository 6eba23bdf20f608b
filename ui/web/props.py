"""What the cards of the web chat show, as plain values: every figure is formatted here, none in the browser."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from agent.card import GROUPS, Line
from agent.events import Asked, Card, Comparison, Options, Report
from templates.numbers import amount, dollars
from templates.reports import chart
from tools.editing import FIELDS
from tools.planner.plots import cost_against_latency, spot
from ui.rendering.option_words import option_words
from ui.rendering.plan import PICKS, headline
from ui.web.wording import LABELS, worded

Json = dict[str, Any]

OPTION_FIELDS = {
    "model_id": "model",
    "kind": "how it runs",
    "gpu_type": "GPU",
    "quantization": "precision",
    "tensor_parallel": "GPUs a replica",
    "gpu_count": "GPUs",
    "cost.monthly_usd": "cost a month",
    "cost.per_1k_tokens_usd": "cost of 1,000 tokens",
    "predicted.ttft_ms.p90": "TTFT p90 (ms)",
    "predicted.tpot_ms.p90": "TPOT p90 (ms)",
    "predicted.e2e_ms.p90": "E2E p90 (ms)",
    "predicted.utilization": "used",
    "network.round_trip_ms": "way to the users (ms)",
    "quality.score": "quality",
    "risk.total": "risk",
}
"""What people call the fields of an option that a comparison names."""
APPLYING = {line.applies: line.path for _, lines in GROUPS for line in lines if line.applies}
ACRONYMS = frozenset({"ttft", "tpot", "e2e", "qps", "gpu"})


def card_props(card: Card) -> Json:
    """The specification: fields with text, unit, choices and provenance, those that can be added, what is chosen."""
    spec = card.spec
    shown = {field["key"] for group in spec["groups"] for field in group["fields"]}
    return {
        "revision": card.revision,
        "groups": [
            {"name": group["name"], "fields": [_field(field) for field in group["fields"]]} for group in spec["groups"]
        ],
        "absent": [
            {"name": name, "fields": [_blank(line) for line in lines if line.path not in shown]}
            for name, lines in GROUPS
        ],
        "unresolved": [f"“{item['text']}”: {item['why']}" for item in spec["unresolved"]],
        "snapshot": spec["snapshot"],
        "chosen": _chosen(spec["chosen"]),
        "deployment": spec["deployment"],
        "undo": spec["undo"],
        "redo": spec["redo"],
    }


def _field(field: Mapping[str, Any]) -> Json:
    return {
        "key": field["key"],
        "label": field["label"],
        "unit": field["unit"],
        "text": written(field["value"]),
        "source": field["source"],
        "detail": field["detail"] or "",
        "choices": _choices(field["key"]),
    }


def _blank(line: Line) -> Json:
    return {"key": line.path, "label": line.label, "unit": line.unit, "choices": _choices(line.path)}


def _choices(path: str) -> list[str]:
    kind = FIELDS[path]
    return [str(each) for each in get_args(kind)] if get_origin(kind) is Literal else []


def written(value: Any) -> str:
    """A value as it would be typed: lists with commas, records as JSON, no more digits than carry meaning."""
    if isinstance(value, bool) or value is None:
        return "" if value is None else json.dumps(value)
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
    if isinstance(value, list):
        return json.dumps(value) if any(isinstance(each, dict) for each in value) else ", ".join(map(str, value))
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _chosen(option: Mapping[str, Any] | None) -> Json | None:
    if option is None:
        return None
    return {
        "id": option["id"],
        "title": headline(option),
        "monthly": dollars(option["cost"]["monthly_usd"]),
        "why": option["why"],
        "deployable": option["kind"] != "api",
    }


def options_props(options: Options, revision: int, note: Sequence[str] = ()) -> Json:
    """The ranked options, the named lists, the Pareto front, what was left out by which rule; `note`: what was said."""
    shown = {option["id"]: option_words(option, options.chosen) for option in options.options}
    front = set(options.lists.get("pareto", ()))
    tuned = [option["id"] for option in options.options if option.get("tuned")]
    spots = [each for option in options.options if (each := spot(option)) is not None]
    return {
        "revision": revision,
        "chosen": options.chosen,
        "note": list(note),
        "lists": [
            {"name": name, "title": title.capitalize(), "ids": [i for i in options.lists[name] if i in shown]}
            for name, title in PICKS.items()
            if options.lists.get(name)
        ]
        + ([{"name": "tuned", "title": "With engine settings", "ids": tuned}] if tuned else []),
        "options": shown,
        "chart": chart(drawing) if (drawing := cost_against_latency(spots, front, options.chosen)) else "",
        "rejected": _rejected(options.rejected),
    }


def _rejected(rejected: Mapping[str, Any]) -> Json:
    nearest: dict[str, Mapping[str, Any]] = {}
    for miss in rejected.get("nearest", ()):
        nearest.setdefault(miss["rule"], miss)
    return {
        "rules": [
            {
                "rule": _words(rule),
                "count": f"{count:,} {rejected['counted'].get(rule, '')}",
                "nearest": nearest[rule]["text"] if rule in nearest else "",
                "change": _change(nearest[rule]["change"]) if rule in nearest else None,
            }
            for rule, count in rejected.get("counts", {}).items()
        ],
        "relaxations": [
            {"text": each["text"], "change": _change(each["change"])} for each in rejected.get("relaxations", ())
        ],
    }


def _change(change: Mapping[str, Any] | None) -> Json | None:
    """A change that a button can carry out: an edit of the card."""
    if change is None or change["field"] not in FIELDS:
        return None
    cost = f", then {dollars(change['monthly_usd'])} a month" if change.get("monthly_usd") is not None else ""
    line = LABELS.get(change["field"])
    label, unit = (line.label, line.unit) if line else (_words(change["field"]), "")
    value = " ".join(filter(None, (written(change["value"]).replace("_", " "), unit))) if change["value"] else "not set"
    return {"values": {change["field"]: change["value"]}, "text": f"{label}: {value}{cost}"}


def comparison_props(comparison: Comparison) -> Json:
    """Rows of before, after and difference."""
    rows: Sequence[Mapping[str, Any]] = comparison.rows
    return {
        "title": comparison.title,
        "rows": [
            {
                "field": _named(row["field"]),
                "before": _figure(row["field"], row["before"]),
                "after": _figure(row["field"], row["after"]),
                "change": "" if row["percent"] is None else f"{row['percent']:+.0f} %",
            }
            for row in rows
        ],
    }


def _named(path: str) -> str:
    """`balanced.predicted.ttft_ms.p90` and `total_users` as `Balanced: TTFT p90 (ms)` and `People with access`."""
    head, _, rest = path.partition(".")
    if head in PICKS and rest:
        return f"{PICKS[head].capitalize()}: {OPTION_FIELDS.get(rest) or _words(rest)}"
    own = path.removeprefix("intent.").removeprefix("traffic.")
    if line := LABELS.get(own) or LABELS.get(APPLYING.get(path, "")):
        return f"{line.label} ({line.unit})" if line.unit and line.unit not in line.label.lower() else line.label
    return OPTION_FIELDS.get(path) or _words(own)


def _words(name: str) -> str:
    """`ttft_p90_ms` as `TTFT p90 (ms)`, any other name without underscores."""
    stem = name.rpartition(".")[2] if name.count(".") else name
    text = " ".join(each.upper() if each in ACRONYMS else each for each in stem.removesuffix("_ms").split("_"))
    return f"{text} (ms)" if stem.endswith("_ms") else text


def _figure(path: str, value: Any) -> str:
    if not isinstance(value, int | float):
        return amount(value)
    if path.endswith("utilization"):
        return f"{value:.0%}"
    return dollars(value) if path.endswith("_usd") else amount(value)


def report_props(report: Report) -> Json:
    """The verdict per objective, measured beside predicted, with the facts of the test and their sources."""
    facts = report.report
    return {
        "key": f"{facts['deployment_id']} {facts['started_at']}",
        "verdict": facts["verdict"],
        "reason": worded(facts["reason"]),
        "deployment": facts["deployment_id"],
        "slos": [
            {
                "name": worded(slo["name"]),
                "bound": amount(slo["bound"]),
                "measured": amount(slo["measured"]),
                "interval": "" if slo["low"] is None else f"{amount(slo['low'])} to {amount(slo['high'])}",
                "predicted": amount(slo["predicted"]),
                "verdict": slo["verdict"],
            }
            for slo in facts["slos"]
        ],
        "facts": [
            {"name": "requests", "text": f"{facts['requests']:,} at {amount(facts['request_rate_rps'])}/s"},
            {"name": "failed", "text": f"{facts['failed']:,}"},
            {"name": "throughput", "text": f"{amount(facts['output_tok_s'])} tokens/s"},
            {"name": "goodput", "text": f"{amount(facts['goodput_rps'])}/s"},
            {"name": "uptime", "text": f"{amount(facts['uptime_percent'])} %"},
            {"name": "planned cost", "text": f"{dollars(facts['monthly_cost_usd'])} a month"},
        ],
        "notes": [f"{each['count']} × {each['kind']}: {each['example']}" for each in facts["errors"]]
        + [worded(each).replace("`", "") for each in facts["warnings"]],
        "sources": [f"{name}: {text}" for name, text in facts.get("sources", {}).items()],
        "papers": facts.get("papers", []),
    }


def question_props(asked: Asked) -> Json:
    """A question with quick answers."""
    return {"question": asked.question, "suggestions": list(asked.suggestions)}
