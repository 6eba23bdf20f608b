"""Models made for one kind of work: they are offered for that work alone, unless somebody names them."""

import re

from tools.intent import Intent, TaskType

CODE_TASKS: frozenset[TaskType] = frozenset(["code_completion", "code_generation", "agentic"])

_CODE = re.compile(r"(^|[-_ ])(code|coder|codex)([-_ \d]|$)|codestral|devstral|codellama|starcoder", re.IGNORECASE)


def made_for_code(model_id: str) -> bool:
    """Whether a model was trained for code above all, as its name says (its makers name it so)."""
    return _CODE.search(model_id.rsplit("/", 1)[-1]) is not None


def out_of_place(model_id: str, intent: Intent, task: str) -> bool:
    """Whether a specialist stands before work it was not made for, and nobody asked for it by name."""
    return task not in CODE_TASKS and not intent.preferred_models and made_for_code(model_id)
