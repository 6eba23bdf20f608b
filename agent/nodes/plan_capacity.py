"""Models → priced options that meet the targets, ranked and explained; or why nothing does."""

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from agent.asking import next_question
from agent.context import Context
from agent.contradiction import Contradiction, contradiction
from agent.events import Asked, Progress, Said
from agent.failure import recovering
from agent.planning import plan_of
from agent.state import State, intent_of
from agent.wording import planned
from tools.intent import Question
from tools.planner import Plan


@recovering
def plan_capacity(state: State, runtime: Runtime[Context]) -> State:
    """Plan, say what came of it, and ask the one question that matters most."""
    write, context = get_stream_writer(), runtime.context
    write(Progress("plan capacity", 0.2, "screening every configuration"))
    found = plan_of(state, context)
    best = found.best("balanced")
    write(Progress("plan capacity", 1.0, f"{found.considered.get('candidates', 0):,} candidates priced"))
    clash = None if found.feasible else context.planner(contradiction, context.facts, found)
    write(Said(planned(found) if clash is None else clash.words()))
    question = _question(state, found, clash, context)
    if question is not None:
        write(Asked(question.field, question.question, question.suggestions))
    return {
        "plan": {**found.to_json(), "intent": intent_of(state).model_dump(mode="json"), "snapshot": found.snapshot},
        "chosen": best.id if best else None,
        "choices": [] if clash is None else clash.to_json(),
        "asked": [*(state.get("asked") or []), *([question.field] if question else [])],
        "revision": state.get("revision", 0) + 1,
        "route": "",
    }


def _question(state: State, found: Plan, clash: Contradiction | None, context: Context) -> Question | None:
    """What to ask: the unclear and the missing first, then which need gives way, then what moves the plan most."""
    asked = tuple(state.get("asked") or ())
    doubts = [Question.model_validate(each) for each in state.get("doubts") or []]
    question = next_question(intent_of(state), found, asked, doubts, context.facts, planner=context.planner)
    if question is not None or clash is None or not clash.choices:
        return question
    ways = tuple(choice.text for choice in clash.choices)
    field = f"relax: {', '.join(clash.choices[0].values)}"
    return None if field in asked else Question(field=field, question="Which of these may give?", suggestions=ways)
