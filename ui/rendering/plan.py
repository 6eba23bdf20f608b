"""A plan in a terminal: the specification with its provenance, the picks, the options, and what was left out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from templates.numbers import amount, dollars
from ui.rendering.badges import BADGES
from ui.rendering.width import console_of_width

Json = Mapping[str, Any]

SHOWN = 12
TUNED_SHOWN = 4
WAYS_SHOWN = 3
PICKS = {
    "balanced": "balanced",
    "lowest_cost": "lowest cost",
    "lowest_latency": "lowest latency",
    "best_quality": "best quality",
}
FIGURES = ("a month", "TTFT", "TPOT", "E2E", "used", "quality", "risk", "evidence")
WIDE, MIDDLING = 140, 90
"""Columns of a terminal for every figure, and for all but the evidence."""
_SPECIFICATION = (
    ("task", "traffic.task_type", "", "task_type"),
    ("average load", "traffic.qps", "requests/s", "qps"),
    ("peak load", "traffic.peak_qps", "requests/s", "peak_qps"),
    ("requests a day", "traffic.requests_per_day", "", "requests_per_day"),
    ("prompt (ISL)", "traffic.isl", "tokens", "isl"),
    ("answer (OSL)", "traffic.osl", "tokens", "osl"),
    ("longest sequence", "traffic.context_tokens", "tokens", "context_tokens"),
    ("TTFT", "slo.ttft_ms", "ms", "ttft_ms"),
    ("TPOT", "slo.tpot_ms", "ms", "tpot_ms"),
    ("E2E", "slo.e2e_ms", "ms", "e2e_ms"),
    ("quality", "slo.quality", "", "quality"),
    ("reliability", "slo.reliability_percent", "%", "reliability_percent"),
)


def show_plan(plan: Json) -> None:
    """Print a plan (the JSON of `sextant plan`)."""
    console = console_of_width()
    console.print(specification_panel(plan))
    if not plan["feasible"]:
        console.print(Text("Nothing serves this within the rules.", style="bold red"))
        console.print(changes(plan))
        return
    console.print(picks_table(plan))
    if plan.get("api_instead"):
        console.print(Text(plan["api_instead"]["text"], style="cyan"))
    percentile = plan["slo"]["percentile"]
    console.print(options_table(plan["options"], plan["lists"], plan["rejected"], percentile=percentile))
    ways = dict.fromkeys(
        each["network"]["text"] for each in plan["options"] if each.get("network") and each["predicted"]
    )
    for way in list(ways)[:WAYS_SHOWN]:
        console.print(Text(f"· network: {way}; counted in TTFT and E2E", style="dim"))
    if plan.get("tuned"):
        console.print(tuned_table(plan))
    console.print(rejections(plan["rejected"]))
    if "advice" in plan:
        from ui.rendering.advice import advice_view

        console.print(advice_view(plan))
    if "candidate" in plan:
        console.print(candidate_line(plan["candidate"]))


def specification_panel(plan: Json) -> RenderableType:
    """What is planned for, each value with a badge that says where it is from."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name in ("field", "value", "unit", "from"):
        table.add_column(name, justify="right" if name == "value" else "left")
    slo = plan["slo"]
    language = plan["traffic"]["workload_type"] == "llm"
    if not language:
        _add_usage(table, plan)
    for label, path, unit, key in _SPECIFICATION if language else ():
        part, name = path.split(".")
        entry = plan[part]["provenance"].get(key, {})
        value = plan[part][name]
        shown = _lengths(value) if isinstance(value, Mapping) else amount(value)
        at = f" p{slo['percentile']}" if name.endswith("_ms") else ""
        basis = " perceived" if name == "e2e_ms" and slo["e2e_basis"] == "perceived" else ""
        badge = Text(entry.get("source", ""), style=BADGES.get(entry.get("source", ""), ""))
        detail = entry.get("text") or entry.get("detail") or ""
        if detail and detail != key:
            badge.append(f"  {detail[:90]}", style="dim")
        table.add_row(f"{label}{at}{basis}", shown, unit, badge)
    if plan["intent"].get("user_region"):
        table.add_row("users are in", plan["intent"]["user_region"], "", Text("said", style=BADGES["said"]))
    budget = plan["intent"].get("budget")
    if budget:
        table.add_row("budget", amount(budget), "", Text("said", style=BADGES["said"]))
    return Panel(table, title="Specification", title_align="left", box=box.ROUNDED)


def _add_usage(table: Table, plan: Json) -> None:
    said, usage = Text("said", style=BADGES["said"]), plan["intent"].get("usage")
    table.add_row("workload", plan["traffic"]["workload_type"].replace("_", " "), "", said)
    if usage:
        table.add_row("usage", f"{usage['quantity']:,g}", f"{usage['unit']} a {usage['period']}", said)


def _lengths(value: Json) -> str:
    return f"{value['mean']:,.0f} mean, {value['p90']:,.0f} p90"


