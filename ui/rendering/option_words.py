"""An option in words and formatted figures: the same on cards and in reports."""

from collections.abc import Mapping
from typing import Any

from templates.numbers import amount, dollars

Json = dict[str, Any]

TIMES = (("ttft", "TTFT", "ttft_ms"), ("tpot", "TPOT", "tpot_ms"), ("e2e", "E2E", "e2e_ms"))


def option_words(option: Mapping[str, Any], chosen: str | None) -> Json:
    """An option (as JSON) with every figure formatted; `chosen`: the id of the chosen one."""
    predicted, quality, source = option["predicted"], option["quality"], option.get("price_source") or {}
    return {
        "id": option["id"],
        "chosen": option["id"] == chosen,
        "model": str(option["model_id"]).rsplit("/", 1)[-1],
        "vendor": str(option["model_id"]).partition("/")[0],
        "runs": _runs(option),
        "where": _where(option),
        "monthly": dollars(option["cost"]["monthly_usd"]),
        "per_1k": dollars(option["cost"]["per_1k_tokens_usd"]),
        "times": _times(option),
        "used": "–" if predicted is None else f"{predicted['utilization']:.0%}",
        "gpus": amount(option["gpu_count"]),
        "quality": _quality(quality),
        "risk": f"{option['risk']['total']:.2f}",
        "evidence": "price list" if predicted is None else predicted["evidence"]["kind"],
        "interval": "" if predicted is None else _interval(predicted),
        "neighbours": [] if predicted is None else [each["what"] for each in predicted["evidence"]["neighbours"]],
        "why": option["why"],
        "price": f"price of {source['date']}, {source['confidence']}" if source else "",
        "price_url": source.get("url", ""),
        "lines": [f"{line['item']}: {dollars(line['usd'])} a month" for line in option["cost"]["lines"]]
        + _notes(option),
    }


def _notes(option: Mapping[str, Any]) -> list[str]:
    """What engine settings change and rest on, and what the way to the users takes."""
    tuned, network = option.get("tuned"), option.get("network")
    notes = [tuned["effect"], *tuned["assumptions"]] if tuned else []
    return [*notes, f"network: {network['text']}, counted in TTFT and E2E"] if network else notes


def simulated_words(refined: Mapping[str, Any], basis: str) -> Json:
    """An option as simulated: p90 of each time with its verdict; `basis`: what its E2E target counts."""
    fields = {name: "perceived_ms" if name == "e2e" and basis == "perceived" else field for name, _, field in TIMES}
    return {
        "times": [
            {"name": title, "text": f"{refined[fields[name]]['p90']:,.0f} ms", "met": refined["slo_met"][name]}
            for name, title, _ in TIMES
        ],
        "holds": refined["holds"],
        "text": refined["text"],
        "share": f"{refined['goodput_share']:.1%} on time",
        "requests": f"{refined['requests']:,}",
    }


def _runs(option: Mapping[str, Any]) -> str:
    if option["kind"] == "api":
        return f"API of {option['provider']}"
    return f"{option['gpu_count']} × {option['gpu_type']}"


def _where(option: Mapping[str, Any]) -> str:
    if option["kind"] == "api":
        return "per token"
    place = [str(option[name]) for name in ("cloud", "region") if option[name] and option[name] != "global"]
    layout = f"{option['replicas']} × TP{option['tensor_parallel']} {option['quantization']}"
    billing = str(option["billing"] or "on_demand").replace("_", " ")
    return " · ".join([layout, " ".join(place) or str(option["kind"]), billing])


def _times(option: Mapping[str, Any]) -> list[Json]:
    predicted, met = option["predicted"], option["slo_met"]
    if predicted is None:
        return [{"name": title, "text": "?", "met": None} for _, title, _ in TIMES]
    perceived = predicted["e2e_basis"] == "perceived"
    fields = {name: "perceived_ms" if name == "e2e" and perceived else field for name, _, field in TIMES}
    way = (option.get("network") or {}).get("round_trip_ms", 0.0)
    seen = {name: predicted[fields[name]]["at_target"] + (way if name != "tpot" else 0.0) for name, _, _ in TIMES}
    return [{"name": title, "text": f"{seen[name]:,.0f} ms", "met": met[name]} for name, title, _ in TIMES]


def _quality(quality: Mapping[str, Any]) -> str:
    if quality["score"] is None:
        return "unknown"
    estimated = " est." if quality["basis"] == "estimated" else ""
    return f"{quality['score']:.0f} ± {quality['standard_error']:.0f}{estimated}"


def _interval(predicted: Mapping[str, Any]) -> str:
    low, high = predicted["interval"]["ttft_ms"]
    return f"80 % interval of TTFT {low:,.0f} to {high:,.0f} ms"
