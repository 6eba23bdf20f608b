"""What the words of a line item say: direction, billing mode, tier, context, modality. The rest names the model."""

import re
from dataclasses import dataclass
from functools import lru_cache

_FLAGS = re.IGNORECASE
_CACHE_READ = re.compile(
    r"cach(?:ed|e|ing)?[\s_-]*(?:read|hits?)(?:[\s_-]*(?:input|inp))?|cached[\s_-]*(?:input|inp|prompt|text)"
    r"|(?:input|inp|prompt)[\s_-]*cach(?:ed|e)(?![\s_-]*(?:write|creation))|\bcchd[\s_-]*inp\b|\bcached\b",
    _FLAGS,
)
_CACHE_WRITE = re.compile(
    r"cach(?:ed|e|ing)?[\s_-]*(?:write|writes|creation|storage)(?:[\s_-]*(?:input|inp))?"
    r"|(?:input|prompt)[\s_-]*cache[\s_-]*write",
    _FLAGS,
)
_CACHE_LIFE = re.compile(r"(?:^|[\s_-])(5|60)\s?m(?:in(?:ute)?s?)?\b|(?:^|[\s_-])(1|12)\s?h(?:(?:ou)?rs?)?\b", _FLAGS)
_INPUT = re.compile(
    r"(?:^|[\s_,:.-])(?:(?:uncached[\s_-]*)?(?:input|inp|prompt|entrée|entrada|eingabe|ingresso)|in(?=[\s_-]?tokens?)|uncached)(?=$|[\s_,:.-]|tokens?)",
    _FLAGS,
)
_OUTPUT = re.compile(
    r"(?:^|[\s_,:.-])(?:output|outp|opt|completions?|response|generated|sortie|salida|saída|ausgabe|uscita|out(?=[\s_-]?tokens?))(?=$|[\s_,:.-]|tokens?)",
    _FLAGS,
)
_GLOBAL = re.compile(r"(?:^|[\s_|-])(?:global|glbl)(?=$|[\s_|,-])", _FLAGS)
_REGIONAL = re.compile(r"(?:^|[\s_|-])(?:regional|regnl|regn|data[\s_-]?zone|dzone?|dz)(?=$|[\s_|,-])", _FLAGS)
_BATCH = re.compile(r"(?:^|[\s_|-])batch(?:es|[\s_-]?api)?(?=$|[\s_|,-])", _FLAGS)
_TIER = re.compile(r"(?:^|[\s_|-])(priority|flex|ultrafast|balanced)(?=$|[\s_|,-])", _FLAGS)
_PROVISIONED = re.compile(r"provisioned|\bptus?\b|model units?|commit(?:ted|ment)", _FLAGS)
_LONG = re.compile(
    r"long[\s_-]?context|\(long\)|\blong\b(?=\s+(?:input|output))|[>≥]\s?\d{2,4}\s?k|above[\s_-]\d+k", _FLAGS
)
_MODALITY = re.compile(
    r"(?:^|[\s_-])(audio|image|video)(?=[\s_-]+(?:input|output|inp|outp|tokens?))"
    r"|(?<=put)[\s_-]+(audio|image|video)(?=$|[\s_,-])",
    _FLAGS,
)
_NOISE = re.compile(
    r"(?<![\w-])(?:tokens?(?:count)?|text|usage|million|thousand|1?[km]|per|predictions?|ga|standard|on[ -]?demand|payg"
    r"|inference|api|fast|batch|count|units?|thinking|generate content|short"
    r"|\(amazon bedrock edition\)|eu|us)(?![\w.-])|[|,()]",
    _FLAGS,
)
_PARTS = (
    _CACHE_WRITE, _CACHE_READ, _CACHE_LIFE, _BATCH, _TIER, _LONG, _GLOBAL, _REGIONAL, _MODALITY, _INPUT, _OUTPUT,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wording:
    """What a text says about how something was billed; `rest` is what no rule took, the candidate for a model name.

    `reach` is `global` or `regional` where the text says how far requests may travel.
    """

    direction: str | None
    mode: str
    cache_hours: int | None
    long_context: bool
    modality: str
    reach: str
    provisioned: bool
    rest: str


@lru_cache(maxsize=8192)
def read_wording(text: str) -> Wording:
    """Take apart a line item such as `priority | gpt-5.6-sol, cached input, long context`."""
    rest = text
    for pattern in _PARTS:
        rest = pattern.sub(" ", rest)
    rest = re.sub(r"\s+", " ", _NOISE.sub(" ", rest)).strip(" -_:/")
    tier = _TIER.search(text)
    direction = _direction(text)
    modality = _MODALITY.search(text)
    return Wording(
        direction=direction,
        mode="batch" if _BATCH.search(text) else (tier[1].lower() if tier else "per_token"),
        cache_hours=_cache_hours(text) if direction == "cache_write" else None,
        long_context=bool(_LONG.search(text)),
        modality=(modality[1] or modality[2]).lower() if modality else "",
        reach="global" if _GLOBAL.search(text) else ("regional" if _REGIONAL.search(text) else ""),
        provisioned=bool(_PROVISIONED.search(text)),
        rest=rest,
    )


def _direction(text: str) -> str | None:
    if _CACHE_WRITE.search(text):
        return "cache_write"
    if _CACHE_READ.search(text):
        return "cache_read"
    into, out = _INPUT.search(text), _OUTPUT.search(text)
    if into and out:
        return None
    return "input" if into else ("output" if out else None)


def _cache_hours(text: str) -> int | None:
    match = _CACHE_LIFE.search(text)
    return int(match[2]) if match and match[2] and match[2] != "0" else None
