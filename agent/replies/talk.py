"""Help, a first word, and what to do when the person does not know."""

from agent.context import Context
from agent.events import Asked, Event, Said
from agent.state import Json, State
from templates.answers import answer

SUGGESTIONS = (
    "a support chatbot for 1,000 users",
    "summaries of 5,000 documents a day",
    "code completion for 200 developers",
)


def guide(command: Json, state: State, context: Context) -> list[Event]:  # noqa: ARG001  # every reply has this signature
    """What can be said here."""
    return [Said(answer("help"))]


def welcome(command: Json, state: State, context: Context) -> list[Event]:  # noqa: ARG001
    """Nothing to plan yet, or nothing to do what was wanted on."""
    wanted = command.get("wanted")
    if wanted:
        return [Said(answer("nothing_to", wanted=wanted.replace("_", " "), planned=bool(state.get("plan"))))]
    return [Said(answer("welcome")), Asked("task_type", "What is it for?", SUGGESTIONS)]


def dont_know(command: Json, state: State, context: Context) -> list[Event]:  # noqa: ARG001
    """The default stands and is not asked again."""
    if not state.get("plan"):
        return [Said(answer("welcome"))]
    return [Said(answer("default_stands"))]
