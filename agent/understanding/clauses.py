"""A message cut into clauses: sentences, lines, and what stands behind "and" when an order begins there."""

import re
from dataclasses import dataclass

LONGEST_ORDER = 600
MAX_CLAUSES = 12

_BREAK = re.compile(
    r"(?:[.!?;](?=\s|$)|\n)\s*"
    r"|,?\s+(?:and then|then|and|und dann|dann|und|et puis|puis|et|y luego|luego|y|but|aber|mais|pero)\s+"
    r"(?=(?:please\s+|then\s+)?(?:deploy|approve|ship|validate|verify|compare|undo|redo|save|load|cancel"
    r"|roll\s?back|show|explain|"
    r"tell|drop|remove|clear|forget|set|take|choose|pick|what\s|why|how\s|start\s+over|status|help|bereitstell"
    r"|vergleich|"
    r"deploy|valid|compar|desplieg|don't deploy|do not deploy)\w*)"
)


@dataclass(frozen=True, slots=True)
class Clause:
    """Characters `start` to `end` of a message; `question` when it ends with a question mark."""

    start: int
    end: int
    text: str
    question: bool


def clauses(message: str) -> tuple[Clause, ...]:
    """The clauses of a short message; a long one is a description and stays whole."""
    if len(message) > LONGEST_ORDER:
        return (Clause(0, len(message), message, question=False),)
    found = []
    start = 0
    for match in [*_BREAK.finditer(message.lower() if len(message.lower()) == len(message) else message), None]:
        end = match.start() if match else len(message)
        text = message[start:end]
        if text.strip(" ,.!?;:¿¡"):
            found.append(Clause(start, end, text, question="?" in (match.group() if match else text[-2:])))
        start = match.end() if match else end
    return tuple(found[:MAX_CLAUSES]) or (Clause(0, len(message), message, question=False),)
