"""Questions about the plan: what if, why, why not, where from, and prices."""

import re
from collections.abc import Mapping
from typing import Any

from agent.commands import CatalogQuestion, Command, Compare, Dialogue, Explain, WhatIf
from agent.understanding.accelerators import find_accelerators
from agent.understanding.message import understand
from agent.understanding.models import find_models
from agent.understanding.options import list_name, options_named, points_at_one, without_options
from agent.understanding.orders import field_of, plain, unaccented
from agent.understanding.questions import about, meaning_of
from agent.understanding.relative import relative_values
from agent.understanding.text import fold
from knowledge.snapshot import Snapshot
from tools.intent import Intent

_WHAT_IF = re.compile(
    r"^(?:and\s+)?(?:what if|what happens if|what happens (?:at|with|when|for)|what would happen (?:if|with|at)"
    r"|suppose|imagine|"
    r"assuming|assume|how about(?: if)?|what about(?: if)?|how would (?:it|that|this) (?:look|change|be) (?:with|if"
    r"|on|at)|"
    r"was ware,? wenn|was passiert (?:wenn|bei)|wie ware es mit|und wenn|und mit|et si|et avec|que se passe t il si"
    r"|y si|"
    r"que pasa si|y con|and with|and on|and for|and if|was ist mit|wie sahe es (?:mit|bei))\s+(?P<change>.+)$"
)
_WITH = re.compile(r"^(?:with|on|at|mit|auf|bei|avec|sur|con|en)\s+(?P<change>.+)$")
_WHAT_WOULD = re.compile(
    r"^(?:what|how much) (?:would|do|does|can|could) (?:we |i |it |you )?(?P<verb>save|cost|change"
    r"|gain)?\s*(?P<change>.+?)"
    r"(?:\s+(?:save|cost|change|do|bring|gain)(?: us| me)?)?$"
)
_COULD = re.compile(
    r"^(?:would|could|can|does|will|is|are|wurde|kann|konnte)\b.*\b(?:cheaper|faster|better|enough|run|work|fit|do"
    r"|help|suffice|handle|cope|take|sustain|serve|scale|survive|carry|"
    r"possible|gunstiger|schneller|reichen|laufen|use|used)\b"
)
_WHY_NOT = re.compile(
    r"^(?:why (?:not|isn'?t it|didn'?t you (?:choose|take|pick|use|recommend)|no|don'?t we use"
    r"|don'?t you recommend)|warum (?:nicht|kein\w*)|"
    r"wieso (?:nicht|kein\w*)|pourquoi pas(?: de)?|por que no)\s+(?:on\s+|with\s+|auf\s+|mit\s+|sur\s+|con\s+)?"
    r"(?:the\s+|a\s+|an\s+|das\s+|die\s+|den\s+|le\s+|la\s+|l'\s?|el\s+|un\s+|une\s+)?(?P<subject>.+?)$"
)
_SOURCE = re.compile(
    r"^(?:where (?:does|do|is|are|did)|woher (?:kommt|kommen|stammt)|d'ou (?:vient|viennent)|de donde (?:viene|sale"
    r"|salen))\s+"
    r"(?:the\s+|der\s+|die\s+|das\s+|le\s+|la\s+|les\s+|el\s+|this\s+|that\s+)?(?P<subject>.+?)(?:\s+(?:come|comes"
    r"|came|from|taken)\b.*)?$"
)
_EXPLAIN = re.compile(
    r"^(?:explain|erklare?|explique[rz]?|explica|tell me (?:more )?about|why is|why are|how (?:is|was|are|were))\s+"
    r"(?:the\s+|der\s+|die\s+|das\s+|le\s+|la\s+|el\s+|me\s+)?(?P<subject>.+?)(?:\s+(?:so\b.*|calculated|computed"
    r"|determined|this high|this low))?$"
)
_PRICE = re.compile(
    r"^(?:how much (?:is|are|does|do)|what(?:'?s| is| are) the (?:current |cheapest )?prices?"
    r"|what do(?:es)?\b(?=.*\b(?:costs?|charges?|prices?|go for)\b)|prices? (?:of|for)"
    r"|what(?:'?s| is) the cheapest (?!plan|option|choice|possible|one\b|way)|"
    r"cheapest (?:provider|api|price|cloud|offer)|who (?:sells|offers|has)|which provider|was kostet|wie viel kostet|"
    r"combien coute|quel est le prix|cuanto cuesta|list prices?|show (?:me )?(?:the )?prices?"
    r"|compare (?:the )?prices? of|(?:spot|batch|reserved|current|azure|aws|gcp|openai|anthropic) prices? (?:of|for)"
    r"|price per \w+ (?:of|for)|prix d[eu']|precios? del?|preise? (?:von|fur)|cheapest [a-z]+\d\w* per hour)\b"
)
_ABOUT_THE_PLAN = re.compile(
    r"\b(?:it|this|that|the plan|we|us|our|the first|option|das|es|ca|cela|eso|esto|un token|a token)\b"
)
_WHICH = re.compile(
    r"^(?:which|what|welche\w*|quelle?|cual) (?:one|option|plan|model|choice|is|has|would|ist|hat|est|es)\b"
)
_ASKING = re.compile(
    r"^(?:why|what|whats|how|which|where|is|are|does|would|could|can|tell|explain|show|describe|difference|details?|more"
    r"|warum|wieso|was|wie|pourquoi|por que|que|cual|combien|erklare?|zeig|and)\b"
)
_COMPARING = re.compile(
    r"\b(?:cheaper|dearer|pricier|faster|slower|better|worse|safer|riskier|smaller|bigger"
    r"|(?:more|less) (?!about\b|on\b)\w+|differ\w*|instead of|compared?|gunstiger|teurer|schneller|langsamer|besser"
    r"|unterschied|moins|plus|difference|mejor|mas)\b"
)
_SUPPOSING = re.compile(r"\b(?:would|could|can|if|with|for|at|on|wenn|mit|bei|si|avec|con)\b")
_SELLER = re.compile(r"\b(?:with|at|from|by|bei|mit|von|chez|avec|con|en)\s+(?P<seller>[a-z][\w .-]{2,30})$")
_COSTS = re.compile(r"\b(?:costs?|prices?|kostet|coute|cuesta)\b")


