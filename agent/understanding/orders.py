"""Orders: clauses that are commands by themselves, or by their first words."""

import re
from collections.abc import Callable, Mapping

from agent.commands import (
    Approve,
    Cancel,
    Choose,
    Clear,
    Command,
    Compare,
    Dialogue,
    DontKnow,
    Explain,
    Help,
    InvoiceAnalysis,
    LoadScenario,
    Redo,
    RollBack,
    SaveScenario,
    StartOver,
    Status,
    Undo,
    Validate,
)
from agent.understanding.options import PLACES, list_name, lists_named, options_named, position, without_options
from agent.understanding.text import fold, tokenise, words
from agent.understanding.vocabulary.tables import read_table

_COMMANDS: Mapping[str, Callable[[], Command]] = {
    "approve": Approve, "validate": Validate, "roll back": RollBack, "cancel": Cancel, "undo": Undo, "redo": Redo,
    "start over": StartOver, "help": Help, "status": Status, "do not know": DontKnow, "invoice": InvoiceAnalysis,
    "explain": Explain, "trace": lambda: Explain("trace"),
}  # fmt: skip
_POLITE = words(
    "ok okay yes yep yeah sure please well great fine alright perfect now then and so hm hmm ja oui si bitte "
    "por favor s'il vous plait gut bien vale just also can could you would i'd i'll i want to let's like we "
    "let us me actually no nein non wait"
)
_AGREED = words("yes yep yeah ok okay sure ja oui si jawohl correct right agreed fine claro vale")
_CHOOSE = re.compile(
    r"^(?:take|choose|pick|select|use|go with|prefer|nimm|wahle|prends|choisis|elige|toma|escoge)\s+"
    r"(?:the\s+|die\s+|das\s+|den\s+|le\s+|la\s+|el\s+)?(?P<what>.+?)(?:\s+(?:one|option|plan))?$"
)
_NUMBERED = re.compile(r"^(?:option\s*|number\s*|no\.?\s*|nr\.?\s*|#\s*)?(?P<number>\d{1,2})$|^(?P<id>[0-9a-f]{8})$")
_ALONE = re.compile(
    r"^(?:the |die |das |den |le |la |el )?(?P<what>.+?)(?: (?:please|then|it is|thanks|bitte|is fine))*$"
)
_COMPARE = re.compile(
    r"^(?:compare|vergleiche?|comparer?|compara|show .*side by side|put .*side by side)\b(?P<what>.*)$"
)
_ON = re.compile(
    r"^(?P<order>.+?)\s+(?:on|onto|to|in|auf|sur|en)\s+(?:the\s+|our\s+|my\s+|dem\s+|le\s+|el\s+)?"
    r"(?:(?P<cluster>kubernetes(?: cluster)?|k8s|cluster)|(?:local(?: machine| simulator)?|simulator|this machine))"
    r"(?: (?:please|now))?$"
)
_KINDS = (
    (re.compile(r"\b(?:apis?|hosted|managed|serverless|per token)\b"), "api"),
    (re.compile(r"\b(?:rental|rented|renting|rent|self hosted|self-hosted|our own|gpus?)\b"), "rental"),
)
"""Ways to be served that an option can be compared with, and the kind of their options."""
_SAVE = re.compile(
    r"^(?:save|keep|remember|store|speichere?|sauvegarder?|guarda\w*)(?: (?:this|it|that|the plan|the scenario|das"
    r"|es))?"
    r"(?: (?:as|under|als|comme|como))?(?: [\"'“]?(?P<name>[\w .-]{1,40}?)[\"'”]?)?$"
)
_LOAD = re.compile(
    r"^(?:load|restore|open|return to|go back to|back to|zuruck zu\w*|revenir a|volver a)\s+(?:the\s+)?"
    r"(?:scenario\s+)?[\"'“]?(?P<name>[\w .-]{1,40}?)[\"'”]?$"
)
_FIRST = re.compile(
    r"^(?:first|original|initial|ersten?|premier|premiere|primer[ao]?)(?: (?:one|plan|version"
    r"|idea))?$"
)
_DROP = re.compile(
    r"^(?:drop|remove|forget about|forget|ignore|clear|delete|lift|without|get rid of|no need for|(?:we |i )?don't need"
    r"|(?:we |i )?do not need|no more|no|streiche?|vergiss|entferne?|ohne|kein\w*|supprimer?|oublier?|enlever?|sans"
    r"|pas de|quita|elimina|olvida|sin)\s+"
    r"(?:the\s+|my\s+|our\s+|any\s+|das\s+|die\s+|den\s+|le\s+|la\s+|les\s+|el\s+|los\s+|d')?(?P<what>.+?)"
    r"(?:\s+(?:anymore|any more|any longer|after all|mehr))?$"
)
_ANY = re.compile(
    r"^(?:any|whatever|whichever|jede[rs]?|n'?importe quel(?:le)?|cualquier)\s+(?P<what>[\w -]+?)"
    r"(?:\s+(?:is fine|is ok|is okay|will do|works|would do|goes|is good|ist ok|geht|va bien|vale))$"
)
_BETTER = re.compile(r"\b(?:better|besseres|mieux|mejor)\b")
_SOMETHING = re.compile(
    r"^(?:is|are|isn't)\s+there\s+(?:something|anything|a|an|any)\b.*|^(?:was|etwas)\s+gunstiger\w*$|^anything\s+\w+$"
)
_DROPPABLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"budget|cost|price|money|spending|kosten|presupuesto", ("budget",)),
    (r"ttft|first[ -]token", ("target_ttft_p90_ms",)),
    (r"tpot|per[ -]token|inter[ -]token", ("target_tpot_p90_ms",)),
    (r"e2e|end[ -]to[ -]end|response time", ("target_e2e_latency_p90_ms",)),
    (r"latency|latencies|slos?|latenz|latence"
     r"|latencia", ("target_ttft_p90_ms", "target_tpot_p90_ms", "target_e2e_latency_p90_ms")),
    (r"gpus?|cards?|accelerators?|hardware|gpu types?", ("gpu_types", "available_gpus", "max_gpus")),
    (r"models?(?: preference)?|modelle?|modeles?|modelos?", ("preferred_models", "excluded_models")),
    (r"quality|qualitat|qualite|calidad", ("quality_threshold",)),
    (r"licen[cs]es?", ("license",)),
    (r"clouds?|providers?", ("clouds",)),
    (r"regions?", ("regions",)),
    (r"(?:data )?(?:residency|location)|eu|europe|us|usa|uk|germany|france|switzerland", ("residency",)),
    (r"quanti[sz]ation|precision", ("quantization",)),
    (r"peak|peak load", ("peak_qps",)),
    (r"users?|nutzer|utilisateurs|usuarios", ("total_users", "concurrent_users")),
    (r"context(?: length| window)?", ("context_length",)),
    (r"languages?", ("languages",)),
    (r"reliability|uptime|availability|sla", ("reliability_target",)),
    (r"compliance", ("compliance",)),
    (r"priority|priorities", ("priority",)),
    (r"billing|spot|reserved", ("billing",)),
    (r"throughput", ("target_throughput_rps",)),
)  # fmt: skip
_CHOSEN = re.compile(r"\b(?:costs?|prices?|kosten|preis|cout|prix|coste|costo|precio)\b")
_LIMIT = r"(?: (?:limit|target|constraint|requirement|cap|ceiling|restriction|goal|condition)s?)?"
_FIELDS_OF_WORDS = (
    *_DROPPABLE,
    (r"load|qps|rps|traffic|requests?", ("expected_qps",)),
)


