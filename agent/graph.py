"""The conversation as a state machine: wiring only. docs/conversation.md holds its picture, generated from here."""

from collections.abc import Callable
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.context import Context
from agent.nodes.answer import answer
from agent.nodes.choose_models import choose_models
from agent.nodes.deploy import deploy
from agent.nodes.plan_capacity import plan_capacity
from agent.nodes.profile import profile
from agent.nodes.review import review
from agent.nodes.roll_back import roll_back
from agent.nodes.understand import understand
from agent.nodes.validate import validate
from agent.routes import (
    after_choice,
    after_deploy,
    after_planning,
    after_profile,
    after_review,
    after_understanding,
    pause,
)
from agent.state import State

Graph = CompiledStateGraph[State, Context, State, State]

NODES: dict[str, Callable[..., Any]] = {
    "understand": understand,
    "profile": profile,
    "choose_models": choose_models,
    "plan_capacity": plan_capacity,
    "answer": answer,
    "review": review,
    "deploy": deploy,
    "validate": validate,
    "roll_back": roll_back,
}


def build_graph(checkpointer: BaseCheckpointSaver[str] | None = None) -> Graph:
    """Words → understand → profile → choose_models → plan_capacity → review → deploy → validate → review."""
    graph = StateGraph(State, context_schema=Context)
    for name, node in NODES.items():
        graph.add_node(name, node)
    graph.add_edge(START, "understand")
    graph.add_conditional_edges("understand", after_understanding)
    graph.add_conditional_edges("profile", after_profile)
    graph.add_conditional_edges("choose_models", after_choice)
    graph.add_conditional_edges("plan_capacity", after_planning)
    graph.add_conditional_edges("answer", pause)
    graph.add_conditional_edges("review", after_review)
    graph.add_conditional_edges("deploy", after_deploy)
    graph.add_edge("validate", "review")
    graph.add_edge("roll_back", "review")
    return graph.compile(checkpointer=checkpointer)
