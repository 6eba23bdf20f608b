"""Questions about prices, answered from catalog rows only, each with its source and date."""

from collections.abc import Mapping, Sequence
from typing import Any

from agent.context import Context
from agent.events import Event, Said
from agent.replies.explanation import explain
from agent.state import Json, State
from templates.answers import answer
from tools.catalog.finding import prices_asked
from tools.editing import look_up

SHOWN = 6
ROWS = 15


def catalog_answer(command: Json, state: State, context: Context) -> list[Event]:
    """The rows that the words of the question mean; what is not there is said to be not there, with near names."""
    planned = look_up(dict(state), "plan.traffic.workload_type")
    catalog = context.catalog()
    try:
        found = prices_asked(str(command["text"]), catalog, workload_type=str(planned or ""), limit=ROWS)
        rows = [catalog.record(offer) for offer in found.offers]
    finally:
        catalog.store.close()
    if not found.asked and not rows and state.get("plan"):
        return explain({"subject": "cost"}, state, context)
    told = answer("prices", asked=found.asked, note=found.note, near=found.near, lines=_lines(rows)[:SHOWN])
    return [Said(told, "prices" if rows else "", {"asked": found.asked, "rows": rows} if rows else {})]


def _lines(rows: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Rows that differ in nothing but their direction and price, together: input and output of one model."""
    lines: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        machine = row["sku_key"] if row["gpu_count"] else ""
        key = (row["provider"], row["model_key"], row["billing_mode"], row["unit_name"], row["source_url"], machine)
        lines.setdefault(key, []).append(row)
    return list(lines.values())
