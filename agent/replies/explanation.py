"""Why this, why not that, where a number comes from: read off the plan, never thought up."""

import re
from collections.abc import Callable, Mapping

from agent.card import GROUPS, card
from agent.context import Context
from agent.events import Event, Said
from agent.missing import priceable
from agent.replies.beside import differing
from agent.state import Json, State, chosen_option, intent_of
from knowledge.errors import NotFound
from knowledge.names import resolve_model
from templates.answers import answer
from templates.glossary import term_of
from tools.editing import changed_paths, look_up
from tools.intent import Intent
from tools.planner.inquiry import inquire

ABOUT_THE_CHOICE = ("capacity", "certainty", "cost", "failure", "hardware", "latency", "place", "quality", "risk")
TERM = "term "
MONTHS = 12
OTHER_WORK = {"asr": "speech to text", "embedding": "embeddings", "reranker": "reranking"}


def explain(command: Json, state: State, context: Context) -> list[Event]:
    """Explain the chosen option, another option, a model that is not offered, a field of the card, or the trace."""
    subject = str(command.get("subject") or "")
    plan = state.get("plan") or {}
    term = term_of(subject.removeprefix(TERM)) if subject.startswith(TERM) else None
    if term is not None:
        return [Said(answer("term", term=term))]
    if not plan:
        return [Said(answer("nothing_to", wanted="explain", planned=False))]
    if subject in ABOUT_THE_CONVERSATION:
        return [Said(answer(subject, **ABOUT_THE_CONVERSATION[subject](state)))]
    if subject in ABOUT_THE_CHOICE:
        return [_about_the_choice(subject, state, str(command.get("option") or ""))]
    option = _option(subject, state)
    if option is not None:
        chosen = chosen_option(state)
        difference = differing(chosen, option) if chosen else ""
        return [Said(answer("why", option=option, difference=difference, slo=plan["slo"], market=plan["market"]))]
    if not subject:
        misses = [miss["text"] for miss in plan["rejected"]["nearest"][:5]]
        return [Said(answer("infeasible", headline="", choices=state.get("choices") or [], changes=misses))]
    if subject in _fields(state):
        return [Said(answer("where_from", name=subject, **_fields(state)[subject]))]
    unknown = answer("no_option", number=subject, count=len(plan["options"])) if subject.isdigit() else ""
    return [Said(unknown or _why_not(subject, state, context))]


def _about_the_choice(subject: str, state: State, name: str) -> Said:
    """One side of an option, the chosen one without a name: what it costs, runs on, carries, risks, how sure it is."""
    option = _option(name, state)
    if option is None:
        return Said(answer("nothing_to", wanted="explain", planned=False))
    replicas, cost = option.get("replicas") or 1, option["cost"]
    each_rps = (option.get("predicted") or {}).get("max_rps_per_replica") or 0.0
    return Said(
        answer(
            subject,
            option=option,
            slo=state["plan"]["slo"],
            traffic=state["plan"]["traffic"],
            left=replicas - 1,
            carried=(replicas - 1) * each_rps,
            capacity=replicas * each_rps,
            yearly_usd=MONTHS * cost["monthly_usd"] if cost["monthly_usd"] is not None else None,
            per_million_usd=1000 * cost["per_1k_tokens_usd"] if cost.get("per_1k_tokens_usd") else None,
        )
    )


def _changes(state: State) -> list[Json]:
    """Fields that the last change of the specification moved, as the card names them."""
    past = state.get("past") or []
    if not past or not past[-1]["intent"]:
        return []
    labels = {line.path: line.label for _, lines in GROUPS for line in lines}
    before, after = Intent.model_validate(past[-1]["intent"]), intent_of(state)
    values = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [
        {"field": labels.get(path, path), "before": look_up(values[0], path), "after": look_up(values[1], path)}
        for path in changed_paths(before, after)
    ]


ABOUT_THE_CONVERSATION: Mapping[str, Callable[[State], Json]] = {
    "acknowledged": lambda _: {},
    "assumed": lambda state: {"fields": [each["field"] for each in _fields(state).values()]},
    "changes": lambda state: {"rows": _changes(state)},
    "options": lambda state: {"options": state["plan"]["options"], "chosen": chosen_option(state)},
    "said": lambda state: {"fields": [each["field"] for each in _fields(state).values()]},
    "unanswered": lambda _: {},
    "trace": lambda state: {"state": state, "plan": state["plan"], "option": chosen_option(state)},
}
"""Subjects that are told from the conversation, with the facts of each."""


def _option(subject: str, state: State) -> Json | None:
    options = (state.get("plan") or {}).get("options", [])
    if not subject:
        return chosen_option(state)
    wanted = (state.get("plan") or {}).get("lists", {}).get(subject, [subject])
    return next((option for option in options if option["id"] in wanted[:1]), None)


def _fields(state: State) -> dict[str, Json]:
    """Field path → value and provenance, as on the card."""
    groups = card(state).spec["groups"]
    return {field["key"]: {"field": field} for group in groups for field in group["fields"]}


def _why_not(subject: str, state: State, context: Context) -> str:
    """Why a model or accelerator is not the choice: offered and ranked lower, or rejected with rule and number."""
    plan = state["plan"]
    subject = _one_of(subject, state, context)
    names = {subject, *_model_ids(subject, context)}
    offered = [option for option in plan["options"] if {option["model_id"], option["gpu_type"]} & names]
    chosen = chosen_option(state)
    if offered and chosen is not None:
        return answer("why_not_ranked", subject=subject, option=offered[0], chosen=chosen)
    model = context.snapshot.models.get(subject)
    if model is not None and model.kind in OTHER_WORK and plan["traffic"]["workload_type"] == "llm":
        return answer("why_not_kind", subject=subject, work=OTHER_WORK[model.kind])
    finding = inquire(priceable(intent_of(state), context.market), subject, context.snapshot, context.market).to_json()
    return answer("why_not", finding=finding, chosen=chosen)


def _one_of(subject: str, state: State, context: Context) -> str:
    """Of the several models that a name fits, the best at the task; any other name as it is."""
    try:
        return resolve_model(subject, context.snapshot)
    except NotFound:
        task, quality = state["plan"]["traffic"]["task_type"], context.snapshot.quality
        parts = [re.compile(rf"(?<![\d.]){re.escape(part)}(?![a-z])") for part in subject.lower().split()]
        fitting = [name for name in context.snapshot.models if all(part.search(name.lower()) for part in parts)]
        if fitting:
            return max(fitting, key=lambda name: quality[name, task].score if (name, task) in quality else -1.0)
    return subject


def _model_ids(subject: str, context: Context) -> set[str]:
    try:
        return {resolve_model(subject, context.snapshot)}
    except NotFound as error:
        return set(error.near)
