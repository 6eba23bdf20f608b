"""From words to choice: what was said, what the tools made of it, and the facts behind the chosen option."""

from agent.state import Json, State, chosen_option, intent_of, provenance_of
from tools.editing import look_up


def trace(state: State) -> Json:
    """The way to the plan as JSON. Every figure is one that a tool computed or a source states."""
    plan: Json = state.get("plan") or {}
    rejected = plan.get("rejected") or {}
    option = chosen_option(state)
    return {
        "words": _words(state),
        "calls": [
            {"tool": "profile", "result": {"traffic": plan.get("traffic"), "slo": plan.get("slo")}},
            {"tool": "choose models", "result": {"models": state.get("models") or []}},
            {
                "tool": "plan capacity",
                "result": {
                    "considered": rejected.get("considered") or {},
                    "rejected": rejected.get("counts") or {},
                    "options": len(plan.get("options") or []),
                },
            },
        ],
        "facts": {"snapshot": plan.get("snapshot"), "prices": plan.get("market"), **_behind(option)},
        "choice": option,
    }


def _words(state: State) -> list[Json]:
    """Each field that was said or edited: its value, the words, the turn, and where in it they stand."""
    intent = intent_of(state).model_dump(mode="json")
    said = provenance_of(state)
    return [
        {"field": path, "value": look_up(intent, path), **entry.model_dump(mode="json", exclude_none=True)}
        for path, entry in sorted(said.items(), key=lambda item: (item[1].turn or 0, item[1].start or 0))
    ]


def _behind(option: Json | None) -> Json:
    if option is None:
        return {}
    return {
        "price": option["price_source"],
        "prediction": (option["predicted"] or {}).get("evidence"),
        "quality": option["quality"],
    }
