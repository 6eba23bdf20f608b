"""Models → priced options that meet the targets, ranked and explained; or why nothing does."""

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from agent.asking import next_question
from agent.context import Context
from agent.events import Asked, Progress, Said
from agent.failure import recovering
from agent.state import State, intent_of, provenance_of
from agent.wording import planned
from tools.performance.experience import experience
from tools.planner import plan

OPTIONS_PER_LIST = 5


@recovering
def plan_capacity(state: State, runtime: Runtime[Context]) -> State:
    """Plan, say what came of it, and ask the one question that matters most."""
    write, context = get_stream_writer(), runtime.context
    write(Progress("plan capacity", 0.2, "screening every configuration"))
    intent, said = intent_of(state), provenance_of(state)
    own = experience(context.records.outcomes.all())
    found = plan(intent, context.snapshot, context.market, said=said, limit=OPTIONS_PER_LIST, experience=own)
    best = found.best("balanced")
    write(Progress("plan capacity", 1.0, f"{found.considered.get('candidates', 0):,} candidates priced"))
    write(Said(planned(found)))
    question = next_question(intent, found, tuple(state.get("asked") or ()))
    if question is not None:
        write(Asked(question.field, question.question, question.suggestions))
    return {
        "plan": {**found.to_json(), "snapshot": found.snapshot},
        "chosen": best.id if best else None,
        "asked": [*(state.get("asked") or []), *([question.field] if question else [])],
        "revision": state.get("revision", 0) + 1,
        "route": "",
    }