def read_inquiry(text: str, dialogue: Dialogue, snapshot: Snapshot, *, question: bool) -> Command | None:
    """The question that a clause asks, or None."""
    folded = plain(text)
    command = _about_options(folded, text, dialogue, snapshot, question=question)
    if command is not None:
        return command
    if not dialogue.options and points_at_one(folded) and dialogue.intent != Intent():
        return Explain()  # no plan meets the needs, so there is none to ask about
    why_not = _WHY_NOT.match(folded)
    if why_not:
        return Explain(_subject(why_not["subject"], dialogue, snapshot))
    meant = meaning_of(folded)
    if meant is not None:
        return Explain(meant)
    subject = about(folded) if dialogue.options else None
    if subject == "failure":
        return Explain(subject)
    what_if = _read_what_if(folded, text, dialogue, snapshot, question=question)
    if what_if is not None:
        return what_if
    if subject is not None:
        return Explain(subject)
    which = list_name(folded) if _WHICH.match(folded) and dialogue.options else None
    if which is not None:
        return Explain(which)
    source = _SOURCE.match(folded) or _EXPLAIN.match(folded)
    if source and dialogue.intent != Intent():
        return Explain(field_of(source["subject"]) or list_name(source["subject"]) or "")
    return None


def _about_options(folded: str, text: str, dialogue: Dialogue, snapshot: Snapshot, *, question: bool) -> Command | None:
    """What is asked of options that are named: their difference, one side of one, what it would cost, or why."""
    named = options_named(folded, dialogue)
    if not named or not (question or _ASKING.match(folded)):
        return None
    if len(named) > 1 or _COMPARING.search(folded):
        return Compare(named[:2])
    if _SUPPOSING.search(folded):
        values = changed_values(without_options(folded), dialogue, snapshot)
        if values:
            return WhatIf(values, text.strip(), named[0])
    subject = about(folded)
    return Explain(subject, named[0]) if subject else Explain(named[0])


