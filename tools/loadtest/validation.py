"""The door of the load test: `validate` an endpoint against a plan."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

from tools.loadtest.chance import chance
from tools.loadtest.client import Client
from tools.loadtest.permission import permit
from tools.loadtest.plan import LoadPlan
from tools.loadtest.preflight import preflight
from tools.loadtest.prompts import Prompts
from tools.loadtest.report import LoadReport
from tools.loadtest.runner import LoadProgress, OnProgress, Run
from tools.loadtest.summary import summarise


def _ignore(_: LoadProgress) -> None:
    return


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def validate(
    endpoints: str | Sequence[str],
    plan: LoadPlan,
    *,
    own: Collection[str] = (),
    allowed_hosts: Collection[str] = (),
    api_key: str | None = None,
    on_progress: OnProgress = _ignore,
    stop: asyncio.Event | None = None,
    clock: Callable[[], datetime] = _utc_now,
) -> LoadReport:
    """Load one endpoint, or the replicas of one deployment, and report what came of it.

    `own` are the addresses of the person's own deployments, `allowed_hosts` hosts they name; any other host but this
    machine is refused with BadInput before anything is sent. Setting `stop` ends the run with a report of what was
    measured until then. An endpoint that fails in whatever way is a finding in the report, never an exception.
    """
    addresses = [endpoints] if isinstance(endpoints, str) else list(endpoints)
    permitted = [permit(address, own=own, allowed_hosts=allowed_hosts) for address in addresses]
    clients = [Client(endpoint, api_key=api_key) for endpoint in permitted]
    prompts = Prompts(chance("prompts", plan.seed), share=plan.prefix_share, groups=plan.prefix_groups)
    started_at = clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        learned = await preflight(clients[0], plan, prompts)
        run = Run(clients, plan, prompts, learned)
        if not learned.problem:
            await run.drive(on_progress, stop or asyncio.Event())
    finally:
        for client in clients:
            client.close()
    return summarise(
        run.samples,
        plan,
        learned,
        endpoints=[endpoint.url for endpoint in permitted],
        started_at=started_at,
        stopped_early=run.stopped_early,
        stopped_by_person=run.stopped_by_person,
    )