def _whole_orders() -> Mapping[tuple[str, ...], str]:
    return {
        tuple(token.text for token in tokenise(fold(phrase)) if token.kind != "mark"): order
        for order, listed in read_table("orders").items()
        for phrase in listed
    }


_WHOLE = _whole_orders()


def spoken(text: str) -> tuple[str, ...]:
    """Folded words of a clause."""
    return tuple(token.text for token in tokenise(fold(text)) if token.kind != "mark")


def order_of(text: str) -> str | None:
    """The name of the order that a whole clause is, with or without polite words around it."""
    said = spoken(text)
    for _ in range(5):
        if said in _WHOLE:
            return _WHOLE[said]
        if said and said[0] in _POLITE:
            said = said[1:]
        elif said and said[-1] in _POLITE:
            said = said[:-1]
        else:
            break
    return _WHOLE.get(said)


def unaccented(text: str) -> str:
    """A clause in lower case without accents and marks around it."""
    return " ".join(fold(text).split()).strip(" .,!?;:¿¡")


def plain(text: str) -> str:
    """A clause in lower case without accents, polite words before and marks behind."""
    parts = unaccented(text).split(" ")
    while len(parts) > 1 and parts[0].strip(",.!:-") in _POLITE and parts[0] not in ("no", "not"):
        parts = parts[1:]
    return " ".join(parts)


