"""Models named in a message: where they stand, and the hub id or the family that is meant."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from agent.understanding.text import words
from knowledge.snapshot import Snapshot

MAX_PARTS = 8

_FAMILIES = [
    "codellama",
    "llama",
    "qwq",
    "qwen",
    "mixtral",
    "ministral",
    "mistral",
    "magistral",
    "devstral",
    "codestral",
    "voxtral",
    "codegemma",
    "gemma",
    "deepseek",
    "granite",
    "kimi",
    "minimax",
    "glm",
    "gpt-oss",
    "nemotron",
    "falcon",
    "olmo",
    "c4ai-command",
    "command-r",
    "whisper",
    "bge",
    "mxbai",
    "nomic",
    "minilm",
    "smollm",
    "mimo",
    "internlm",
    "gpt-j",
    "jamba",
    "dbrx",
    "exaone",
    "starcoder",
    "vicuna",
    "bloom",
    "stablelm",
    "zephyr",
    "baichuan",
    "hunyuan",
    "ernie",
    "wizardlm",
    "phi",
    "e5",
    "yi",
    "jina",
]
_PRETTY = {"llama": "Llama", "qwen": "Qwen", "mixtral": "Mixtral", "ministral": "Ministral", "mistral": "Mistral",
           "gemma": "Gemma", "deepseek": "DeepSeek", "granite": "Granite", "kimi": "Kimi", "minimax": "MiniMax",
           "glm": "GLM", "nemotron": "Nemotron", "falcon": "Falcon", "olmo": "OLMo", "whisper": "Whisper",
           "codellama": "CodeLlama", "phi": "Phi", "smollm": "SmolLM", "mimo": "MiMo", "yi": "Yi"}  # fmt: skip
_FAMILY = re.compile(
    r"(?<![a-z0-9])(?:[a-z0-9][a-z0-9_.-]{0,38}/)?(?:meta[- ])?"
    r"(?P<family>" + "|".join(re.escape(name).replace(r"\-", "[- ]?") for name in _FAMILIES) + r"|lama)"
    r"(?=[\s\d\-_.:,;!?)'\"+/]|v\d|vl\b|coder|s\b|$)"
)
_API = re.compile(
    r"(?<![a-z0-9-])(?:(?P<gpt>gpt[- ]?\d(?:\.\d)?o?(?:[- ](?:mini|nano|turbo|pro))?)(?![a-z0-9])"
    r"|(?P<o>o[134](?:-(?:mini|pro))?(?![a-z0-9]))"
    r"|(?P<claude>claude(?:[- ](?:opus|sonnet|haiku|fable|instant|\d(?:\.\d)?)){0,3})(?![a-z0-9])"
    r"|(?P<gemini>gemini(?:[- ](?:\d(?:\.\d)?|pro|flash|lite|ultra|nano)){0,4})(?![a-z0-9])"
    r"|(?P<grok>grok(?:[- ]\d(?:\.\d{1,2})?)?(?:[- ](?:mini|fast))?)(?![a-z0-9]))"
)
_PART = re.compile(r"(?P<gap>[\s\-_:.]{0,2})(?P<part>\d+x\d+b|[ae]?\d+(?:\.\d+)?b|v?\d+(?:\.\d+)*|[a-z]+\d*(?:\.\d+)?)"
                   r"(?![a-z0-9]|\.\d)")  # fmt: skip
_SIZE = re.compile(r"e?\d+(?:x\d+|\.\d+)?b$")
_ACTIVE = re.compile(r"a\d+(?:\.\d+)?b$|\d+e$")
_NAME_PART = re.compile(r"\d+x\d+b|[ae]?\d+(?:\.\d+)?b(?![a-z])|v?\d+(?:\.\d+)*|[a-z]+\d*(?:\.\d+)?")
_NEUTRAL = words("instruct it chat hf base meta bf16 fp8 v1 v0.1 v0.3 v1.5 nvidia c4ai en all")
_REVISIONS = frozenset(["0.1", "0.3", "1.5"])
_DATE = re.compile(r"\d{4}$|0\d$")
_RISKY = words("it hf chat code en base embed text in all ai step multilingual fp8 bf16 nvidia meta large2")
_NOT_UNIT_BEHIND = re.compile(r"\s*(?:%|percent|users?|requests?|rps|qps|ms|seconds?|gpus?|replicas?|people)\b")


@dataclass(frozen=True, slots=True)
class ModelMention:
    """A model at characters `start` to `end`: hub ids or a family name in `name`, None when nothing of it is known.

    `hosted` marks models that are sold by API only.
    """

    start: int
    end: int
    name: str | None
    near: tuple[str, ...] = ()
    hosted: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    model_id: str
    parts: frozenset[str]
    needed: frozenset[str]
    instruct: bool


def _parts(name: str) -> frozenset[str]:
    return frozenset(_split(part) for part in _NAME_PART.findall(name.lower()))


def _split(part: str) -> str:
    """Version letters do not count: "v3.2" is "3.2"."""
    return part[1:] if re.fullmatch(r"v\d+(?:\.\d+)*", part) else part


_FIRST = re.compile(r"(?<![a-z])(?:" + "|".join(map(re.escape, _FAMILIES)) + r")(?![a-z])")


def _first_family(name: str) -> re.Match[str] | None:
    """The family word that stands first in a hub name: a distillate belongs to its teacher."""
    return _FIRST.search(name)


def _needed(parts: frozenset[str], family: str) -> frozenset[str]:
    """The parts of a name that must be said for it to be meant, without dates and revisions."""
    sized = any(_SIZE.match(part) for part in parts)
    dates = {part for part in parts if (_DATE.match(part) and sized) or re.fullmatch(r"20\d\d|0\d", part)}
    revisions = _REVISIONS if family in ("mistral", "bge", "nomic") else frozenset()
    return frozenset(part for part in parts - _NEUTRAL - dates - revisions if not _ACTIVE.match(part))


@lru_cache(maxsize=4)
def _known(snapshot: Snapshot) -> Mapping[str, tuple[_Known, ...]]:
    by_family: dict[str, list[_Known]] = {}
    for model_id in snapshot.models:
        name = model_id.rpartition("/")[2].lower()
        dashed = name.replace("_", "-")
        found = _first_family(dashed)
        if found:
            family = found.group()
            rest = dashed[: found.start()] + " " + dashed[found.end() :]
            parts = _parts(rest)
            needed = _needed(parts, family)
            by_family.setdefault(family, []).append(
                _Known(model_id, parts, needed, "instruct" in name or "it" in parts)
            )
    return {family: tuple(models) for family, models in by_family.items()}


@lru_cache(maxsize=4)
def _by_id(snapshot: Snapshot) -> Mapping[str, str]:
    whole = {model_id.lower(): model_id for model_id in snapshot.models}
    return {model_id.lower().rpartition("/")[2]: model_id for model_id in snapshot.models} | whole


@lru_cache(maxsize=4)
def _family_parts(snapshot: Snapshot) -> Mapping[str, frozenset[str]]:
    return {
        family: frozenset(part for model in models for part in model.parts)
        for family, models in _known(snapshot).items()
    }


def _extent(folded: str, end: int, family: str, snapshot: Snapshot) -> tuple[list[str], int]:
    """The parts that follow a family word and the offset behind them."""
    known = _family_parts(snapshot).get(family, frozenset())
    parts: list[str] = []
    sized = False
    while len(parts) < MAX_PARTS:
        match = _PART.match(folded, end)
        if not match or "\n" in match["gap"] or match["gap"] in (". ", "..", ": "):
            break
        part, gap = match["part"], match["gap"]
        size = bool(_SIZE.match(part) or _ACTIVE.match(part))
        version = part[0].isdigit() or re.fullmatch(r"v\d.*", part) is not None
        listed = _split(part) in known or part in known
        if not size and not listed and not (version and gap in ("", "-") and part.count(".") == 1):
            break
        if (
            not size
            and gap.startswith(" ")
            and (part in _RISKY or (version and _NOT_UNIT_BEHIND.match(folded, match.end())))
        ):
            break
        if sized and version and part.isdigit() and " " in gap:
            break
        sized = sized or size
        parts.append(part)
        end = match.end()
    return parts, end


@lru_cache(maxsize=2048)
def _meaning(family: str, parts: tuple[str, ...], snapshot: Snapshot) -> tuple[str | None, tuple[str, ...]]:
    """The hub id or family name of a family word and its parts, and the members that fit."""
    models = _known(snapshot).get(family, ())
    said = frozenset(map(_split, parts))
    fitting = [model for model in models if said - _NEUTRAL <= model.parts]
    complete = [model for model in fitting if model.needed <= said]
    best = complete if len(complete) == 1 else [model for model in complete if model.instruct]
    if len(fitting) == 1 or len(best) == 1:
        return (best or fitting)[0].model_id, ()
    near = tuple(model.model_id for model in fitting or models)[:5]
    if not fitting:
        return None, near
    label = (_written(part) for part in parts if part not in _NEUTRAL)
    return " ".join([_PRETTY.get(family, family), *label]), near


def _written(part: str) -> str:
    """A part of a name as people write it: "70B", "Coder", "3.1"."""
    return part.upper() if _SIZE.match(part) else part.title() if part.isalpha() else part


def _open_models(folded: str, snapshot: Snapshot) -> list[ModelMention]:
    mentions = []
    for match in _FAMILY.finditer(folded):
        family = match["family"].replace(" ", "-")
        family = {"gptoss": "gpt-oss", "commandr": "command-r", "lama": "llama", "gptj": "gpt-j"}.get(family, family)
        family = "command-r" if family.startswith("c4ai") else family
        written = re.compile(r"[a-z0-9_.-]+/[a-z0-9_.-]+").match(folded, match.start())
        exact = _by_id(snapshot).get(written.group().rstrip(".")) if written else None
        if exact and written:
            mentions.append(ModelMention(match.start(), match.start() + len(written.group().rstrip(".")), exact))
            continue
        parts, end = _extent(folded, match.end(), family, snapshot)
        if family in ("phi", "e5", "yi", "bge", "jina", "bloom", "nomic", "granite", "falcon", "zephyr") and not parts:
            continue
        if match["family"] == "lama" and not parts:
            continue
        name, near = _meaning(family, tuple(parts), snapshot)
        mentions.append(ModelMention(match.start(), end, name, near))
    return mentions


def _hosted_models(folded: str) -> list[ModelMention]:
    mentions = []
    for match in _API.finditer(folded):
        text = match.group()
        name = re.sub(r"[ -]+", "-", re.sub(r"^gpt ?(?=\d)", "gpt-", text))
        mentions.append(ModelMention(match.start(), match.end(), name, hosted=True))
    return mentions


def find_models(folded: str, snapshot: Snapshot) -> tuple[ModelMention, ...]:
    """Models named in a folded message, from left to right, without overlap."""
    found = sorted([*_open_models(folded, snapshot), *_hosted_models(folded)], key=lambda each: (each.start, -each.end))
    kept: list[ModelMention] = []
    for mention in found:
        if not kept or mention.start >= kept[-1].end:
            kept.append(mention)
    return tuple(kept)