def picks_table(plan: Json) -> RenderableType:
    """The first of each list with its reason."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title="Picks", title_justify="left")
    for name in ("", "option", "why"):
        table.add_column(name)
    options = {option["id"]: option for option in plan["options"]}
    for name, title in PICKS.items():
        ids = plan["lists"].get(name)
        if ids:
            option = options[ids[0]]
            table.add_row(Text(title, style="bold"), headline(option), option["why"])
    return table


def headline(option: Json) -> str:
    """An option in a few words."""
    model = str(option["model_id"]).rsplit("/", 1)[-1]
    if option["kind"] == "api":
        return f"{model} by {option['provider']}"
    return f"{model} {option['quantization']} on {option['gpu_count']} × {option['gpu_type']}"


def options_table(
    options: Sequence[Json],
    lists: Mapping[str, Sequence[str]],
    rejected: Json,
    chosen: str | None = None,
    *,
    percentile: int | None = None,
) -> RenderableType:
    """Options with cost, verdict per target, utilisation and evidence; the chosen one is marked.

    Where it is narrow, what an option is stands in two lines and the last columns are left out.
    """
    width = console_of_width().width
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title="Options", title_justify="left")
    wide = width >= WIDE
    names = ("", "model", "runs on", "where") if wide else ("", "option")
    shown = FIGURES if wide else FIGURES[: 7 if width >= MIDDLING else 6]
    for name in names + shown:
        table.add_column(name, justify="left" if name in (*names, "quality", "evidence") else "right")
    options = [option for option in options if not option.get("tuned")]
    for number, option in enumerate(options[:SHOWN], start=1):
        mark = "●" if option["id"] == chosen else str(number)
        what, figures = _cells(option)
        cells = what if wide else [Text.assemble(what[0], "\n", (_brief(option), "dim"))]
        table.add_row(mark, *cells, *figures[: len(shown)], style="bold" if option["id"] == chosen else "")
    named = [f"{title} {_numbers(options, lists.get(name, ()))}" for name, title in PICKS.items() if lists.get(name)]
    note = Text("   ".join(named), style="dim")
    counted = sum(rejected.get("counts", {}).values()) if rejected else 0
    many = f"{len(options)} option{'s' * (len(options) != 1)}"
    at = f"p{percentile}" if percentile else "the targets' percentile"
    more = f"{many}; {counted:,} candidates left out; times at {at}, ms" if counted else many
    return Group(table, note, Text(more, style="dim"))


def _numbers(options: Sequence[Json], ids: Sequence[str]) -> str:
    places = {option["id"]: number for number, option in enumerate(options, start=1)}
    return " ".join(str(places[each]) for each in ids[:3] if each in places)


def _cells(option: Json) -> tuple[list[str], list[RenderableType]]:
    """What an option is, and its figures in the order of `FIGURES`."""
    cost, predicted = dollars(option["cost"]["monthly_usd"]), option["predicted"]
    model, risk = str(option["model_id"]).rsplit("/", 1)[-1], f"{option['risk']['total']:.2f}"
    if predicted is None:
        return [model, "API", str(option["provider"])], [cost, "?", "?", "?", "–", _score(option), risk, "price list"]
    met, evidence = option["slo_met"], predicted["evidence"]["kind"]
    own = " + own" if predicted["evidence"].get("own") else ""
    shown = {"ttft": "ttft_ms", "tpot": "tpot_ms", "e2e": "e2e_ms"}
    if predicted["e2e_basis"] == "perceived":
        shown["e2e"] = "perceived_ms"
    way = (option.get("network") or {}).get("round_trip_ms", 0.0)
    times = [
        Text(
            f"{predicted[field]['at_target'] + (way if name != 'tpot' else 0.0):,.0f}",
            style="green" if met[name] else "red",
        )
        for name, field in shown.items()
    ]
    used, badge = _share(predicted["utilization"]), Text(evidence + own, style=BADGES.get(evidence, ""))
    return [model, _runs(option), _place(option)], [cost, *times, used, _score(option), risk, badge]


def tuned_table(plan: Json) -> RenderableType:
    """Picks with engine settings on, what each changes, and what that rests on."""
    options = {option["id"]: option for option in plan["options"]}
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title_justify="left")
    table.title = "With engine settings that the lists do not count on"
    for name in ("option", "a month", "effect"):
        table.add_column(name, justify="right" if name == "a month" else "left")
    shown = [options[each] for each in plan["tuned"][:TUNED_SHOWN]]
    for option in shown:
        table.add_row(headline(option), dollars(option["cost"]["monthly_usd"]), option["tuned"]["effect"])
    assumed = dict.fromkeys(each for option in shown for each in option["tuned"]["assumptions"])
    return Group(table, *(Text(f"· {each}", style="dim") for each in assumed))


def _share(share: float) -> str:
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def _score(option: Json) -> str:
    quality = option["quality"]
    if quality["score"] is None:
        return "unknown"
    return f"{quality['score']:.0f}±{quality['standard_error']:.0f}" + (
        " est." if quality["basis"] == "estimated" else ""
    )


def _brief(option: Json) -> str:
    """Where an option runs, in a line of a narrow table."""
    if option["gpu_type"] is None:
        return f"API of {option['provider']}"
    card = str(option["gpu_type"]).partition("-")[2]
    return f"{option['gpu_count']} × {card} {option['quantization']}, {_place(option)}"


def _runs(option: Json) -> str:
    stages = f"·PP{option['pipeline_parallel']}" if (option["pipeline_parallel"] or 1) > 1 else ""
    replica = f"TP{option['tensor_parallel']}{stages} {option['quantization']}"
    return f"{option['replicas']} × {replica}, {option['gpu_count']} × {option['gpu_type']}"


def _place(option: Json) -> str:
    names = [str(option[name]) for name in ("cloud", "region") if option[name] and option[name] != "global"]
    billing = str(option["billing"] or "on_demand").replace("_", " ")
    return (" ".join(names) or str(option["kind"])) + ("" if billing == "on demand" else f" ({billing})")


def rejections(rejected: Json) -> RenderableType:
    """How many each rule left out, and its nearest miss."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title="Left out", title_justify="left")
    for name in ("rule", "how many", "nearest miss", "would be admitted by"):
        table.add_column(name, justify="right" if name == "how many" else "left")
    nearest: dict[str, Json] = {}
    for miss in rejected["nearest"]:
        nearest.setdefault(miss["rule"], miss)
    for rule, count in rejected["counts"].items():
        miss = nearest.get(rule)
        table.add_row(
            rule.replace("_", " "),
            f"{count:,} {rejected['counted'].get(rule, '')}",
            miss["text"] if miss else "",
            change_words(miss["change"]) if miss else "",
        )
    return table


