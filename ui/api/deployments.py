"""`/v1/deployments`: deploy an option, prove it, undo it, and see what runs. Each person sees their own."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import Field

from agent.context import Context
from agent.places import place_named, target_of
from knowledge.errors import NotFound
from knowledge.records import Deployment
from tools.deploy.option import specification_from_plan
from tools.deploy.verification import verify
from ui.answers import wanted, with_versions
from ui.api.identity import Asking, Principal
from ui.api.pages import Limit, Offset, page
from ui.api.sessions import Whose, whose
from ui.questions import Need, Text

router = APIRouter(prefix="/v1/deployments", tags=["deployments"])
DeploymentId = Annotated[str, Path(max_length=60, description="As the list gives it.", examples=["d-2f1c09a7be"])]


class Wish(Need):
    """A need, and the option of its plan that is to run."""

    option: Text = Field(max_length=200, description="Id of the option, as /v1/plan gives it for the same need.",
                         examples=["d2a8c333"])  # fmt: skip
    target: Text = Field(default="", max_length=40, description="Where to; the server's own target if left out.")


@router.get("")
def list_deployments(
    request: Request, who: Asking, owner: Whose = "", limit: Limit = 50, offset: Offset = 0
) -> dict[str, Any]:
    """Deployments with state, endpoint, cost and the verdict of their last load test; an admin sees everybody's."""
    context = _context(request)
    rows, paging = page(context.records.deployments.all(owner=whose(owner, who)), limit, offset)
    return _with_versions(context, {"deployments": [_shown(context, row) for row in rows], **paging})


@router.post("", status_code=201)
def deploy(body: Wish, request: Request, who: Asking) -> dict[str, Any]:
    """Start an option of a plan and wait until it is healthy. The same option again changes nothing."""
    context = _context(request)
    target = place_named(body.target, context).target
    plan = wanted(body, context).planned(context, limit=body.limit, own=context.own()).to_json()
    spec = specification_from_plan(plan, body.option, snapshot=context.snapshot.version)
    made = target.apply(spec, owner=who.owner, thread=f"api:{who.owner}", time_factor=context.time_factor)
    return _with_versions(context, {"deployment": _shown(context, made)})


@router.get("/{deployment_id}")
def show_deployment(deployment_id: DeploymentId, request: Request, who: Asking) -> dict[str, Any]:
    """One deployment, the health of its replicas, and every objective of its last load test."""
    context = _context(request)
    found = _found(context, deployment_id, who, everybody=who.admin)
    outcome = context.records.outcomes.latest(found.deployment_id)
    health = [asdict(replica) for replica in target_of(found, context).health(found)]
    slos = [asdict(slo) for slo in outcome.slos] if outcome else []
    return _with_versions(context, {"deployment": {**_shown(context, found), "health": health, "slos": slos}})


@router.post("/{deployment_id}/validate")
async def validate(deployment_id: DeploymentId, request: Request, who: Asking) -> dict[str, Any]:
    """Load it as planned and compare with the objectives and the prediction; its state follows the verdict."""
    context = _context(request)
    found = _found(context, deployment_id, who)
    report = await verify(found, context.records, who=who.owner, duration_s=context.validation_seconds)
    now = context.records.deployments.get(found.deployment_id)
    return _with_versions(context, {"deployment": _shown(context, now), "report": report.to_json()})


@router.post("/{deployment_id}/rollback")
def rollback(deployment_id: DeploymentId, request: Request, who: Asking) -> dict[str, Any]:
    """Stop everything that belongs to it. Repeating is harmless."""
    context = _context(request)
    found = _found(context, deployment_id, who)
    gone = target_of(found, context).rollback(found.deployment_id, who=who.owner)
    return _with_versions(context, {"deployment": _shown(context, gone)})


def _found(context: Context, named: str, who: Principal, *, everybody: bool = False) -> Deployment:
    """A deployment that somebody may look at. Raises NotFound, the same for another's as for none."""
    mine = [row.deployment_id for row in context.records.deployments.all(owner=who.owner)]
    try:
        found = context.records.deployments.get(named)
    except NotFound as error:
        raise NotFound("deployment", named, tuple(mine[:3])) from error
    if found.owner != who.owner and not everybody:
        raise NotFound("deployment", named, tuple(mine[:3]))
    return found


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def _shown(context: Context, row: Deployment) -> dict[str, Any]:
    outcome = context.records.outcomes.latest(row.deployment_id)
    return {**row.to_json(), "verdict": outcome.verdict if outcome else None}


def _with_versions(context: Context, answer: dict[str, Any]) -> dict[str, Any]:
    return with_versions(context.snapshot.version, answer)
