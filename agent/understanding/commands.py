"""Words → typed commands: what the message asks for besides describing the need.

Short, whole forms are tried first (approve, undo, help …), then forms with a subject (why …, what if …, compare …,
take …), then changes relative to what stands; what is left describes the need.
"""

import re
from collections.abc import Callable
from typing import Any

from agent.commands import (
    Approve,
    Cancel,
    CatalogQuestion,
    Choose,
    Clear,
    Command,
    Compare,
    Describe,
    Dialogue,
    DontKnow,
    Explain,
    Help,
    InvoiceAnalysis,
    LoadScenario,
    Redo,
    RollBack,
    SaveScenario,
    Set,
    StartOver,
    Status,
    Undo,
    Validate,
    WhatIf,
)
from agent.understanding.message import understand
from agent.understanding.relative import relative_values
from knowledge.snapshot import Snapshot
from tools.intent import Intent

_POLITE = re.compile(
    r"^(?:(?:ok|okay|yes|yep|yeah|sure|please|well|great|fine|good|alright|perfect|now"
    r"|then|and|so|hm+|ja|oui|si)\b[\s,.!:-]*|no[,.!]\s*)+"
)
_WHOLE: tuple[tuple[re.Pattern[str], Callable[[], Command]], ...] = tuple(
    (re.compile(rf"^(?:{form})[\s.!?]*$"), command)
    for form, command in (
        (
            r"(?:deploy|approve|ship|launch|apply|start|roll)(?:\s(?:it|this|that|out|now|the plan"
            r"|the choice|it out|this one))*"
            r"|go ahead(?: and deploy(?: it)?)?|do it|let'?s (?:deploy|go|do it)(?: it)?|approved"
            r"|make it so|looks good,? deploy(?: it)?",
            Approve,
        ),
        (
            r"(?:roll(?: it| this| that)? ?back|undo the deployment|tear (?:it|this) down|take it down"
            r"|stop the deployment)",
            RollBack,
        ),
        (r"(?:validate|verify|test|load ?test)(?: (?:it|this|again|it again|the deployment))*", Validate),
        (r"(?:undo|go back|back|revert|undo that|take that back|previous)(?: one step)?", Undo),
        (r"(?:redo|forward|redo that)", Redo),
        (
            r"(?:start over|start again|reset|begin again|new plan|forget (?:it all|everything)"
            r"|from scratch|neu anfangen|recommencer)",
            StartOver,
        ),
        (r"(?:cancel|abort|stop|never ?mind|forget it|quit)(?: (?:it|this|that))?", Cancel),
        (r"(?:help|what can (?:you|i) (?:do|say)|how does this work|hilfe|aide|ayuda|\?)", Help),
        (
            r"(?:status|what(?:'s| is) (?:running|deployed|the status)|how is it (?:doing|going)|show deployments)",
            Status,
        ),
        (
            r"(?:i )?(?:really )?(?:don'?t|do not|dont) know(?: yet)?|no idea|not sure(?: yet)?"
            r"|dunno|unknown|whatever"
            r"|you (?:choose|decide)|weiß ich nicht|keine ahnung|je ne sais pas|no (?:lo )?sé",
            DontKnow,
        ),
        (r"(?:analy[sz]e|check|audit|look at) (?:the|my|this|our) (?:invoice|bill)", InvoiceAnalysis),
    )
)
_LISTS = (
    (re.compile(r"\b(?:cheapest|lowest[ -]cost|least expensive|most affordable)\b"), "lowest_cost"),
    (re.compile(r"\b(?:fastest|quickest|lowest[ -]latency)\b"), "lowest_latency"),
    (re.compile(r"\b(?:best quality|highest quality|smartest|most accurate|best model)\b"), "best_quality"),
    (re.compile(r"\b(?:balanced|recommended|default|your pick|first choice)\b"), "balanced"),
)
_CHOOSE = re.compile(
    r"^(?:i(?:'ll| will)? )?(?:take|choose|pick|select|use|go with|prefer|let'?s (?:take"
    r"|go with|use))\s+(?:the\s+)?(?P<what>.+?)(?:\s+(?:one|option|plan))?[\s.!]*$"
)
_OPTION = re.compile(r"^(?:option\s*|number\s*|no\.?\s*|#)?(?P<number>\d{1,2})$|^(?P<id>[0-9a-f]{8})$")
_ORDINALS = {"first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5"}
_WHAT_IF = re.compile(
    r"^(?:what if|what happens if|what would happen if|suppose|imagine|assuming|how about if"
    r"|was wäre,? wenn|et si|y si|¿y si)\s+(?P<change>.+)$",
    re.DOTALL,
)
_WHAT_WOULD = re.compile(r"^(?:what|how much) would (?P<change>.+?) (?:save|cost|change|do|bring)(?: us| me)?[\s?.]*$")
_WHY_NOT = re.compile(
    r"^why (?:not|isn'?t it|didn'?t you (?:choose|take|pick)|no)\s+(?:the\s+|a\s+|an\s+)?(?P<subject>.+?)[\s?.]*$"
)
_WHY = re.compile(
    r"^(?:why(?: (?:this|that|this one|that one|did you (?:choose|pick) (?:this|that|it)"
    r"|is (?:this|that|it) .*))?|explain(?: (?:this|it|that|the (?:choice|plan)))?|how come)[\s?.]*$"
)
_TRACE = re.compile(
    r"^(?:show (?:me )?(?:the )?trace|trace|how did you (?:get|arrive|come).*|explain everything"
    r"|show your work(?:ing)?)[\s?.]*$"
)
_SOURCE = re.compile(
    r"^where (?:does|do|is|are|did) (?:the\s+)?(?P<subject>.+?)\s+(?:come|comes|came|from"
    r"|taken)\b.*$"
)
_COMPARE = re.compile(r"^(?:compare|show .*side by side|put .*side by side)\b(?P<what>.*)$")
_SAVE = re.compile(
    r"^(?:save|keep|remember|store)(?: (?:this|it|that|the plan|the scenario))?(?: (?:as"
    r"|under))? [\"'“]?(?P<name>[\w .-]{1,40}?)[\"'”]?[\s.]*$"
)
_LOAD = re.compile(
    r"^(?:load|restore|open|return to|go back to|back to) (?:the )"
    r"?(?:scenario |plan )?[\"'“]?(?P<name>[\w .-]{1,40}?)[\"'”]?[\s.]*$"
)
_FIRST = re.compile(r"^(?:first|original|initial)(?: (?:one|plan|version|idea))?$")
_DROP = re.compile(
    r"^(?:drop|remove|forget|ignore|clear|delete|lift|without|no more|no)\s+(?:the\s+|my\s+"
    r"|our\s+|any\s+)?(?P<what>.+?)[\s.!]*$"
)
_PRICE = re.compile(
    r"^(?:how much (?:is|are|does|do)|what (?:does|do|is the price|are the prices|would)"
    r"|prices? (?:of|for)|cheapest (?:provider|api|price)|who (?:sells|offers))\b.*"
)
_DO_THAT = re.compile(r"^(?:do that|do so|take (?:it|that) over|apply that)[\s.!]*$")
_QUESTION = re.compile(r"^(?:can|could|would) you\s+|^(?:please|i want to|i'd like to|let'?s)\s+")

_DROPPABLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"budget|cost (?:limit|cap|ceiling)|price limit|money", ("budget",)),
    (r"ttft|first[ -]token", ("target_ttft_p90_ms",)),
    (r"tpot|per[ -]token|inter[ -]token", ("target_tpot_p90_ms",)),
    (r"e2e|end[ -]to[ -]end", ("target_e2e_latency_p90_ms",)),
    (r"latency|latencies|slos?|targets?", ("target_ttft_p90_ms", "target_tpot_p90_ms", "target_e2e_latency_p90_ms")),
    (r"gpus?|cards?|accelerators?|hardware", ("gpu_types", "available_gpus", "max_gpus")),
    (r"models?(?: preference| restriction)?", ("preferred_models", "excluded_models")),
    (r"quality(?: (?:threshold|limit))?", ("quality_threshold",)),
    (r"licen[cs]es?(?: restriction)?", ("license",)),
    (r"clouds?|providers?", ("clouds",)),
    (r"regions?|residency", ("regions", "residency")),
    (r"quanti[sz]ation|precision", ("quantization",)),
    (r"peak", ("peak_qps",)),
    (r"users?", ("total_users", "concurrent_users")),
    (r"context(?: length)?", ("context_length",)),
    (r"languages?", ("languages",)),
    (r"reliability|uptime", ("reliability_target",)),
)  # fmt: skip