def _read_what_if(folded: str, text: str, dialogue: Dialogue, snapshot: Snapshot, *, question: bool) -> Command | None:
    supposed = _WHAT_IF.match(folded) or (_WITH.match(folded) if question and dialogue.intent != Intent() else None)
    if supposed:
        values = changed_values(supposed["change"], dialogue, snapshot)
        return WhatIf(values, text.strip()) if values else None
    if _PRICE.match(folded) and not _ABOUT_THE_PLAN.search(folded):
        return CatalogQuestion(text.strip())
    whole = unaccented(text)  # "can" and "would" are polite words elsewhere
    would = _WHAT_WOULD.match(folded) or (
        _COULD.match(whole) if question or whole.startswith(("would", "wurde")) else None
    )
    if would is None or dialogue.intent == Intent():
        return None
    values = changed_values(folded, dialogue, snapshot)
    if not values and _COSTS.search(folded) and (seller := _SELLER.search(folded)):
        return CatalogQuestion(seller["seller"])
    return WhatIf(values, text.strip()) if values else None


def supposed_change(folded: str) -> str:
    """What a what-if supposes, without the words that say that it is one."""
    supposed = _WHAT_IF.match(folded) or _WITH.match(folded)
    return supposed["change"] if supposed else folded


def changed_values(change: str, dialogue: Dialogue, snapshot: Snapshot) -> Mapping[str, Any]:
    """The values that a supposed change comes to: what is relative is worked out, the rest is read as said."""
    values: dict[str, Any] = {}
    for part in re.split(r"\s+(?:and|und|et|y)\s+", change):
        relative = relative_values(part, dialogue)
        values |= relative or {}
    said = understand(change, snapshot)
    for path in said.provenance:
        outer, _, inner = path.partition(".")
        value = said.intent.model_dump(mode="json")[outer]
        values.setdefault(path, value[inner] if inner else value)
    return values or new_budget(change, snapshot, dialogue)


def new_budget(text: str, snapshot: Snapshot, dialogue: Dialogue) -> dict[str, Any]:
    """ "Raise the budget to $8k", "what if I pay $3000?": a lone sum is for the time of the budget that stands."""
    budget = dialogue.intent.budget
    said = understand(text, snapshot)
    open_sum = len(said.intent.unresolved) == 1 and said.questions[0].field == "budget.max_monthly_cost_usd"
    if budget is None or said.provenance or not open_sum:
        return {}
    period = "hour" if budget.max_hourly_cost_usd else "month"
    read = understand(f"budget {said.intent.unresolved[0].text} per {period}", snapshot)
    values = read.intent.budget.model_dump(exclude_none=True) if read.intent.budget else {}
    return {f"budget.{name}": value for name, value in values.items()}


def _subject(words: str, dialogue: Dialogue, snapshot: Snapshot) -> str:
    """A model or accelerator id, an option or a list where the words name one, else the words."""
    named = list_name(words)
    if named:
        return named
    folded = fold(words)
    models = find_models(folded, snapshot)
    if models and models[0].name:
        return models[0].name
    cards = find_accelerators(folded, snapshot)
    if cards and cards[0].gpu_type:
        return cards[0].gpu_type
    size = re.search(r"\b\d+(?:\.\d+)?b\b", folded)
    offered = {str(option.get("model_id", "")) for option in dialogue.options}
    fitting = sorted(model for model in offered if size and size.group() in model.lower())
    return fitting[0] if fitting else size.group() if size else words
