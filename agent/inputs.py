"""What the person said and did, kept with the conversation so that it can be exported and replayed; bounded."""

from agent.state import Action, Json, State

MOST_INPUTS = 400
MOST_CHARS = 200_000


def with_input(state: State, action: Action, at: str) -> State:
    """The kept inputs with one more; beyond the bounds the oldest go, and how many went is counted."""
    inputs: list[Json] = [*(state.get("inputs") or []), {**action, "at": at}]
    dropped = state.get("inputs_dropped", 0)
    size = sum(_chars(each) for each in inputs)
    while len(inputs) > 1 and (len(inputs) > MOST_INPUTS or size > MOST_CHARS):
        size -= _chars(inputs.pop(0))
        dropped += 1
    return {"inputs": inputs, "inputs_dropped": dropped}


def _chars(entry: Json) -> int:
    return len(entry["text"]) + sum(len(str(value)) for value in entry["values"].values())
