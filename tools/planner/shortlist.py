"""Models that an intent leaves open, with their quality; the rest with the rule that left them out."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from knowledge.errors import NotFound
from knowledge.facts import Model, ModelQuality
from knowledge.names import resolve_model
from knowledge.snapshot import Snapshot
from tools.intent import Intent
from tools.planner.rejection import Change, Ledger, Miss
from tools.planner.specialists import out_of_place
from tools.planner.traffic import TrafficProfile
from tools.quality.comparison import ranking_score

PERMISSIVE = ("apache", "mit", "bsd", "modifiedmit", "openmdw")

_LANGUAGE_CODES = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "italian": "it", "portuguese": "pt",
    "dutch": "nl", "polish": "pl", "czech": "cs", "swedish": "sv", "danish": "da", "finnish": "fi", "norwegian": "no",
    "greek": "el", "hungarian": "hu", "turkish": "tr", "russian": "ru", "ukrainian": "uk", "arabic": "ar",
    "hebrew": "he", "hindi": "hi", "thai": "th", "vietnamese": "vi", "indonesian": "id", "chinese": "zh",
    "japanese": "ja", "korean": "ko", "romanian": "ro", "bulgarian": "bg", "persian": "fa",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Models to plan for. `quality` holds what is known of each, open and API models alike."""

    models: tuple[Model, ...]
    threshold: float

    def enough(self, quality: ModelQuality | None) -> bool:
        """Whether a quality is known and reaches the threshold; an estimated one with its lower bound."""
        return quality is not None and ranking_score(quality) >= self.threshold


@lru_cache(maxsize=16_384)
def folded(name: str) -> str:
    """Letters and digits of a name, lower case."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


_SIZE = re.compile(r"\d+(?:x\d+)?(?:\.\d+)?b")
_NEUTRAL = frozenset(["instruct", "it", "chat", "hf", "latest", "preview", "base", "v"])


def matches(model_id: str, family: str, wanted: Iterable[str]) -> bool:
    """Whether a model is meant by one of the names: hub ids, names of releases, families, or a family and a size."""
    return any(_means(name, model_id, family) for name in wanted)


@lru_cache(maxsize=65_536)
def _means(name: str, model_id: str, family: str) -> bool:
    own = model_id.rsplit("/", 1)[-1]
    if folded(name) in (folded(model_id), folded(own)):
        return True
    if "/" in name:
        return False
    asked, parts = _parts(name), _parts(own)
    if any(_SIZE.fullmatch(part) for part in asked):
        return _family_and_size(asked, parts, family)
    if any(digit.isdigit() for digit in name):
        return folded(name) == folded(family) or _release(asked, parts)
    return folded(name) in (folded(family), folded(model_id.split("/", 1)[0])) or folded(name) in folded(model_id)


def _parts(name: str) -> list[str]:
    return re.findall(r"\d+x\d+(?:\.\d+)?b|\d+(?:\.\d+)?b(?![a-z])|[a-z]+|\d+(?:\.\d+)*[a-z]?", name.lower())


def _family_and_size(asked: list[str], parts: list[str], family: str) -> bool:
    """ "Llama 70B": the family leads the model's name, and size and version stand in it."""
    words = [part for part in asked if part.isalpha()]
    numbers = [part for part in asked if not part.isalpha()]
    leads = bool(parts) and (not words or words[0] == parts[0] or words[0] == folded(family))
    return leads and all(word in (*parts, folded(family)) for word in words) and all(each in parts for each in numbers)


def _release(asked: list[str], parts: list[str]) -> bool:
    """ "gpt-4o" is also its dated releases, and neither its mini nor somebody's distillation."""
    rest = parts[len(asked) :]
    return parts[: len(asked)] == asked and all(part in _NEUTRAL or part[0].isdigit() for part in rest)


