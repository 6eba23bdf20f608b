"""Profile → the models that may serve it, each of the others with the rule that left it out."""

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from agent.context import Context
from agent.events import Progress
from agent.failure import recovering
from agent.state import State, intent_of
from tools.planner import profile
from tools.planner.rejection import Ledger
from tools.planner.shortlist import shortlist


@recovering
def choose_models(state: State, runtime: Runtime[Context]) -> State:
    """The shortlist by task, context, licence, language, quality and the person's own wishes."""
    intent, snapshot = intent_of(state), runtime.context.snapshot
    short = shortlist(intent, profile(intent, snapshot), snapshot, Ledger())
    note = f"{len(short.models)} of {len(snapshot.models)} models left"
    get_stream_writer()(Progress("choose models", 1.0, note))
    return {"models": [model.model_id for model in short.models], "route": ""}
