"""`/v1/deployments`: what was deployed, by whom, and what its load test said. Each person sees their own."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from agent.context import Context
from knowledge.errors import NotFound
from knowledge.records import Deployment
from ui.access import Access
from ui.api.identity import Owner
from ui.api.pages import Limit, Offset, page
from ui.output import SCHEMA_VERSION

router = APIRouter(prefix="/v1/deployments", tags=["deployments"])
DeploymentId = Annotated[str, Path(max_length=60, examples=["d-2f1c09a7be"])]


@router.get("")
def listed(request: Request, owner: Owner, limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
    """Deployments with state, endpoint, cost and the verdict of their last load test."""
    context: Context = request.app.state.context
    rows, paging = page(
        [row for row in context.records.deployments.all() if _may_see(request, owner, row)], limit, offset
    )
    return _with_versions(context, {"deployments": [_shown(context, row) for row in rows], **paging})


@router.get("/{deployment_id}")
def one(deployment_id: DeploymentId, request: Request, owner: Owner) -> dict[str, Any]:
    """One deployment, the health of its replicas, and every objective of its last load test."""
    context: Context = request.app.state.context
    found = context.records.deployments.get(deployment_id)
    if not _may_see(request, owner, found):
        raise NotFound("deployment", deployment_id)
    outcome = context.records.outcomes.latest(found.deployment_id)
    health = [asdict(replica) for replica in context.target.health(found)]
    slos = [asdict(slo) for slo in outcome.slos] if outcome else []
    return _with_versions(context, {"deployment": {**_shown(context, found), "health": health, "slos": slos}})


def _may_see(request: Request, owner: str, row: Deployment) -> bool:
    access: Access = request.app.state.access
    return not access.asks or row.owner == owner


def _shown(context: Context, row: Deployment) -> dict[str, Any]:
    outcome = context.records.outcomes.latest(row.deployment_id)
    return {**row.to_json(), "verdict": outcome.verdict if outcome else None}


def _with_versions(context: Context, answer: dict[str, Any]) -> dict[str, Any]:
    return {"schema_version": SCHEMA_VERSION, "snapshot": context.snapshot.version, **answer}
