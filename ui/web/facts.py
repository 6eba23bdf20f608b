"""Answers that are drawn and not only worded: prices, the report of a bill, what runs and how it fares."""

from collections.abc import Callable, Mapping
from typing import Any

from agent.events import Said
from templates.numbers import amount, dollars
from ui.targets import LOCAL
from ui.web.deployment import STATES
from ui.web.wording import worded

Json = dict[str, Any]

MOST_GROUPS = 8
OLD_DAYS = 30


def drawn(said: Said, thread: str) -> tuple[str, Json] | None:
    """Name and props of the card that an answer is drawn as; None when its words are all there is."""
    draw = _DRAWN.get(said.kind)
    return None if draw is None else (draw[0], draw[1](said.facts) | {"downloads": f"/ui/files/{thread}"})


def prices_props(facts: Mapping[str, Any]) -> Json:
    """Rows of the catalog: who sells what at which price in which unit, and where that is from."""
    rows = facts["rows"]
    return {
        "title": f"Prices: {facts['asked']}",
        "columns": [
            {"name": "seller", "kind": "text"},
            {"name": "model or product", "kind": "text"},
            {"name": "billed", "kind": "text"},
            {"name": "price", "kind": "number"},
            {"name": "per", "kind": "text"},
            {"name": "source", "kind": "source"},
        ],
        "rows": [[_text(row["provider"]), _text(row["model_key"]), _text(_billed(row)),
                  _text(dollars(row["unit_price_usd"])), _text(_unit(row["unit_name"])), _source(row)]
                 for row in rows],
        "lead": list(facts.get("sums", ())),
        "notes": ["Prices are those of the catalog on their dates; marks such as “stale” say what to doubt."],
    }  # fmt: skip


def _unit(name: str) -> str:
    """`1m_tokens` as `1M tokens`, kept in one line."""
    return name.replace("_", " ").replace("1m ", "1M ").replace("1k ", "1K ").replace(" ", "\u00a0")


def _billed(row: Mapping[str, Any]) -> str:
    direction = "" if row["direction"] == "na" else row["direction"]
    cards = f"{row['gpu_count']} cards" if row["gpu_count"] else ""
    region = "" if row["region"] in ("", "global") else row["region"]
    words = (row["billing_mode"], direction, cards, region)
    return ", ".join(str(word).replace("_", " ") for word in words if word)


def _source(row: Mapping[str, Any]) -> Json:
    days = row["days_old"]
    age = "" if days is None else f"{days} day{'' if days == 1 else 's'} old"
    marks = [row["confidence"], row["source_date"], age, *row["marks"]]
    return {
        "text": ", ".join(str(mark) for mark in marks if mark),
        "url": _web(row["source_url"]),
        "doubt": bool(row["marks"]) or (days or 0) > OLD_DAYS,
    }


def bill_props(facts: Mapping[str, Any]) -> Json:
    """The account of a bill: totals that reconcile, savings with their reasons, and everything behind them."""
    totals, summary = facts["totals"], facts["summary"]
    lines = totals["lines"]
    money = dollars if totals["currency"] == "USD" else lambda value: f"{amount(value)} {totals['currency']}"
    return {
        "title": facts["name"],
        "how": f"read as {facts['file']['title']} ({facts['file']['stored_as']})",
        "facts": [
            {"name": "in all", "text": money(totals["total"])},
            *([{"name": "by list prices", "text": dollars(summary["total"])}] if summary["basis"] == "catalog" else []),
            {"name": "lines", "text": amount(lines["all"])},
            *({"name": name, "text": amount(lines[name])} for name in ("matched", "unmatched", "rejected")),
            {"name": "sums", "text": "reconcile with the file" if totals["reconciled"] else "do not reconcile"},
            {"name": "could be saved", "text": f"{dollars(totals['monthly_savings_usd'])} a month"},
            {"name": "with conditions", "text": f"up to {dollars(totals['possible_savings_usd'])} of this bill"},
        ],
        "findings": [_finding(each) for each in facts["savings"]],
        "more": facts["more"],
        "anomalies": [_noticed(each) for each in facts["anomalies"]],
        "groups": [
            {"title": f"By {name}", "rows": _shares(summary[f"by_{name}"], summary["total"])}
            for name in ("provider", "model", "workload")
        ],
        "open_lines": [
            {"line": each["line"], "day": each["day"], "status": each["status"], "reason": each["reason"]}
            for each in facts["open_lines"]
        ],
        "notes": [*facts["notes"], f"Prices as of {summary['prices_as_of']}; the bill itself is not kept."],
        "papers": facts["papers"],
    }


