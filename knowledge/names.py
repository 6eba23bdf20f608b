"""Names that people, price lists and invoices use, resolved to accelerators and models.

A size ("72b", "8x7b"), a version ("3.1") and a memory ("40 GB") must match exactly, and only words may match loosely:
by likeness alone "qwen 72b" is as near to Qwen2.5-7B as to Qwen2.5-72B.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rapidfuzz import fuzz, process

from knowledge.errors import NotFound
from knowledge.facts import Model
from knowledge.snapshot import Snapshot

NEAR_NAMES = 5
WORD_LIKENESS = 75.0

_COUNT_BEFORE = re.compile(r"^(\d{1,6})(?:\s*[x×*]\s*|\s+)(?=\S)", re.IGNORECASE)
_COUNT_AFTER = re.compile(r"(?:\s*[x×*]\s*|\s*:\s*)(\d{1,6})$", re.IGNORECASE)
_COUNT_WORD = re.compile(r"^(a|an|one|two|three|four|five|six|seven|eight|ten|twelve|sixteen)\s+(?=\S)", re.IGNORECASE)
_COUNT_WORDS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
                "ten": 10, "twelve": 12, "sixteen": 16}  # fmt: skip
_SYSTEM = re.compile(r"\b(?:dgx|hgx)\b[\s-]*", re.IGNORECASE)
_CARDS_PER_SYSTEM = 8
_VENDOR = re.compile(
    r"\b(?:nvidia|amd|intel|google|aws|geforce|instinct|tesla|hopper|blackwell|ampere|generation|standard"
    r"|gpus?|cards?|hbm\d\w?|oam)\b"
)
_EXACT_NOTES = ("name used in", "instance of")
_FORM = re.compile(r"(?:sxm|pcie|nvl|\d+gb)$")

_SIZE = re.compile(r"(?<![a-z0-9.])[ae]?\d+(?:x\d+)?(?:\.\d+)?b(?![a-z0-9])")
_PART = re.compile(r"\d+(?:\.\d+)*|[a-z]+")
_PRECISION = re.compile(
    r"\b(?:awq|gptq|gguf|fp8|fp16|bf16|fp4|nvfp4|mxfp4|int4|int8|w\da\d+|quantized|dynamic|block|\d-?bit)\b"
)
_NEUTRAL = frozenset(["instruct", "it", "chat", "hf", "base", "model", "meta", "ai", "the"])

_Ranked = tuple[tuple[float, int, bool, bool], str]  # misspelling, parts unsaid, writes no text, no chat; the model


@dataclass(frozen=True, slots=True)
class AcceleratorName:
    """What an accelerator's name means. `gpu_type` None: known and not planned for, `note` says why.

    `count` is the number of cards that the name states, below 1 for a slice. `assumed` tells that the name fits several
    cards and the commonest was taken; `near` holds the others.
    """

    gpu_type: str | None
    count: float | None
    assumed: bool
    near: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Known:
    gpu_type: str | None
    count: float | None
    note: str


@dataclass(frozen=True, slots=True)
class _ModelName:
    model_id: str
    sizes: frozenset[str]
    numbers: frozenset[str]
    words: frozenset[str]
    publisher: frozenset[str]


def _tokens(text: str) -> tuple[str, ...]:
    words = re.sub(r"(\d)\s*(?:gib|gb|gig|g)\b", r"\1gb ", text.lower().replace("(r)", " ").replace("_", " "))
    words = re.sub(r"(?<=\w)[\s-]+(16|32|40|48|80|96)\b(?!\s*gb)", r" \1gb", words)
    words = re.sub(r"\bsxm\d\b", "sxm", _VENDOR.sub(" ", words))
    return tuple(re.findall(r"[a-z0-9.]+", words))


@lru_cache(maxsize=4)
def _known_accelerators(snapshot: Snapshot) -> Mapping[str, _Known]:
    known = {"".join(_tokens(gpu_type)): _Known(gpu_type, None, "") for gpu_type in snapshot.accelerators}
    for alias in snapshot.aliases.values():
        entry = _Known(alias.gpu_type, alias.gpu_count, alias.note)
        tokens = _tokens(alias.alias)
        known.setdefault("".join(tokens), entry)
        if alias.gpu_type is None:
            known.setdefault("".join(word for word in tokens if not _FORM.match(word)), entry)
    return known


def _forms(tokens: Iterable[str], snapshot: Snapshot) -> tuple[str, ...]:
    """Accelerators that the tokens fit and that differ from them by memory or form only."""
    said = set(tokens)
    fitting = []
    for gpu_type in snapshot.accelerators:
        own = set(_tokens(gpu_type)) - {"rtx"} | (said & {"rtx"})
        if said <= own and all(_FORM.match(extra) for extra in own - said):
            fitting.append(gpu_type)
    return tuple(fitting)


def _accelerator(text: str, snapshot: Snapshot) -> AcceleratorName | None:
    listed = snapshot.aliases.get(text.lower())
    if listed and listed.note.startswith(_EXACT_NOTES):
        return AcceleratorName(listed.gpu_type, listed.gpu_count, False, (), listed.note)
    tokens = _tokens(text)
    known = _known_accelerators(snapshot)
    for spelling in (tokens, (*tokens[:-1], tokens[-1].removesuffix("s"))) if tokens else ():
        forms = _forms(spelling, snapshot)
        found = known.get("".join(spelling))
        if found is None and forms:
            usual = known.get("".join(word for word in spelling if not _FORM.match(word)))
            first = usual.gpu_type if usual and usual.gpu_type in forms else forms[0]
            found = _Known(first, None, "")
        if found:
            others = tuple(form for form in forms if form != found.gpu_type)
            assumed = bool(others) or "assumed" in found.note
            return AcceleratorName(found.gpu_type, found.count, assumed, others, found.note)
    return None


def _without_count(text: str) -> Iterator[tuple[str, float]]:
    """The text without a count that it may state, and the count."""
    for pattern in (_COUNT_BEFORE, _COUNT_AFTER, _COUNT_WORD):
        stated = pattern.search(text)
        if stated:
            said = stated.group(1).lower()
            yield pattern.sub("", text), float(_COUNT_WORDS.get(said) or said)


def resolve_accelerator(text: str, snapshot: Snapshot) -> AcceleratorName:
    """The accelerator that `text` means, with a count where it states one ("8xH100", "H100:4", "p5.48xlarge").

    A DGX or HGX is a machine of eight. Raises NotFound with near names.
    """
    said = text.strip()
    cards = 1.0
    if _SYSTEM.search(said):
        said, cards = f"{_SYSTEM.sub('', said)} SXM", float(_CARDS_PER_SYSTEM)
    name = _accelerator(said, snapshot)
    if name:
        return name if cards == 1 else replace(name, count=cards)
    for rest, count in _without_count(said):
        name = _accelerator(rest, snapshot)
        if name:
            return replace(name, count=count * cards * (name.count or 1))
    raise NotFound("accelerator", text, _near_accelerators(said, snapshot))


def _near_accelerators(text: str, snapshot: Snapshot) -> tuple[str, ...]:
    known = _known_accelerators(snapshot)
    like = process.extract("".join(_tokens(text)), known.keys(), scorer=fuzz.ratio, limit=20, score_cutoff=50)
    names = dict.fromkeys(gpu_type for key, _, _ in like if (gpu_type := known[key].gpu_type))
    return tuple(names)[:NEAR_NAMES]


def _model_name(model_id: str) -> _ModelName:
    publisher, _, name = model_id.lower().rpartition("/")
    name = _PRECISION.sub(" ", name)
    sizes = frozenset(_SIZE.findall(name))
    parts = frozenset(_PART.findall(_SIZE.sub(" ", name)))
    numbers = frozenset(part for part in parts if part[0].isdigit())
    return _ModelName(model_id, sizes, numbers, parts - numbers, frozenset(_PART.findall(publisher)))


@lru_cache(maxsize=4)
def _model_names(snapshot: Snapshot) -> tuple[_ModelName, ...]:
    return tuple(map(_model_name, snapshot.models))


def _unlikeness(said: _ModelName, known: _ModelName) -> tuple[float, int] | None:
    """Misspelling of the words said and number of parts not said; None when something said does not fit."""
    if not (said.sizes <= known.sizes and said.numbers <= known.numbers):
        return None
    matched: set[str] = set()
    misspelling = 0.0
    for word in said.words - _NEUTRAL:
        like = process.extractOne(word, known.words | known.publisher, scorer=fuzz.ratio)
        if like is None or like[1] < (WORD_LIKENESS if len(word) > 3 else 100.0):
            return None
        matched.add(like[0])
        misspelling += 100.0 - like[1]
    unsaid = (known.sizes - said.sizes) | (known.numbers - said.numbers) | (known.words - matched - _NEUTRAL)
    return misspelling, len(unsaid)


def _ranked_models(text: str, snapshot: Snapshot) -> list[_Ranked]:
    said = _model_name(text.strip().replace(" ", "-"))
    ranked = []
    for known in _model_names(snapshot) if said.words - _NEUTRAL else ():
        unlikeness = _unlikeness(said, known)
        if unlikeness is not None:
            writes = snapshot.models[known.model_id].kind in ("dense", "moe")
            follows = bool(known.words & _NEUTRAL) or not said.sizes
            ranked.append(((*unlikeness, not writes, not follows), known.model_id))
    return sorted(ranked)


def _family(ranked: Sequence[_Ranked]) -> list[str]:
    """The models that fit words alone equally well, where they differ in version or size: neither was said."""
    least = min(((misspelling, silent) for (misspelling, _, silent, _), _ in ranked), default=None)
    alike = [name for (misspelling, _, silent, _), name in ranked if (misspelling, silent) == least]
    versions = {(name.sizes, name.numbers) for name in map(_model_name, alike)}
    return alike if len(versions) > 1 else []


def _exact_model(text: str, models: Mapping[str, Model]) -> str | None:
    wanted = text.strip().lower()
    fitting = [model_id for model_id in models if wanted in (model_id.lower(), model_id.lower().rpartition("/")[2])]
    return fitting[0] if len(fitting) == 1 else None


def resolve_model(text: str, snapshot: Snapshot) -> str:
    """The one model that `text` means, as hub id.

    Raises NotFound with near names when nothing fits, or when several fit equally well ("llama 70b", "llama").
    """
    exact = _exact_model(text, snapshot.models)
    if exact:
        return exact
    ranked = _ranked_models(text, snapshot)
    best = [model_id for rank, model_id in ranked if rank == ranked[0][0]]
    if not re.search(r"\d", text):
        best = _family(ranked) or best
    if len(best) == 1:
        return best[0]
    if best:
        newest = sorted(best, key=lambda model_id: snapshot.models[model_id].release_date or "", reverse=True)
        raise NotFound("model", text, tuple(newest[:NEAR_NAMES]), fitting=len(best))
    like = process.extract(text.lower(), snapshot.models.keys(), scorer=fuzz.token_set_ratio, limit=NEAR_NAMES)
    raise NotFound("model", text, tuple(model_id for model_id, likeness, _ in like if likeness >= 50))
