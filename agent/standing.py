"""What stands beside the specification: where it can be deployed, and what runs for it, how well, and where to look."""

from urllib.parse import quote

from agent.context import Context
from agent.observing import series_of
from agent.places import places
from agent.state import Json, State
from knowledge.errors import BadInput, NotFound
from knowledge.records import Deployment
from tools.deploy.option import specification_from_plan


def standing(state: State, context: Context) -> Json:
    """`targets` to choose from, and `deployment` as recorded now (None when nothing runs)."""
    return {"targets": [place.to_json() for place in places(context)], "deployment": _running(state, context)}


def _running(state: State, context: Context) -> Json | None:
    known = state.get("deployment")
    if not known:
        return None
    try:
        record = context.records.deployments.get(known["id"])
    except NotFound:
        return known
    outcome = context.records.outcomes.latest(record.deployment_id)
    rating = None
    if outcome is not None:
        own = next((each for each in outcome.ratings if each.who == record.owner), None)
        rating = {"stars": own.stars, "comment": own.comment} if own else None
    title = next((place.title for place in places(context) if place.target.name == record.target), record.target)
    return {
        **known,
        "target": record.target,
        "title": title,
        "state": record.state,
        "model": record.model_id,
        "current": _deployed_as_shown(state, record),
        "time_factor": record.time_factor,
        "verdict": outcome.verdict if outcome else None,
        "rating": rating,
        "monitoring": monitoring(record, context),
        "observable": bool(context.monitor and context.monitor.prometheus_url),
    }


def _deployed_as_shown(state: State, record: Deployment) -> bool:
    """Whether what runs is what the card would deploy."""
    if not state.get("chosen"):
        return True
    try:
        return specification_from_plan(state["plan"], state["chosen"]).plan_hash == record.plan_hash
    except BadInput:
        return False  # what is chosen now cannot be deployed


def monitoring(record: Deployment, context: Context) -> list[Json]:
    """Where to watch a deployment: dashboards and Prometheus where they are configured, and its own figures."""
    found = []
    monitor = context.monitor
    if monitor is not None and monitor.grafana_url:
        board = record.plan_hash[:12] if record.target == "kubernetes" else record.deployment_id
        found.append({"title": "Grafana", "url": f"{monitor.grafana_url}/d/sextant-{board}"})
    if monitor is not None and monitor.prometheus_url:
        query = quote(f"{{{series_of(record, context)}}}", safe="")
        found.append({"title": "Prometheus", "url": f"{monitor.prometheus_url}/graph?g0.expr={query}&g0.tab=0"})
    endpoints = tuple(dict.fromkeys(record.endpoints))  # on a cluster all replicas answer at one address
    for number, endpoint in enumerate(endpoints, 1):
        name = "metrics" if len(endpoints) == 1 else f"metrics of replica {number}"
        found.append({"title": name, "url": f"{endpoint.rstrip('/')}/metrics"})
    return found
