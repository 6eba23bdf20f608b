"""`/v1/catalog`: prices with unit, source, date and confidence."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import PlainTextResponse
from pydantic import Field

from agent.context import Context
from knowledge.store.database import open_store
from tools.catalog import query as querying
from tools.catalog.answers import health_answer, sheets_answer
from tools.catalog.catalog import Catalog
from tools.catalog.export import to_csv, to_focus, to_json
from tools.catalog.health import health as examined
from ui.answers import ranked, searched, with_versions
from ui.api.pages import Limit, Offset, page
from ui.questions import Ranked, Searched

router = APIRouter(prefix="/v1/catalog", tags=["catalog"])
Words = list[Annotated[str, Field(max_length=200)]]
Workload = Annotated[str, Query(max_length=200, description=Searched.model_fields["workload"].description)]
Text = Annotated[
    str, Query(max_length=200, description=Searched.model_fields["text"].description, examples=["llama groq"])
]


def _of(name: str, **more: Any) -> Any:
    """A parameter that says of itself what the field of a ranking says."""
    return Query(description=Ranked.model_fields[name].description, **more)


def opened(request: Request) -> Iterator[Catalog]:
    """The catalog for one request."""
    context: Context = request.app.state.context
    with open_store(request.app.state.settings.home, context.snapshot) as store:
        yield Catalog(store, context.snapshot, context.clock().date())


Opened = Annotated[Catalog, Depends(opened)]


@router.get("/rank")
def rank_prices(
    *,
    catalog: Opened,
    workload: Annotated[str, _of("workload", examples=["llm"])] = "llm",
    model: Annotated[str, _of("model", max_length=200)] = "",
    usage: Annotated[Words, _of("usage", max_length=10, examples=[["input=300M tokens", "output=60M tokens"]])] = [],  # noqa: B006  # FastAPI copies defaults
    unit: Annotated[str, _of("unit", max_length=200)] = "",
    schedule: Annotated[str, _of("schedule", max_length=200)] = "",
    provider: Annotated[Words, _of("providers", max_length=50)] = [],  # noqa: B006
    region: Annotated[Words, _of("regions", max_length=50)] = [],  # noqa: B006
    include: Annotated[Words, _of("include", max_length=10)] = [],  # noqa: B006
    limit: Limit = 20,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Offers ranked like with like; what was left out and why."""
    asked = Ranked(
        workload=workload,
        model=model,
        usage=usage,
        unit=unit,
        schedule=schedule,
        providers=provider,
        regions=region,
        include=include,
        limit=limit,
        offset=offset,
    )
    return ranked(catalog, asked)


@router.get("/search")
def search_prices(
    catalog: Opened, text: Text, workload: Workload = "", limit: Limit = 20, offset: Offset = 0
) -> dict[str, Any]:
    """Find prices by words of seller, model or SKU."""
    return searched(catalog, Searched(text=text, workload=workload, limit=limit, offset=offset))


@router.get("/show")
def show_prices(
    catalog: Opened,
    name: Annotated[str, Query(max_length=300, description="A model or SKU.", examples=["openai/gpt-4o-mini"])],
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Every price of a model or SKU, with what each source says of it."""
    shown, where = page(catalog.show(name), limit, offset)
    return with_versions(catalog.version, sheets_answer(catalog, shown) | where)


@router.get("/history")
def price_history(
    catalog: Opened,
    sku: Annotated[
        str, Query(max_length=300, description="As searches give it.", examples=["openai_gpt_4o_mini_input_1m_tokens"])
    ],
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    """One price over time, as each source gave it."""
    events = catalog.store.history(sku)
    if not events:
        catalog.show(sku)  # names what may have been meant
    shown, where = page(events, limit, offset)
    return with_versions(catalog.version, {"sku_key": sku, "events": [asdict(event) for event in shown], **where})


@router.get("/health")
def price_health(catalog: Opened) -> dict[str, Any]:
    """What is stale, missing, in conflict or hard to believe."""
    return with_versions(catalog.version, catalog_health(catalog))


@router.get("/export", response_class=PlainTextResponse)
def export_prices(
    catalog: Opened,
    form: Annotated[
        Literal["csv", "json", "focus"], Query(alias="format", description="focus: a price sheet.")
    ] = "csv",
    workload: Workload = "",
    provider: Annotated[str, Query(max_length=200, description="Only this seller.")] = "",
) -> PlainTextResponse:
    """The current prices as CSV, JSON, or a price sheet in the terms of FOCUS."""
    only = {"workload_type": querying.canonical_workload(workload)} if workload else {}
    only |= {"provider": provider} if provider else {}
    offers = sorted(catalog.store.offers(**only), key=lambda offer: offer.sku_key)
    if form == "json":
        return PlainTextResponse(to_json(offers), media_type="application/json")
    text = to_csv(offers) if form == "csv" else to_focus(offers, catalog.today.isoformat())
    return PlainTextResponse(text, media_type="text/csv")


def catalog_health(catalog: Catalog) -> dict[str, Any]:
    """The catalog's own account of itself."""
    return health_answer(
        examined(
            catalog.store.offers(),
            catalog.store.sources(),
            catalog.today,
            models=catalog.snapshot.models,
            benchmarks=catalog.snapshot.benchmarks,
        )
    )