def check_names(intent: Intent, snapshot: Snapshot) -> None:
    """Raise NotFound, with near names, for a preferred or excluded model that nothing is known of."""
    for field, names in (("preferred_models", intent.preferred_models), ("excluded_models", intent.excluded_models)):
        for name in names or ():
            known = any(matches(model.model_id, model.family, (name,)) for model in snapshot.models.values())
            sold = any(matches(model_id, model_id.split("/", 1)[0], (name,)) for model_id, _ in snapshot.quality)
            if not known and not sold:
                try:
                    resolve_model(name, snapshot)
                except NotFound as error:
                    error.field = field
                    raise


def threshold(snapshot: Snapshot, traffic: TrafficProfile) -> float:
    """Score that the quality word asks for in this task; 0 without one."""
    asked = traffic.targets.quality
    if asked is None:
        return 0.0
    known = snapshot.quality_thresholds.get((traffic.task_type, asked))
    return known.score if known else 0.0


def shortlist(intent: Intent, traffic: TrafficProfile, snapshot: Snapshot, ledger: Ledger) -> Shortlist:
    """Apply the rules about models, in order; each model is counted under the first that it breaks."""
    floor = threshold(snapshot, traffic)
    rules = _rules(intent, traffic, snapshot, floor)
    kept: list[Model] = []
    for model in snapshot.models.values():
        if model.kind not in ("dense", "moe"):
            ledger.count("workload", 1, "models")
            continue
        broken = next(((rule, miss) for rule, judge in rules if (miss := judge(model)) is not None), None)
        if broken is None:
            kept.append(model)
            continue
        rule, miss = broken
        ledger.count(rule, 1, "models")
        ledger.add([miss])
    _nearest_first(ledger, "quality")
    return Shortlist(tuple(kept), floor)


def _nearest_first(ledger: Ledger, rule: str) -> None:
    ledger.misses.sort(key=lambda miss: -float(miss.value or 0) if miss.rule == rule else 0.0)


_Judge = Callable[[Model], Miss | None]


def _rules(intent: Intent, traffic: TrafficProfile, snapshot: Snapshot, floor: float) -> list[tuple[str, _Judge]]:
    rules: list[tuple[str, _Judge]] = []
    if intent.excluded_models:
        rules.append(("excluded_model", lambda model: _excluded(model, intent)))
    if intent.preferred_models:
        rules.append(("not_preferred", lambda model: _not_preferred(model, intent)))
    if intent.license:
        rules.append(("licence", lambda model: _licence(model, intent)))
    if intent.languages:
        rules.append(("language", lambda model: _language(model, intent)))
    rules.append(("specialist", lambda model: _specialist(model, intent, traffic)))
    rules.append(("context", lambda model: _context(model, traffic)))
    rules.append(("quality", lambda model: _quality(model, intent, traffic, snapshot, floor)))
    return rules


@dataclass(frozen=True, slots=True)
class _Number:
    value: float | str | None = None
    limit: float | str | None = None
    unit: str = ""


def _miss(rule: str, model: Model, number: _Number, *, change: Change | None, text: str) -> Miss:
    return Miss(rule, model.model_id, model.model_id, number.value, number.limit, number.unit, change, text)


def _excluded(model: Model, intent: Intent) -> Miss | None:
    names = intent.excluded_models or ()
    if not matches(model.model_id, model.family, names):
        return None
    rest = [name for name in names if not matches(model.model_id, model.family, (name,))]
    change = Change("excluded_models", rest or None)
    return _miss("excluded_model", model, _Number(), change=change, text=f"{model.model_id} was excluded")


def _not_preferred(model: Model, intent: Intent) -> Miss | None:
    names = intent.preferred_models or ()
    if matches(model.model_id, model.family, names):
        return None
    change = Change("preferred_models", [*names, model.model_id])
    return _miss(
        "not_preferred", model, _Number(), change=change, text=f"{model.model_id} is not among the models named"
    )