def read_order(text: str, dialogue: Dialogue) -> Command | None:
    """The command that a clause is by itself, or None."""
    said = spoken(text)
    if said and set(said) <= _AGREED and dialogue.options:
        return Approve()
    order = order_of(text)
    if order is not None and order in _COMMANDS:
        return _COMMANDS[order]()
    folded = plain(text)
    for reader in (_deploy_there, _choose, _compare, _keep, _drop):
        command = reader(folded, dialogue)
        if command is not None:
            return command
    return None


def is_idle(text: str) -> bool:
    """Thanks, greetings and "not yet": nothing to do."""
    return order_of(text) in ("thanks", "not yet")


def field_of(text: str) -> str | None:
    """The field of the card that words name."""
    if _CHOSEN.search(text):
        return None
    for form, fields in _FIELDS_OF_WORDS:
        if re.search(rf"\b(?:{form})\b", text):
            return fields[0]
    return None


def _deploy_there(folded: str, dialogue: Dialogue) -> Command | None:  # noqa: ARG001  # readers share a signature
    """ "Deploy it on kubernetes": an approval that names its target."""
    there = _ON.match(folded)
    if there is None or order_of(there["order"]) != "approve":
        return None
    return Approve("kubernetes" if there["cluster"] else "local")


def _choose(folded: str, dialogue: Dialogue) -> Command | None:
    """ "Take the second one", "option 4 please"."""
    chosen = _CHOOSE.match(folded)
    said = chosen or _ALONE.match(folded)
    if not dialogue.options or not said:
        return None
    what = said["what"]
    name = list_name(what) if chosen and len(what.split()) <= 3 else None
    if name and dialogue.lists and dialogue.lists.get(name):
        return Choose(dialogue.lists[name][0])
    if chosen and (numbered := _numbered(what, dialogue)) is not None:
        return numbered
    named = options_named(what, dialogue)
    known = {str(option["id"]) for option in dialogue.options}
    return Choose(named[0]) if len(named) == 1 and named[0] in known and not without_options(what) else None


def _numbered(what: str, dialogue: Dialogue) -> Command | None:
    option = _NUMBERED.match(position(what))
    if option and option["id"]:
        return Choose(option["id"])
    if option and 1 <= int(option["number"]) <= len(dialogue.options):
        return Choose(str(dialogue.options[int(option["number"]) - 1]["id"]))
    return None


def _compare(folded: str, dialogue: Dialogue) -> Command | None:
    if _SOMETHING.match(folded) and dialogue.options:
        name = list_name(folded) or ("best_quality" if _BETTER.search(folded) else None)
        return Compare((name,)) if name else None
    compared = _COMPARE.match(folded)
    if not compared:
        return None
    what = compared["what"]
    named = lists_named(what) or tuple(
        position(word) for word in re.findall(r"\b[\w-]+\b", what)
        if (word in PLACES and word != "one") or re.fullmatch(r"\d{1,2}|[0-9a-f]{8}", word)
    )  # fmt: skip
    kind = next((name for form, name in _KINDS if dialogue.options and form.search(what)), "")
    return Compare(named or ((kind,) if kind else ()) or _models_named(what, dialogue))


def _models_named(what: str, dialogue: Dialogue) -> tuple[str, ...]:
    """Offered options whose model the words name by a part such as "70b"."""
    named = set(re.findall(r"\b\d+(?:\.\d+)?b\b|\b[a-z]{4,}\b", what)) - {"with", "that", "this", "against", "model"}
    fitting = [str(option["id"]) for option in dialogue.options
               if any(part in str(option.get("model_id", "")).lower() for part in named)]  # fmt: skip
    return tuple(fitting[:1])


def _keep(folded: str, dialogue: Dialogue) -> Command | None:  # noqa: ARG001  # readers share a signature
    saved = _SAVE.match(folded)
    if saved:
        return SaveScenario((saved["name"] or "").strip() or "saved")
    loaded = _LOAD.match(folded)
    if loaded and not loaded["name"][0].isdigit():  # "go back to 1000 users" describes
        return LoadScenario("" if _FIRST.match(loaded["name"]) else loaded["name"].strip())
    return None


def _drop(folded: str, dialogue: Dialogue) -> Command | None:  # noqa: ARG001
    dropped = _ANY.match(folded) or _DROP.match(folded)
    if not dropped:
        return None
    for form, fields in _DROPPABLE:
        if re.fullmatch(rf"(?:{form}){_LIMIT}", dropped["what"]):
            return Clear(fields, folded)
    return None
