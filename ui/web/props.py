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
from ui.web.wording import worded

Json = dict[str, Any]

PICKS_SHOWN = frozenset(name.replace("_", " ") for name in PICKS)
ACRONYMS = frozenset({"ttft", "tpot", "e2e", "qps", "gpu"})


def card_props(card: Card, target: str) -> Json:
    """The specification: fields with text, unit, choices and provenance; what would be deployed where."""
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
        "chosen": _chosen(spec["chosen"], target),
        "deployment": spec["deployment"],
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


def _chosen(option: Mapping[str, Any] | None, target: str) -> Json | None:
    if option is None:
        return None
    return {
        "id": option["id"],
        "title": headline(option),
        "monthly": dollars(option["cost"]["monthly_usd"]),
        "why": option["why"],
        "deployable": option["kind"] != "api",
        "target": target,
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
                "rule": rule.replace("_", " "),
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
    shown = f"{change['field']} = {written(change['value']) or 'not set'}{cost}"
    return {"values": {change["field"]: change["value"]}, "text": shown}


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
    """`balanced.predicted.ttft_ms.p90` and `ttft_p90_ms` as `balanced · TTFT p90 (ms)` and `TTFT p90 (ms)`."""
    parts = [part for part in path.split(".") if part not in ("intent", "predicted", "cost", "traffic")]
    units = [word for part in parts for word in ("ms", "usd") if part.endswith(f"_{word}")]
    words = [part.removesuffix("_ms").removesuffix("_usd").replace("_", " ") for part in parts]
    shown = [" ".join(each.upper() if each in ACRONYMS else each for each in text.split()) for text in words]
    head, *rest = shown
    text = f"{head} · {' '.join(rest)}" if rest and head in PICKS_SHOWN else " ".join(shown)
    return f"{text} ({units[0].upper() if units[0] == 'usd' else units[0]})" if units else text


def _figure(path: str, value: Any) -> str:
    return dollars(value) if path.endswith("_usd") and isinstance(value, int | float) else amount(value)


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
        + list(facts["warnings"]),
        "sources": [f"{name}: {text}" for name, text in facts.get("sources", {}).items()],
        "papers": facts.get("papers", []),
    }


def question_props(asked: Asked) -> Json:
    """A question with quick answers."""
    return {"question": asked.question, "suggestions": list(asked.suggestions)}