def commands(text: str, snapshot: Snapshot, dialogue: Dialogue) -> tuple[Command, ...]:
    """What a message asks for, in order; at least one command."""
    plain = _plain(text)
    for reader in (_whole, _subject, _choice, _kept, _dropped):
        found = reader(plain, dialogue)
        if found is not None:
            return (found,)
    what_if = _what_if(plain, text, snapshot, dialogue)
    if what_if is not None:
        return (what_if,)
    if _PRICE.match(plain) and dialogue.intent != Intent():
        return (CatalogQuestion(text),)
    described = understand(text, snapshot, turn=dialogue.turn)
    relative = relative_values(plain, dialogue) if len(plain) < 120 and dialogue.intent != Intent() else None
    if relative and not (described.intent.model_dump(exclude_none=True, exclude={"unresolved", "priority"})):
        return (Set(relative, text.strip()),)
    return (Describe(described),)


def _plain(text: str) -> str:
    folded = " ".join(text.lower().replace("’", "'").split())
    while True:
        shorter = _QUESTION.sub("", _POLITE.sub("", folded)).strip()
        if shorter == folded or not shorter:
            return folded
        folded = shorter


def _whole(plain: str, dialogue: Dialogue) -> Command | None:
    if _DO_THAT.match(plain):
        return None
    if plain in ("", "yes", "ok", "okay", "sure", "ja", "oui", "si") and dialogue.options:
        return Approve()
    return next((command() for form, command in _WHOLE if form.match(plain)), None)


def _subject(plain: str, dialogue: Dialogue) -> Command | None:  # noqa: ARG001  # readers share a signature
    if _TRACE.match(plain):
        return Explain("trace")
    if _WHY.match(plain):
        return Explain()
    why_not = _WHY_NOT.match(plain)
    if why_not:
        return Explain(_list_name(why_not["subject"]) or why_not["subject"])
    source = _SOURCE.match(plain)
    if source:
        return Explain(_field(source["subject"]))
    compared = _COMPARE.match(plain)
    if compared:
        names = sorted(
            (match.start(), name) for form, name in _LISTS for match in [form.search(compared["what"])] if match
        )
        numbers = re.findall(r"\b\d{1,2}\b", compared["what"]) if not names else []
        return Compare(tuple(name for _, name in names) or tuple(numbers))
    return None


def _choice(plain: str, dialogue: Dialogue) -> Command | None:
    chosen = _CHOOSE.match(plain)
    if not chosen or not dialogue.options:
        return None
    what = chosen["what"]
    name = _list_name(what)
    if name and dialogue.lists and dialogue.lists.get(name):
        return Choose(dialogue.lists[name][0])
    option = _OPTION.match(_ORDINALS.get(what, what))
    if option and option["id"]:
        return Choose(option["id"])
    if option and 1 <= int(option["number"]) <= len(dialogue.options):
        return Choose(str(dialogue.options[int(option["number"]) - 1]["id"]))
    return None


def _kept(plain: str, dialogue: Dialogue) -> Command | None:  # noqa: ARG001
    saved = _SAVE.match(plain)
    if saved:
        return SaveScenario(saved["name"].strip())
    loaded = _LOAD.match(plain)
    if loaded:
        return LoadScenario("" if _FIRST.match(loaded["name"]) else loaded["name"].strip())
    return None


def _dropped(plain: str, dialogue: Dialogue) -> Command | None:  # noqa: ARG001
    dropped = _DROP.match(plain)
    if not dropped:
        return None
    for form, fields in _DROPPABLE:
        if re.fullmatch(
            rf"(?:{form})(?: (?:limit|target|constraint|requirement|cap|ceiling|restriction))?", dropped["what"]
        ):
            return Clear(fields, plain)
    return None


def _what_if(plain: str, text: str, snapshot: Snapshot, dialogue: Dialogue) -> Command | None:
    asked = _WHAT_IF.match(plain) or _WHAT_WOULD.match(plain)
    if not asked:
        return None
    values = relative_values(asked["change"], dialogue) or _said_values(asked["change"], snapshot)
    return WhatIf(values, text.strip()) if values else None


def _said_values(change: str, snapshot: Snapshot) -> dict[str, Any]:
    said = understand(change, snapshot).intent.model_dump(mode="json", exclude_none=True, exclude={"unresolved"})
    return {key: value for key, value in said.items() if value not in ([], {})}


def _list_name(words: str) -> str | None:
    return next((name for form, name in _LISTS if form.search(words)), None)


def _field(words: str) -> str:
    """The field of the card that words name, else the words."""
    for form, fields in (*_DROPPABLE, (r"load|qps|rps|traffic", ("expected_qps",)), (r"cost|price", ("",))):
        if re.search(rf"\b(?:{form})\b", words):
            return fields[0]
    return words
