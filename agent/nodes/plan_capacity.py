"""Models → priced options that meet the targets, ranked and explained; or why nothing does."""

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from agent.consideration import considered
from agent.context import Context
from agent.events import Asked, Progress, Said
from agent.failure import recovering
from agent.planning import wish_of
from agent.state import State, intent_of
from tools.intent import Question


@recovering
def plan_capacity(state: State, runtime: Runtime[Context]) -> State:
    """Plan, say what came of it, and ask the one question that matters most."""
    write, context = get_stream_writer(), runtime.context
    write(Progress("plan capacity", 0.2, "screening every configuration"))
    asked, doubts = state.get("asked") or [], [Question.model_validate(each) for each in state.get("doubts") or []]
    need = wish_of(state, context), intent_of(state), tuple(asked), doubts
    found = context.planner(considered, context.facts, *need)
    write(Progress("plan capacity", 1.0, f"{found.candidates:,} candidates priced"))
    write(Said(found.words))
    question = found.question
    if question is not None:
        write(Asked(question.field, question.question, question.suggestions))
    return {
        "plan": found.plan,
        "chosen": found.chosen,
        "choices": found.choices,
        "asked": [*asked, *([question.field] if question else [])],
        "revision": state.get("revision", 0) + 1,
        "route": "",
    }
