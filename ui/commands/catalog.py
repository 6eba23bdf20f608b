"""`sextant catalog`: rank, browse, compare, check, export and renew prices."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from knowledge.connectors.protocol import Access, Connector
    from knowledge.store.offer import Offer
    from tools.catalog.catalog import Catalog

app = typer.Typer(
    help="Prices of nine workloads and of rented GPUs, each with its source and date.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Limit = Annotated[int, typer.Option(help="How many to show.", min=1)]
INFEASIBLE = 3


def _catalog() -> "Catalog":
    from datetime import UTC, datetime

    from knowledge.snapshot import load
    from knowledge.store.database import open_store
    from tools.catalog.catalog import Catalog
    from ui.settings import read_settings

    snapshot = load()
    return Catalog(open_store(read_settings().home, snapshot), snapshot, datetime.now(UTC).date())


@app.command()
def rank(
    *,
    workload: Annotated[str, typer.Argument(help="llm, embeddings, rerank, speech_to_text, ... or gpu.")] = "llm",
    named: Annotated[str, typer.Option("--workload", help="The workload, said as an option.")] = "",
    model: Annotated[str, typer.Option(help="Words of the model's name; of the accelerator for gpu.")] = "",
    usage: Annotated[
        list[str] | None, typer.Option(help='Used in a month: "input=300M tokens", "1000 audio hours".')
    ] = None,
    unit: Annotated[str, typer.Option(help="Compare per this unit instead of the usual one.")] = "",
    schedule: Annotated[str, typer.Option(help="standard, batch, priority, flex; spot, reserved_1y for gpu.")] = "",
    provider: Annotated[list[str] | None, typer.Option(help="Only these sellers.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="Not these sellers.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Only these regions.")] = None,
    include: Annotated[
        list[str] | None, typer.Option(help="Admit marked offers: free, reseller, deprecated, retired, add-on, ...")
    ] = None,
    prompt_tokens: Annotated[float | None, typer.Option(help="Length of a prompt, for long-context rates.")] = None,
    min_context: Annotated[int | None, typer.Option(help="Context window the model must have, in tokens.")] = None,
    max_monthly: Annotated[float | None, typer.Option(help="Budget in USD a month; needs --usage.")] = None,
    max_unit_price: Annotated[float | None, typer.Option(help="Highest USD per unit.")] = None,
    needed_per_s: Annotated[float | None, typer.Option(help="Output tokens per second that must be reached.")] = None,
    throughput: Annotated[
        list[str] | None, typer.Option(help="Output tokens per second of one card: NVIDIA-H100-80GB-SXM=2500.")
    ] = None,
    assume: Annotated[list[str] | None, typer.Option(help='Bridge units: "image=1.5 megapixel".')] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Compare listed prices, not converted ones.")] = False,
    unweighted: Annotated[bool, typer.Option("--unweighted", help="Do not count unsure prices for more.")] = False,
    exclusions: Annotated[Path | None, typer.Option(help="Write every excluded offer with its reason as CSV.")] = None,
    limit: Limit = 10,
    json: Json = False,
) -> None:
    """Rank offers like with like; say what was left out and why. Exit code 3 when nothing is left."""
    from tools.catalog.answers import excluded_rows, ranking_answer
    from tools.catalog.export import table
    from tools.catalog.query import Query, canonical_workload
    from tools.catalog.usage import parse_usage
    from tools.units import parse_assumption, parse_unit

    name = canonical_workload(named or workload)
    query = Query(
        workload_type=name,
        usage=parse_usage(usage or [], name),
        unit=parse_unit(unit, name) if unit else None,
        schedule=schedule or None,
        model=model,
        providers=frozenset(provider or ()),
        excluded_providers=frozenset(without or ()),
        regions=frozenset(region or ()),
        include=frozenset(include or ()),
        prompt_tokens=prompt_tokens,
        min_context_tokens=min_context,
        max_monthly_usd=max_monthly,
        max_unit_usd=max_unit_price,
        needed_per_s=needed_per_s,
        throughput_per_s=_throughput(throughput or []),
        confidence_weighted=not unweighted,
        raw=raw,
        assumptions=tuple(map(parse_assumption, assume or ())),
        limit=limit,
    )
    catalog = _catalog()
    ranking = catalog.rank(query)
    answer = ranking_answer(catalog, ranking)
    if exclusions:
        columns = ("provider", "model_key", "sku_key", "rule", "reason")
        _write(exclusions, table(columns, excluded_rows(ranking)), field="exclusions")
    if json:
        _print(catalog, answer)
    else:
        from ui.rendering import catalog as rendering

        rendering.ranking(answer)
    if not ranking.offers:
        raise typer.Exit(INFEASIBLE)


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="Words of seller, model or SKU.")],
    workload: Annotated[str, typer.Option(help="Only this workload.")] = "",
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """Find prices by name, or by a question in words: "how much is an H100 on runpod?"."""
    from knowledge.errors import NotFound
    from tools.catalog.finding import prices_asked
    from tools.catalog.query import canonical_workload

    catalog = _catalog()
    only = canonical_workload(workload) if workload else ""
    found: Sequence[Offer] = catalog.search(text, limit, workload_type=only or None)
    if not found:
        asked = prices_asked(text, catalog, workload_type=only, limit=limit)
        if not asked.offers:
            raise NotFound("price", asked.asked or text, asked.near)
        found = asked.offers
    _offers(catalog, {"offers": [catalog.record(offer) for offer in found]}, json=json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A SKU or a model.")],
    json: Json = False,
) -> None:
    """Show every price of a model or SKU, with what each source says of it."""
    from tools.catalog.answers import sheets_answer

    catalog = _catalog()
    _offers(catalog, sheets_answer(catalog, catalog.show(name)), json=json)


@app.command()
def export(
    form: Annotated[Literal["csv", "json", "focus"], typer.Option("--format", help="Form of the file.")] = "csv",
    workload: Annotated[str, typer.Option(help="Only this workload.")] = "",
    provider: Annotated[str, typer.Option(help="Only this seller.")] = "",
    out: Annotated[Path | None, typer.Option(help="File to write; standard output without.")] = None,
    json: Json = False,
) -> None:
    """Export the current prices as CSV, JSON, or a price sheet in the terms of FOCUS."""
    from tools.catalog.export import record, to_csv, to_focus, to_json
    from tools.catalog.query import canonical_workload

    catalog = _catalog()
    only = {"workload_type": canonical_workload(workload)} if workload else {}
    only |= {"provider": provider} if provider else {}
    offers = sorted(catalog.store.offers(**only), key=lambda offer: offer.sku_key)
    if json:
        _print(catalog, {"offers": [record(offer) for offer in offers]})
        return
    if form == "focus":
        text = to_focus(offers, catalog.today.isoformat())
    else:
        text = to_csv(offers) if form == "csv" else to_json(offers)
    if out:
        _write(out, text, field="out")
    else:
        sys.stdout.write(text)


@app.command()
def health(json: Json = False) -> None:
    """Say what is stale, missing, in conflict or hard to believe."""
    from tools.catalog.answers import health_answer
    from tools.catalog.health import health as examine

    catalog = _catalog()
    answer = health_answer(
        examine(
            catalog.store.offers(),
            catalog.store.sources(),
            catalog.today,
            models=catalog.snapshot.models,
            benchmarks=catalog.snapshot.benchmarks,
        )
    )
    if json:
        _print(catalog, answer)
        return
    from ui.rendering import catalog as rendering

    rendering.health(answer)


@app.command()
def sync(
    providers: Annotated[str, typer.Option(help="Sources to ask, with commas; all without.")] = "all",
    confirm: Annotated[bool, typer.Option("--confirm", help="Let in what was held for a look.")] = False,
    fail_on_empty: Annotated[
        bool, typer.Option("--fail-on-empty", help="Exit 1 when a source brought nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Renew prices from live lists, packages and feeds, and negotiated ones from the price folder."""
    import time
    from datetime import UTC, datetime

    import httpx

    from knowledge.connectors.transport import TIMEOUT, USER_AGENT, Transport
    from tools.catalog.answers import sync_answer
    from tools.catalog.sync import SourceReport, sync

    chosen, named = _connectors(providers), providers.replace(",", " ").split()
    catalog = _catalog()

    def tell(report: SourceReport) -> None:
        figures = f"{report.offers} offers, {report.added} new, {report.changed} changed, {report.removed} gone"
        told = figures if report.outcome == "merged" else report.detail
        sys.stderr.write(f"{report.name}: {report.outcome}{': ' + told if told else ''}\n")

    with httpx.Client(timeout=TIMEOUT, headers=USER_AGENT, follow_redirects=True) as client:
        reports = sync(
            catalog.store,
            chosen,
            Transport(client, time.sleep),
            _access(catalog),
            now=lambda: datetime.now(UTC),
            confirm=confirm,
            told=tell,
        )
    answer = sync_answer(reports)
    if json:
        _print(catalog, answer)
    else:
        from ui.rendering import catalog as rendering

        rendering.sync(answer)
    if fail_on_empty and any(report.empty for report in reports if report.name in named or report.outcome != "no key"):
        raise typer.Exit(1)


