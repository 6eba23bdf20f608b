"""`/api/data/health`: what the facts and the price catalog lack or let grow old."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request

from agent.context import Context
from knowledge.health import health
from ui.api.catalog import Opened, catalog_health
from ui.output import SCHEMA_VERSION

router = APIRouter(prefix="/api/data", tags=["operation"])


@router.get("/health")
def data_health(request: Request, catalog: Opened) -> dict[str, Any]:
    """Models without measurements, accelerators without prices, ages of prices by source, conflicts and doubts."""
    context: Context = request.app.state.context
    return {
        "schema_version": SCHEMA_VERSION,
        "snapshot": context.snapshot.version,
        "facts": asdict(health(context.snapshot, as_of=context.clock().date())),
        "catalog": catalog_health(catalog),
    }