def _licence(model: Model, intent: Intent) -> Miss | None:
    wanted = intent.license or ()
    if any(licence_allows(model.licence, name) for name in wanted):
        return None
    change = Change("license", [*wanted, model.licence])
    text = f"{model.model_id} is under {model.licence}, not {' or '.join(wanted)}"
    return _miss("licence", model, _Number(model.licence, ", ".join(wanted)), change=change, text=text)


def licence_allows(licence: str, wanted: str) -> bool:
    """Whether a model's licence is what a word or licence name asks for."""
    name, ask = folded(licence), folded(wanted)
    if ask in ("permissive", "opensource", "open", "osi"):
        return name.startswith(PERMISSIVE)
    if ask in ("commercial", "commercialuse"):
        return not any(mark in licence.lower() for mark in ("-nc", "research", "non-commercial"))
    return name.startswith(ask) or ask.startswith(name)


def _language(model: Model, intent: Intent) -> Miss | None:
    if not model.languages or "multilingual" in model.languages:
        return None  # not stated is not a no
    codes = {name: _LANGUAGE_CODES.get(name.lower(), name.lower()[:2]) for name in intent.languages or ()}
    lacking = [name for name, code in codes.items() if code not in model.languages]
    if not lacking:
        return None
    rest = [name for name in intent.languages or () if name not in lacking]
    text = f"{model.model_id} does not name {', '.join(lacking)} among its {len(model.languages)} languages"
    change = Change("languages", rest or None)
    return _miss("language", model, _Number(" ".join(model.languages), ", ".join(lacking)), change=change, text=text)


def _specialist(model: Model, intent: Intent, traffic: TrafficProfile) -> Miss | None:
    if not out_of_place(model.model_id, intent, traffic.task_type):
        return None
    text = f"{model.model_id} is made for code, not for {traffic.task_type.replace('_', ' ')}: name it to plan with it"
    change = Change("preferred_models", [model.model_id])
    return _miss("specialist", model, _Number("code", traffic.task_type), change=change, text=text)


def _context(model: Model, traffic: TrafficProfile) -> Miss | None:
    if model.context_window_tokens >= traffic.context_tokens:
        return None
    text = f"{model.model_id} takes {model.context_window_tokens} tokens, {traffic.context_tokens} are needed"
    change = Change("context_length", model.context_window_tokens)
    return _miss(
        "context",
        model,
        _Number(model.context_window_tokens, traffic.context_tokens, "tokens"),
        change=change,
        text=text,
    )


def _quality(model: Model, intent: Intent, traffic: TrafficProfile, snapshot: Snapshot, floor: float) -> Miss | None:
    known = snapshot.quality.get((model.model_id, traffic.task_type))
    if known is None:
        if intent.preferred_models:
            return None
        text = f"nothing is published about {model.model_id} at {traffic.task_type}: name it to plan with it untested"
        change = Change("preferred_models", [model.model_id])
        return _miss("quality", model, _Number(None, round(floor, 1), "points"), change=change, text=text)
    score = ranking_score(known)
    if score >= floor or (intent.preferred_models and intent.quality_threshold is None):
        return None
    how = "" if known.basis == "measured" else "at least "
    text = (
        f"{model.model_id} scores {how}{score:g} at {traffic.task_type}, {traffic.targets.quality} asks for {floor:g}"
    )
    lower = _admitting(score, traffic, snapshot)
    change = Change("quality_threshold", lower) if lower else Change("preferred_models", [model.model_id])
    return _miss("quality", model, _Number(round(score, 1), round(floor, 1), "points"), change=change, text=text)


def _admitting(score: float, traffic: TrafficProfile, snapshot: Snapshot) -> str | None:
    """The highest quality word whose threshold `score` reaches."""
    for word in ("very_high", "high", "standard"):
        known = snapshot.quality_thresholds.get((traffic.task_type, word))
        if known is not None and score >= known.score:
            return word
    return None
