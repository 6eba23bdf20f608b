"""Specifications kept under a name."""

from agent.context import Context
from agent.events import Event, Said
from agent.state import Json, State, chosen_option
from templates.answers import answer


def save_scenario(command: Json, state: State, context: Context) -> list[Event]:
    """Keep the present specification and its chosen option; the same name is replaced."""
    moment = {"intent": state.get("intent") or {}, "provenance": state.get("provenance") or {}}
    context.records.scenarios.put(state["thread"], command["name"], overrides=moment, plan=chosen_option(state))
    names = [scenario.name for scenario in context.records.scenarios.all(state["thread"])]
    return [Said(answer("scenario_saved", name=command["name"], names=names))]