def _noticed(anomaly: Mapping[str, Any]) -> str:
    """An anomaly with what it is of and when."""
    of = " ".join(str(each) for each in (anomaly["provider"], anomaly["model"]) if each)
    when = f" ({anomaly['date']})" if anomaly["date"] else ""
    return f"{of}: {anomaly['title']}{when}" if of else f"{anomaly['title']}{when}"


def _finding(finding: Mapping[str, Any]) -> Json:
    return {
        "title": _sentence(finding["title"]),
        "of": finding["bundle"],
        "spend": dollars(finding["spend_usd"]),
        "saving": f"{dollars(finding['monthly_saving_usd'])} a month",
        "counted": finding["counted"],
        "confidence": finding["confidence"],
        "how": _sentence(finding["how"]),
        "condition": finding["condition"] or "",
        "lines": f"{amount(finding['lines'])} lines, the first: {', '.join(map(str, _first(finding['first_lines'])))}",
        "source": finding["source_date"] or "",
        "url": _web(finding["source_url"] or ""),
        "others": [
            f"{other['title']}: {dollars(other['monthly_saving_usd'])} a month. {_sentence(other['how'])}"
            + (f". Only if {other['condition']}" if other["condition"] else "")
            for other in finding["alternatives"]
        ],
    }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _first(lines: list[int]) -> list[int]:
    """A few lines of the file, each once: one line may hold several kinds of tokens."""
    return list(dict.fromkeys(lines))[:8]


def _shares(rows: list[Json], total: float) -> list[Json]:
    shown = rows[:MOST_GROUPS]
    return [
        {"name": row["name"], "text": dollars(row["amount_usd"]), "share": row["amount_usd"] / total if total else 0.0}
        for row in shown
    ]


def status_props(facts: Mapping[str, Any]) -> Json:
    """What was deployed here, how its load test went, and what its Prometheus saw in the last hour."""
    return {
        "deployments": [
            {
                "id": each["id"],
                "model": each["model"],
                "runs": each["runs"],
                "where": "on this machine, simulated" if each["target"] == LOCAL else f"on {each['target']}",
                "state": STATES.get(each["state"], each["state"]),
                "since": each["since"][:16].replace("T", " "),
                "monthly": "" if each["monthly_usd"] is None else f"planned at {dollars(each['monthly_usd'])} a month",
                "verdict": (each["verdict"] or "not tested").replace("_", " "),
                "reason": worded(each["reason"]),
            }
            for each in facts["deployments"]
        ],
        "observed": [_observed(each) for each in facts["observed"]],
    }


def _observed(seen: Mapping[str, Any]) -> Json:
    head = {"id": seen["deployment_id"], "window": seen["window"], "unavailable": seen["unavailable"]}
    if seen["unavailable"]:
        return head | {"slos": [], "findings": [], "source": ""}
    return head | {
        "source": f"{seen['source']}, {seen['covered_s']:,.0f} s covered",
        "slos": [
            {
                "name": worded(each["slo"]),
                "bound": f"{amount(each['bound_ms'])} ms",
                "measured": "–" if each["measured_ms"] is None else f"{amount(each['measured_ms'])} ms",
                "share": "" if each["share_within"] is None else f"{each['share_within']:.1%} within",
                "verdict": each["verdict"],
            }
            for each in seen["slos"]
        ],
        "findings": [
            {
                "severity": each["severity"],
                "text": worded(each["text"]),
                "action": each["action"],
                "saving": _saving(each["saving_usd_per_month"]),
            }
            for each in seen["findings"]
        ],
    }


def _saving(usd: float | None) -> str:
    return "" if usd is None else f"{'saves' if usd >= 0 else 'costs'} {dollars(abs(usd))} a month"


def _text(text: object) -> Json:
    return {"text": str(text), "url": "", "doubt": False}


def _web(address: str) -> str:
    """An address that a browser may follow; anything else (a file, a script) stays words."""
    return address if address.startswith(("http://", "https://")) else ""


_DRAWN: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Json]]] = {
    "prices": ("TableCard", prices_props),
    "bill": ("BillCard", bill_props),
    "status": ("StatusCard", status_props),
}
