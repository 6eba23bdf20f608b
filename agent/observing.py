"""What the configured Prometheus saw of a running deployment, and what to do about it."""

from dataclasses import asdict

from agent.context import Context
from agent.state import Json
from knowledge.errors import SextantError
from knowledge.records import Deployment

WINDOW = "1h"


def observed(record: Deployment, context: Context) -> Json | None:
    """Objectives, traffic, cost and findings of the last hour; None without a Prometheus or when nothing runs.

    A Prometheus that does not answer is an answer too: `unavailable` says why.
    """
    monitor = context.monitor
    if monitor is None or not monitor.prometheus_url or not record.endpoints:
        return None
    from tools.deploy.specification import read_specification  # noqa: PLC0415  # loads with the first question
    from tools.observe import Prometheus, findings, observe  # noqa: PLC0415
    from tools.observe.observing import seconds_of  # noqa: PLC0415

    reader = Prometheus(monitor.prometheus_url, token=monitor.token)
    try:
        seen = observe(record, reader, window_s=seconds_of(WINDOW), labels=series_of(record, context),
                       source=monitor.prometheus_url)  # fmt: skip
    except SextantError as error:
        return {"deployment_id": record.deployment_id, "window": WINDOW, "unavailable": error.message}
    return {
        "deployment_id": record.deployment_id,
        "window": WINDOW,
        "unavailable": "",
        **seen.to_json(),
        "findings": [asdict(each) for each in findings(seen, read_specification(record.spec))],
    }


def series_of(record: Deployment, context: Context) -> str:
    """The label by which Prometheus knows a deployment's series; on a cluster the release's name."""
    if record.target == "kubernetes":
        from tools.kubernetes.following import main_object  # noqa: PLC0415  # only for what is on a cluster
        from tools.kubernetes.revisions import find  # noqa: PLC0415

        revision = find(context.records.home, record.deployment_id)
        if revision is not None:
            return f'sextant_release="{main_object(revision.objects)["metadata"]["name"]}"'
    return f'deployment="{record.deployment_id}"'
