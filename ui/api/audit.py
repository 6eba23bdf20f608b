"""`/v1/audit`: who did what to which deployment or key, when, and what came of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from agent.context import Context
from ui.answers import with_versions
from ui.api.identity import Asking
from ui.api.pages import Limit, Offset, page

router = APIRouter(prefix="/v1/audit", tags=["deployments"])
MOST_READ = 10_000


@router.get("")
def list_audit(
    request: Request,
    who: Asking,
    subject: Annotated[
        str, Query(max_length=60, description="Of one deployment or key.", examples=["d-2f1c09a7be"])
    ] = "",
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    """The newest entries first: what somebody did, or what was done to their deployments; an admin sees all."""
    context: Context = request.app.state.context
    records = context.records
    entries = reversed(records.audit.entries(subject=subject or None, limit=MOST_READ))
    if who.admin:
        seen = list(entries)
    else:
        mine = {row.deployment_id for row in records.deployments.all(owner=who.owner)}
        seen = [entry for entry in entries if entry.who == who.owner or entry.subject in mine]
    rows, paging = page(seen, limit, offset)
    return with_versions(context.snapshot.version, {"entries": [entry.to_json() for entry in rows], **paging})
