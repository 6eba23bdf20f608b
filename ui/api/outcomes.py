"""`/v1/outcomes`: what load tests measured beside what was predicted, and what people thought of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from agent.context import Context
from ui.answers import with_versions
from ui.api.identity import Asking
from ui.api.pages import Limit, Offset, page
from ui.api.sessions import Whose, whose

router = APIRouter(prefix="/v1/outcomes", tags=["deployments"])


@router.get("")
def list_outcomes(
    request: Request,
    who: Asking,
    *,
    owner: Whose = "",
    deployment: Annotated[
        str, Query(max_length=60, description="Only of this deployment.", examples=["d-2f1c09a7be"])
    ] = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Outcomes of one's deployments, the newest first, each with its ratings; an admin sees everybody's.

    Times are in ms; rates are those that one replica saw.
    """
    context: Context = request.app.state.context
    of = whose(owner, who)
    owners = {row.deployment_id: row.owner for row in context.records.deployments.all(owner=of)}
    found = [
        outcome
        for outcome in reversed(context.records.outcomes.all(deployment_id=deployment or None))
        if of is None or outcome.deployment_id in owners
    ]
    rows, paging = page(found, limit, offset)
    told = [{name: value for name, value in row.to_json().items() if name != "report"}
            | {"owner": owners.get(row.deployment_id or "")} for row in rows]  # fmt: skip
    return with_versions(context.snapshot.version, {"outcomes": told, **paging})
