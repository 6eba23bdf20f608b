"""Questions about prices, answered from catalog rows only, each with its source and date."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from agent.context import Context
from agent.events import Event, Said
from agent.replies.explanation import explain
from agent.state import Json, State
from knowledge.store.offer import GPU, Offer
from templates.answers import answer
from tools.catalog.amounts import Amount, Sum, every, sum_of
from tools.catalog.finding import Prices, prices_asked
from tools.editing import look_up
from tools.units import parse_unit, reference_unit

SHOWN = 6
ROWS = 15


def catalog_answer(command: Json, state: State, context: Context) -> list[Event]:
    """The rows that the words of the question mean; what is not there is said to be not there, with near names."""
    planned = look_up(dict(state), "plan.traffic.workload_type")
    text = str(command["text"])
    catalog = context.catalog()
    try:
        found = prices_asked(text, catalog, workload_type=str(planned or ""), limit=ROWS)
        rows = {offer.sku_key: catalog.record(offer) for offer in found.offers}
    finally:
        catalog.store.close()
    if not found.asked and not rows and state.get("plan"):
        return explain({"subject": "cost"}, state, context)
    time = every(text.lower()) if found.amounts else ""
    lines = [_line(group, found.amounts, time, rows) for group in _lines(found.offers)]
    note = found.note
    if found.amounts and lines and not any(line["sum"] for line in lines):
        note = f"{note} Not sold by the {found.amounts[0].noun}: there is no sum.".strip()
    verdict = _verdict(found, time, rows)
    shown = _shown(found, lines)
    told = answer("prices", asked=found.asked, note=note, near=found.near, verdict=verdict, lines=shown)
    sums = {verdict: verdict} if verdict else {}
    for line in shown:
        if line["sum"]:  # the same sum at many sellers is told once, as in words
            sums.setdefault(line["sum"], f"{line['rows'][0]['provider']}: {line['sum']}")
    facts: Json = {"asked": found.asked, "rows": list(rows.values()), "sums": list(sums.values())}
    return [Said(told, "prices" if rows else "", facts if rows else {})]


def _lines(offers: Sequence[Offer]) -> list[list[Offer]]:
    """Offers that differ in nothing but their direction and price, together: input and output of one model."""
    lines: dict[tuple[object, ...], list[Offer]] = {}
    for offer in offers:
        alone = offer.sku_name if offer.workload_type == GPU or not offer.unit_name.endswith("tokens") else ""
        key = (offer.provider, offer.model_key, offer.billing_mode, offer.unit_name, offer.source_url, alone)
        lines.setdefault(key, []).append(offer)
    return list(lines.values())


def _line(group: Sequence[Offer], amounts: Sequence[Amount], time: str, rows: Mapping[str, Any]) -> Json:
    total = sum_of(amounts, group) if amounts else None
    told = _sum_told(total, amounts, time) if total else ""
    return {"rows": [rows[offer.sku_key] for offer in group], "sum": told}


def _shown(found: Prices, lines: Sequence[Json]) -> list[Json]:
    """The first lines; of each thing where several are compared."""
    share = SHOWN // max(1, len(found.things))
    shown: list[Json] = []
    for thing in found.things:
        keys = {offer.sku_key for offer in thing.offers}
        shown += [line for line in lines if line["rows"][0]["sku_key"] in keys][:share]
    return shown or list(lines[:SHOWN])


def _sum_told(total: Sum, amounts: Sequence[Amount], time: str) -> str:
    return answer("sum", total=total, what=" and ".join(amount.text for amount in amounts), time=time)


def _verdict(found: Prices, time: str, rows: Mapping[str, Any]) -> str:
    """Which of two or three things costs least, for the amount that was said or for one unit of what is sold."""
    if not found.things:
        return ""
    amounts = found.amounts or (_one_unit(found.things[0].offers[0]),)
    groups = [_lines(thing.offers) for thing in found.things]
    firsts = [next((each for each in lines if not rows[each[0].sku_key]["marks"]), lines[0]) for lines in groups]
    totals = [(total, group[0]) for group in firsts if (total := sum_of(amounts, group))]
    if len(totals) < len(firsts):
        return ""
    totals.sort(key=lambda pair: pair[0].usd)
    return answer("cheaper", totals=totals, what=" and ".join(amount.text for amount in amounts), time=time)


def _one_unit(offer: Offer) -> Amount:
    name = reference_unit(parse_unit(offer.unit_name, offer.workload_type)).name
    return Amount(
        0, 0, Decimal(1), name, "", name.replace("_", " ").replace("1m ", "1 million ").replace("1k ", "1,000 ")
    )
