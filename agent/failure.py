"""What a node does when the world or the input is not as it must be: say so, and go back to where things worked."""

from collections.abc import Callable

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from agent.context import Context
from agent.events import Failed
from agent.specification import withdrawn
from agent.state import State
from knowledge.errors import SextantError

Node = Callable[[State, Runtime[Context]], State]


def recovering(node: Node) -> Node:
    """A planning node whose failure is told and whose cause (the last change) is taken back."""

    def guarded(state: State, runtime: Runtime[Context]) -> State:
        try:
            return node(state, runtime)
        except SextantError as error:
            get_stream_writer()(Failed(error.message, error.cure))
            return {**withdrawn(state), "route": "failed", "pending": []}

    guarded.__name__ = node.__name__
    guarded.__doc__ = node.__doc__
    return guarded
