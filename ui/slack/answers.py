"""Answers as tables where they hold rows: prices, the account of a bill, what runs. The web chat draws the same."""

from collections.abc import Callable, Mapping
from typing import Any

from agent.events import Said
from ui.slack.blocks import CONTEXT_CHARS, Block, bold, context, fitted, paragraphs, section
from ui.slack.tables import table
from ui.slack.wording import escaped
from ui.web.facts import bill_props, prices_props, status_props

Json = Mapping[str, Any]

OPEN_LINES = 8


def said_blocks(said: Said) -> list[Block]:
    """An answer: its rows as a table, or words."""
    draw = _DRAWN.get(said.kind)
    return fitted(paragraphs(said.text) if draw is None else draw(said.facts))


def _prices(facts: Json) -> list[Block]:
    shown = prices_props(facts)
    rows = [tuple(column["name"] for column in shown["columns"])]
    rows += [tuple((cell["text"], cell["url"]) for cell in row) for row in shown["rows"]]
    return [section(bold(shown["title"])), *table(rows, (3,)), *_notes(shown["notes"])]


def _bill(facts: Json) -> list[Block]:
    """Totals, the findings as a table with the reason of each, what was noticed, and who gets the money."""
    shown = bill_props(facts)
    totals = " · ".join(f"{each['name']} *{escaped(each['text'], 100)}*" for each in shown["facts"])
    blocks = [section(f"{bold(shown['title'])}, {escaped(shown['how'], 300)}\n{totals}")]
    found = shown["findings"]
    if found:
        rows = [("finding", "of", "spent", "could be saved", "confidence", "why")]
        rows += [(each["title"], each["of"], each["spend"], each["saving"], each["confidence"], _reason(each))
                 for each in found]  # fmt: skip
        blocks += table(rows, (2, 3))
    lines = [f"Noticed: {each}" for each in shown["anomalies"]]
    lines += [f"{each['title']}: {', '.join(_share(row) for row in each['rows'])}" for each in shown["groups"]]
    open_lines = [f"line {each['line']} is {each['status']}: {each['reason']}" for each in shown["open_lines"]]
    lines += open_lines[:OPEN_LINES]
    lines += ["more lines like these"] if len(open_lines) > OPEN_LINES else []
    return [*blocks, *paragraphs("\n".join(f"• {each}" for each in lines)), *_notes(shown["notes"])]


def _reason(finding: Json) -> str:
    condition = f" Only if {finding['condition']}." if finding["condition"] else ""
    return f"{finding['how']}.{condition}"


def _share(row: Json) -> str:
    return f"{row['name']} {row['text']} ({row['share']:.0%})"


def _status(facts: Json) -> list[Block]:
    shown = status_props(facts)
    rows = [("deployment", "model", "runs", "where", "state", "since", "cost", "load test")]
    rows += [
        (each["id"], each["model"], each["runs"], each["where"], each["state"], each["since"], each["monthly"],
         each["verdict"])
        for each in shown["deployments"]
    ]  # fmt: skip
    return [*table(rows), *paragraphs("\n".join(line for seen in shown["observed"] for line in _observed(seen)))]


def _observed(seen: Json) -> list[str]:
    if seen["unavailable"]:
        return [f"{seen['id']} was not observed: {seen['unavailable']}"]
    objectives = [f"{each['name']} {each['measured']} of {each['bound']} {each['share']}".rstrip()
                  for each in seen["slos"]]  # fmt: skip
    findings = [f"• {each['severity']}: {' '.join(filter(None, (each['text'], each['action'], each['saving'])))}"
                for each in seen["findings"]]  # fmt: skip
    return [f"{seen['id']}, last {seen['window']} ({seen['source']}): {', '.join(objectives)}", *findings]


def _notes(notes: list[str]) -> list[Block]:
    return [context(escaped(" ".join(notes), CONTEXT_CHARS))] if notes else []


_DRAWN: Mapping[str, Callable[[Json], list[Block]]] = {"prices": _prices, "bill": _bill, "status": _status}
