"""Intent → traffic profile: lengths, load, targets, each with where it is from."""

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from agent.context import Context
from agent.events import Progress
from agent.failure import recovering
from agent.state import State, intent_of, provenance_of
from tools.planner.profile import profile as traffic_profile


@recovering
def profile(state: State, runtime: Runtime[Context]) -> State:
    """Fill what was not said from the use case's template, marked as such."""
    get_stream_writer()(Progress("profile", 0.1, "working out the traffic and targets"))
    traffic = traffic_profile(intent_of(state), runtime.context.snapshot, provenance_of(state))
    return {"traffic": {"traffic": traffic.to_json(), "slo": traffic.slo_json()}, "route": ""}