def change_words(change: Json | None) -> str:
    """A change as it would be typed."""
    if change is None:
        return ""
    value = change["value"]
    written = _written(value)
    cost = f" → {dollars(change['monthly_usd'])} a month" if change.get("monthly_usd") is not None else ""
    return f"--set {change['field']}={written}{cost}"


def _written(value: Any) -> str:
    """A value as `--set` takes it: words plainly, lists with commas, records as JSON in quotes."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    if isinstance(value, list | dict):
        return f"'{json.dumps(value, separators=(',', ':'))}'"
    if isinstance(value, float):
        return f"{value:.10g}"
    return "null" if value is None else str(value)


def changes(plan: Json) -> RenderableType:
    """What would make an infeasible plan feasible: priced changes first, then the nearest misses."""
    ways = plan.get("advice", {}).get("relaxations", [])
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title="What would help", title_justify="left")
    for name in ("because", "change", "a month"):
        table.add_column(name, justify="right" if name == "a month" else "left")
    for way in ways[:SHOWN]:
        written = "  ".join(change_words({"field": field, "value": value}) for field, value in way["changes"].items())
        table.add_row(way["text"], Text(written, style="cyan"), dollars(way["monthly_usd"]))
    return Group(*([table] if ways else []), rejections(plan["rejected"]))


def show_portfolio(several: Json) -> None:
    """Print the totals of a portfolio."""
    totals = several["portfolio"]["total_monthly_usd"]
    cards = several["portfolio"]["gpu_count"]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title="Portfolio", title_justify="left")
    for name in ("pick", "a month", "GPUs", "shared, a month", "saves"):
        table.add_column(name, justify="left" if name == "pick" else "right")
    shared = several["portfolio"]["shared"]
    for name, title in PICKS.items():
        found = shared.get(name, {})
        saves = dollars(found["saving_usd"]) if found.get("saving_usd") else ""
        table.add_row(
            title, dollars(totals[name]), str(cards[name]), dollars(found["total_monthly_usd"]) if saves else "", saves
        )
    console = console_of_width()
    console.print(table)
    for name, found in shared.items():
        for group in found["groups"]:
            console.print(Text.assemble((f"{PICKS[name]}  ", "bold"), group["text"] + "."))
    for api in several["portfolio"]["api_instead"]:
        console.print(Text.assemble((f"workload {api['workload'] + 1}  ", "bold"), api["text"]))


def candidate_line(finding: Json) -> RenderableType:
    """What came of asking about one candidate."""
    name = " ".join(str(finding[part]) for part in ("model_id", "gpu_type", "quantization") if finding[part])
    if finding["admitted"]:
        return Text.assemble((f"{name} is admitted: ", "green"), finding["option"]["why"])
    broken = finding["broken_rule"]
    if broken is None:
        return Group(Text(f"{name} is not admitted:", style="red"), rejections(finding["rejected"]))
    line = Text.assemble((f"{name} breaks a rule: ", "red"), broken["text"], f"  {change_words(broken['change'])}")
    rest = f"Without that rule: {finding['option']['why']}" if finding["option"] else ""
    return Group(line, Text(rest))
