"""The catalog's answers as tables for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from ui.rendering.width import console_of_width

PIPE_WIDTH = 220
REASONS_SHOWN = 5


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; numbers stand right."""
    console = _console()
    sheet = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        numeric = any(isinstance(row[place], int | float) for row in rows)
        sheet.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        sheet.add_row(*map(cell, row))
    console.print(sheet)


def cell(value: object) -> str:
    """Write one value: prices with the digits they need, nothing for what is not known."""
    if value is None:
        return ""
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _what(row: Mapping[str, Any]) -> str:
    """Name a model, or a machine with its cards."""
    count = row["gpu_count"]
    return f"{row['sku_name']} ({count:g}x {row['model_key']})" if count else str(row["model_key"])


def _console() -> Console:
    """A terminal as wide as it is; a pipe as wide as a table needs."""
    return console_of_width(PIPE_WIDTH)


def age(row: Mapping[str, Any]) -> str:
    """Write a source date with its age."""
    days = row["days_old"]
    return f"{row['source_date']} ({days} d)" if days is not None else str(row["source_date"])


def ranking(answer: Mapping[str, Any]) -> None:
    """Print a ranking, what was left out and why, and what would help when nothing is left."""
    offers = answer["offers"]
    monthly = any(row["monthly_usd"] is not None for row in offers)
    columns = ["", "seller", "model", "region", f"USD per {answer['unit']}"]
    many = any(row["replicas"] is not None for row in offers)
    columns += (
        (["times"] if many else []) + (["USD a month"] if monthly else []) + ["confidence", "source", "as of", "marks"]
    )
    table(
        "",
        columns,
        [
            [
                row["rank"],
                row["provider"],
                _what(row),
                row["region"],
                row["normalized_price_usd"],
                *([row["replicas"]] if many else []),
                *([row["monthly_usd"] and round(row["monthly_usd"], 2)] if monthly else []),
                row["confidence"],
                row["source_kind"],
                age(row),
                ", ".join([*row["marks"], *(flag for flag in row["flags"] if flag.startswith("differs:"))][:2]),
            ]
            for row in offers
        ],
    )
    console = _console()
    left_out = ", ".join(f"{row['rule']} {row['count']}" for row in answer["exclusions"])
    console.print(f"{answer['considered']} considered; left out: {left_out or 'none'}", highlight=False)
    for assumption in answer["assumptions"]:
        console.print(f"- {assumption}", highlight=False)
    for relaxation in answer["relaxations"]:
        console.print(f"{relaxation['change']}: {relaxation['offers']} offers", highlight=False)


def offers(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print prices one by one."""
    table(
        "",
        [
            "seller",
            "model",
            "billed",
            "part",
            "USD",
            "per",
            "region",
            "confidence",
            "source",
            "as of",
            "others say",
            "SKU",
        ],
        [
            [
                row["provider"],
                row["model_key"],
                row["billing_mode"],
                row["direction"],
                row["unit_price_usd"],
                row["unit_name"],
                row["region"],
                row["confidence"],
                row["source_kind"],
                age(row),
                ", ".join(flag.removeprefix("differs:") for flag in row["flags"] if flag.startswith("differs:")),
                row["sku_key"],
            ]
            for row in rows
        ],
    )


def health(answer: Mapping[str, Any]) -> None:
    """Print the state of the catalog, the weightiest first."""
    console = _console()
    for warning in answer["warnings"]:
        console.print(f"! {warning}", highlight=False)
    table(
        "",
        ["source", "offers", "newest", "oldest", "days old"],
        [
            [row["source_kind"], row["offers"], row["newest_date"], row["oldest_date"], row["days_old"]]
            for row in answer["freshness"]
        ],
    )
    for row in answer["doubts"]:
        console.print(f"{row['sku_key']}: {row['why']}", highlight=False)
    unpriced = ", ".join(f"{gpu} ({count})" for gpu, count in answer["benchmarks_on_unpriced_gpus"].items())
    console.print(f"conflicts between sources: {len(answer['conflicts'])} (sextant catalog drift)", highlight=False)
    console.print(f"models without benchmarks: {len(answer['models_without_benchmarks'])}", highlight=False)
    console.print(f"benchmarks on GPUs without a price: {unpriced or 'none'}", highlight=False)


def moves(answer: Mapping[str, Any], limit: int) -> None:
    """Print how prices moved, the largest change first."""
    counts = ", ".join(f"{count} {kind}" for kind, count in answer["counts"].items()) or "nothing changed"
    table(
        f"{answer['since']} to {answer['until']}: {counts}",
        ["SKU", "source", "was USD", "is USD", "change", "per"],
        [
            [
                row["sku_key"],
                row["origin"],
                row["was_usd"],
                row["is_usd"],
                row["kind"] if row["share"] is None else f"{row['share']:+.1%}",
                row["unit_name"],
            ]
            for row in answer["moves"][:limit]
        ],
    )


def events(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the history of one price."""
    table(
        "",
        ["recorded", "source", "event", "was USD", "is USD", "per", "as of"],
        [
            [row[name] for name in ("recorded_at", "origin", "event", "old_usd", "new_usd", "unit_name", "source_date")]
            for row in rows
        ],
    )


def drift(answer: Mapping[str, Any]) -> None:
    """Print agreement of sources and the widest gaps."""
    table(
        "",
        ["source", "other", "shared", "differ by > 1 %", "share", "> 15 %", "> double"],
        [
            [
                row["source"],
                row["other"],
                row["shared"],
                row["differing"],
                f"{row['share']:.1%}",
                row["over_15_percent"],
                row["over_double"],
            ]
            for row in answer["pairs"]
        ],
    )
    table(
        "",
        ["SKU", "source", "USD", "other", "USD", "times"],
        [
            [row["sku_key"], row["source"], row["usd"], row["other"], row["other_usd"], row["ratio"]]
            for row in answer["differences"]
        ],
    )


def sync(answer: Mapping[str, Any]) -> None:
    """Print what came of a sync, and the first reasons of what was held or refused."""
    table(
        "",
        ["source", "outcome", "offers", "new", "changed", "gone", "held", "refused", "skipped", "detail"],
        [
            [
                row["name"],
                row["outcome"],
                row["offers"],
                row["added"],
                row["changed"],
                row["removed"],
                len(row["held"]),
                len(row["refused"]),
                len(row["skipped"]),
                row["detail"],
            ]
            for row in answer["sources"]
        ],
    )
    console = _console()
    for row in answer["sources"]:
        for kind in ("held", "refused"):
            for doubt in row[kind][:REASONS_SHOWN]:
                console.print(f"{row['name']}: {kind} {doubt['sku_key']}: {doubt['why']}", highlight=False)
