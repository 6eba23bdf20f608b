"""What-ifs and comparisons: planned beside the present plan, changing nothing."""

from agent.context import Context
from agent.events import Comparison, Event, Said
from agent.planning import plan_of
from agent.replies.beside import differing
from agent.specification import edited
from agent.state import Json, State, intent_of
from knowledge.errors import BadInput, NotFound
from templates.answers import answer
from tools.editing import edit
from tools.planner import Option
from tools.planner.comparison import difference, options_beside

LISTS = ("balanced", "lowest_cost", "lowest_latency", "best_quality")

SERVED = {"api": "api", "rental": "cloud_rental"}
"""Ways to be served that a comparison may name, by the kind of their options."""


def what_if(command: Json, state: State, context: Context) -> list[Event]:
    """The plan with other values, beside the present one; both from the same facts and prices.

    It is kept as a scenario of its own, named after the turn, that the conversation can go on with.
    """
    asked = _option(command["option"], state["plan"]) if command.get("option") else None
    before = plan_of(state, context)
    after = plan_of(state, context, edit(intent_of(state), {**command["values"], **(_pinned(asked) if asked else {})}))
    rows = [row for row in difference(before, after) if not row["field"].startswith(LISTS[1:])]
    then, now = before.best("balanced"), after.best("balanced")
    if asked:
        then = next((each for each in before.options if each.id == asked["id"]), then)
        now = next((each for each in after.options if _is_like(each, asked)), now)
        rows = options_beside(then.to_json(), now.to_json()) if then and now else []
    what = f"{asked['model_id']} at {asked['provider']}" if asked else "The balanced plan"
    name = f"what-if-{state.get('turn', 1)}"
    changed = edited(state, command["values"], text=command["text"])
    moment = {part: changed.get(part) or state.get(part) or {} for part in ("intent", "provenance")}
    context.records.scenarios.put(state["thread"], name, overrides=moment, plan=now.to_json() if now else None)
    words = answer("what_if", what=what, name=name, before=then, after=now, misses=after.rejected.to_json(1)["nearest"])
    return [Said(words), Comparison(rows, "Now and what if")]


def compare(command: Json, state: State, context: Context) -> list[Event]:
    """Two options side by side; unnamed: the cheapest and the fastest."""
    found = state.get("plan") or {}
    if not found.get("options"):
        raise BadInput("there are no options to compare yet", "say what you need first")
    names = tuple(command["options"]) or ("lowest_cost", "lowest_latency")
    if len(names) == 1:
        names = (str(state.get("chosen")), names[0])
    first, second = (_served(name, state, context) if name in SERVED else _option(name, found) for name in names[:2])
    if not first or not second:
        return [Said(answer("compared_none", kind=names[1]))]
    if first["id"] == second["id"]:
        return [Said(answer("compared_same", option=first, name=names[1] if len(command["options"]) == 1 else ""))]
    title = f"{first['id']} {first['model_id']}  beside  {second['id']} {second['model_id']}"
    rows = options_beside(first, second)
    return [Said(answer("compared", first=first, second=second, difference=differing(first, second))),
            Comparison(rows, title)]  # fmt: skip


def _served(kind: str, state: State, context: Context) -> Json | None:
    """The best option that is served so: of the plan, or else of a plan for nothing but that."""
    found = state["plan"]
    ranked = [_option(name, found) for name in found["lists"].get("balanced", ())]
    offered = next((option for option in ranked if option["kind"] == kind), None)
    if offered:
        return offered
    best = plan_of(state, context, edit(intent_of(state), {"deployment_model": SERVED[kind]})).best("balanced")
    return best.to_json() if best else None


def _pinned(option: Json) -> Json:
    """Values that keep a plan to what an option runs."""
    kept: Json = {"preferred_models": [option["model_id"]]}
    return kept | ({"gpu_types": [option["gpu_type"]]} if option["kind"] == "rental" else {})


def _is_like(found: Option, option: Json) -> bool:
    return all(getattr(found, part) == option[part] for part in ("model_id", "gpu_type", "provider", "quantization"))


def _option(name: str, found: Json) -> Json:
    """An option by id, list name or position."""
    options: list[Json] = found["options"]
    wanted = found["lists"].get(name, [name])[:1]
    if not wanted:
        raise BadInput(f"nothing here is known to be the {name.replace('_', ' ')}", "name two options by their numbers")
    if name.isdigit() and 1 <= int(name) <= len(options):
        return options[int(name) - 1]
    option = next((each for each in options if [each["id"]] == wanted or each["model_id"] == name), None)
    if option is None:
        raise NotFound("option", name, tuple(each["id"] for each in options[:3]))
    return option