@app.command()
def diff(
    since: Annotated[str, typer.Argument(help="First day, YYYY-MM-DD.")],
    until: Annotated[str, typer.Argument(help="Last day; today without.")] = "",
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """Show what changed in the catalog between two days: what came, went and moved, by how much."""
    from datetime import timedelta

    from tools.catalog.answers import moves_answer
    from tools.catalog.series import moves

    catalog = _catalog()
    first, last = _day(since), _day(until or catalog.today.isoformat())
    found = moves(catalog.store.events(first.isoformat(), (last + timedelta(days=1)).isoformat()))
    answer = moves_answer(found, first.isoformat(), last.isoformat())
    if json:
        _print(catalog, answer)
        return
    from ui.rendering import catalog as rendering

    rendering.moves(answer, limit)


@app.command()
def history(
    sku: Annotated[str, typer.Argument(help="The SKU, as `catalog show` prints it.")],
    json: Json = False,
) -> None:
    """Show one price over time, as each source gave it."""
    from dataclasses import asdict

    catalog = _catalog()
    events = [asdict(event) for event in catalog.store.history(sku)]
    if not events:
        catalog.show(sku)  # names what may have been meant
    if json:
        _print(catalog, {"sku_key": sku, "events": events})
        return
    from ui.rendering import catalog as rendering

    rendering.events(events)


@app.command()
def drift(
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """Compare price sources pair by pair: how many prices they share, on how many they differ, the widest gaps."""
    from tools.catalog.answers import drift_answer
    from tools.catalog.drift import drift as compare

    catalog = _catalog()
    answer = drift_answer(compare(catalog.store.layered()), limit)
    if json:
        _print(catalog, answer)
        return
    from ui.rendering import catalog as rendering

    rendering.drift(answer)


def _connectors(names: str) -> "list[Connector]":
    from knowledge.connectors import CONNECTORS
    from knowledge.errors import NotFound

    known = {connector.name: connector for connector in CONNECTORS}
    if names.strip() == "all":
        return list(known.values())
    asked = [name.strip() for name in names.split(",") if name.strip()]
    for name in asked:
        if name not in known:
            raise NotFound("price source", name, tuple(known), field="providers")
    return [connector for name, connector in known.items() if name in asked]


def _access(catalog: "Catalog") -> "Access":
    from knowledge.connectors.protocol import Access
    from tools.catalog.machines import accelerator_of
    from ui.settings import read_settings

    settings = read_settings()
    return Access(
        today=catalog.today,
        gpu=accelerator_of(catalog.snapshot),
        keys=settings.price_keys,
        base_urls=settings.price_urls,
        etags=catalog.store.etags(),
        folder=settings.price_folder,
        regions=settings.price_regions,
    )


def _offers(catalog: "Catalog", answer: dict[str, object], *, json: bool) -> None:
    if json:
        _print(catalog, answer)
        return
    from ui.rendering import catalog as rendering

    rendering.offers(answer["offers"])  # type: ignore[arg-type]


def _print(catalog: "Catalog", answer: dict[str, object]) -> None:
    from ui.output import print_json

    print_json(answer, snapshot=catalog.version)


def _throughput(texts: list[str]) -> dict[str, float]:
    from knowledge.errors import BadInput

    known = {}
    for text in texts:
        name, _, rate = text.partition("=")
        try:
            known[name] = float(rate)
        except ValueError:
            raise BadInput(f"not a throughput: {text[:60]!r}", "write it like NVIDIA-H100-80GB-SXM=2500") from None
    return known


def _day(text: str) -> "date":
    from datetime import date

    from knowledge.errors import BadInput

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"not a day: {text[:40]!r}", "write it like 2026-11-21") from None


def _write(path: Path, text: str, *, field: str) -> None:
    from knowledge.files import save_as

    save_as(path, text, field=field)
    sys.stderr.write(f"wrote {path}\n")
