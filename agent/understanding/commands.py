"""Words → typed commands, several from one message.

Each clause is tried as an order, as a question about the plan, as an answer to what was asked, and as a change relative
to what stands. What is left of the message describes the need and is read as a whole, at its own offsets.
"""

import re

from agent.commands import Command, Describe, Dialogue, Explain, Set, WhatIf
from agent.understanding.again import read_again
from agent.understanding.answers import read_answer, read_correction
from agent.understanding.clauses import Clause, clauses
from agent.understanding.inquiries import changed_values, new_budget, read_inquiry
from agent.understanding.message import understand
from agent.understanding.orders import is_idle, plain, read_order, unaccented
from agent.understanding.prices import read_price_question
from agent.understanding.relative import relative_values, without_named
from agent.understanding.text import words
from knowledge.snapshot import Snapshot
from tools.intent import Intent

_ASKING = words(
    "can could would will does do is are what which who where when why how kann konnte ist sind was welche wer wo wann "
    "warum wie peut est quel quelle qui ou quand pourquoi comment puede es son que cual quien donde cuando como should"
)
_REQUEST = re.compile(r"^(?:can|could|would|will|kannst|konntest|peux|puedes) (?:you|du|tu)\b")
_TOO = (
    r"^(?:that'?s|it'?s|this is|that is|it is|das ist|c'est|es)? ?(?:still |way |far |much |a bit )*"
    r"(?:too|zu|trop|demasiado) "
)
_BETTER = (
    (re.compile(r"^(?:make it |(?:i |we )?(?:need|want) it )?(?:much |a lot |a bit |even )?(?:cheaper"
                r"|less expensive|gunstiger|moins cher|"
                r"mas barato)$"), "cost"),
    (re.compile(rf"{_TOO}(?:expensive|dear|costly|pricey|much|teuer|cher|caro)$"), "cost"),
    (re.compile(rf"{_TOO}(?:slow|sluggish|langsam|lent|lento)$"), "latency"),
    (re.compile(rf"{_TOO}(?:bad|dumb|weak|inaccurate|poor|schlecht|mauvais|malo)$"), "accuracy"),
    (re.compile(r"^(?:make it |(?:i |we )?(?:need|want) it )?(?:much |a lot |a bit |even )?(?:faster|quicker"
                r"|snappier|schneller|plus rapide|"
                r"mas rapido)$"), "latency"),
    (re.compile(r"^(?:make it |(?:i |we )?(?:need|want) it )?(?:much |a lot |a bit |even )?(?:better|smarter"
                r"|more accurate|besser|mieux|"
                r"mejor)$"), "accuracy"),
)  # fmt: skip


_LEADS = {"cost": "lowest_cost", "latency": "lowest_latency", "accuracy": "best_quality"}


def commands(text: str, snapshot: Snapshot, dialogue: Dialogue) -> tuple[Command, ...]:
    """What a message asks for, in order; at least one command."""
    found: list[tuple[int, Command]] = []
    idle: Command | None = None
    rest = text
    for clause in clauses(text):
        command = _command(clause, snapshot, dialogue)
        if command is not None:
            found.append((clause.start, command))
        if command is None and dialogue.options and is_idle(clause.text):
            idle = Explain("acknowledged")
        if command is not None or is_idle(clause.text):
            rest = rest[: clause.start] + " " * (clause.end - clause.start) + rest[clause.end :]
    described = Describe(understand(rest, snapshot, turn=dialogue.turn, standing=dialogue.intent))
    if not found and idle and not _says_something(described):
        return (idle,)
    if _says_something(described) or not found:
        at = len(rest) - len(rest.lstrip())
        found.append((at, described))
    return tuple(command for _, command in sorted(found, key=lambda pair: pair[0]))


def _says_something(described: Describe) -> bool:
    return bool(described.understanding.provenance or described.understanding.intent.unresolved)


def _command(clause: Clause, snapshot: Snapshot, dialogue: Dialogue) -> Command | None:
    text = clause.text
    command: Command | None = read_price_question(text, dialogue, snapshot, question=clause.question)
    command = command or read_again(text, dialogue, snapshot, question=clause.question) or read_order(text, dialogue)
    if command is None and clause.question:  # "why not the 70B?" is no answer, whatever was asked
        command = read_inquiry(text, dialogue, snapshot, question=True)
    if command is None and not _asks(clause):
        command = read_correction(text, dialogue, snapshot) or read_answer(text, dialogue, snapshot)
    if command is None:
        command = read_inquiry(text, dialogue, snapshot, question=False)
    if command is None and dialogue.options and _asks(clause) and not _REQUEST.match(unaccented(text)):
        values = changed_values(text, dialogue, snapshot)
        return WhatIf(values, text.strip()) if values else Explain("unanswered")  # a question changes nothing
    if command is None and dialogue.intent != Intent():
        command = _change(text, snapshot, dialogue)
    return command


def _asks(clause: Clause) -> bool:
    """A question by its first word, not a hesitant answer such as "200 maybe?"."""
    first = unaccented(clause.text).partition(" ")[0]
    return clause.question and first in _ASKING


def _change(text: str, snapshot: Snapshot, dialogue: Dialogue) -> Command | None:
    """ "Make it twice as fast", "20 % cheaper": a change relative to what stands."""
    folded = plain(text)
    if len(folded) > 120:
        return None
    for form, priority in _BETTER:
        if form.match(folded) and dialogue.intent.priority != priority:
            return Set({"priority": priority}, text.strip())
        if form.match(folded) and dialogue.lists and (best := dialogue.lists.get(_LEADS[priority])):
            return Explain(best[0])  # it was asked for already: this is as far as it goes
    less = without_named(folded, dialogue, snapshot)
    if less:
        wished = understand(text, snapshot).intent  # "not Llama, Qwen please" wishes for another
        return None if wished.preferred_models or wished.gpu_types else Set(less, text.strip())
    values = relative_values(folded, dialogue)
    if not values:
        budget = new_budget(text, snapshot, dialogue)
        return Set(budget, text.strip()) if budget else None
    said = understand(text, snapshot).intent.model_dump(exclude_none=True, exclude={"unresolved", "priority"})
    return None if said else Set(values, text.strip())
