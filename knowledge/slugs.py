"""Which known model an API sells: price lists write the same model in many ways.

A date, a platform's version and words of packing are dropped one after the other until a known model is met. A slug
that names another release (a "0731", a "thinking") stays unmatched: quality is never borrowed from a sibling.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from knowledge.snapshot import Snapshot

_ENDING = re.compile(r"-(?:v\d+-\d+|v\d+|20\d{6}|20\d\d-\d\d-\d\d|default|batch|maas|preview|tee|free)$")
_OWNER = re.compile(
    r"^(?:regional-|us-|eu-|global-)?"
    r"(?:anthropic|openai|xai|databricks|meta|nvidia|google|qwen|deepseek-ai|mistralai|zai-org|moonshotai)-(?=[a-z])"
)
_PACKING = frozenset(["instruct", "it", "hf", "chat", "bf16", "fp8", "fp16", "awq", "int4", "int8", "nvfp4", "nvidia"])


def folded(name: str) -> str:
    """Lower-case last part of a path with punctuation folded to "-", as price lists fold it."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower().rpartition("/")[2]).strip("-")


def _key(slug: str) -> tuple[str, ...]:
    return tuple(part for part in slug.removeprefix("meta-").split("-") if part not in _PACKING)


@lru_cache(maxsize=4)
def _known(snapshot: Snapshot) -> tuple[Mapping[str, str], Mapping[tuple[str, ...], str | None]]:
    ids = sorted({*snapshot.models, *(model_id for model_id, _ in snapshot.quality)})
    exact = {folded(model_id): model_id for model_id in ids}
    loose: dict[tuple[str, ...], str | None] = {}
    for model_id in snapshot.models:
        # Makers of API-only models mean different models by "chat" and "instruct"; copies of open ones do not.
        key = _key(folded(model_id))
        loose[key] = None if key in loose else model_id
    return exact, loose


def _spellings(slug: str) -> Iterator[str]:
    yield slug
    if bare := _OWNER.sub("", slug):
        yield bare
        while _ENDING.search(bare):
            bare = _ENDING.sub("", bare)
            yield bare


def model_of_slug(slug: str, snapshot: Snapshot) -> str | None:
    """The hub id, or the maker and slug of a model that only APIs sell; None when nothing known is meant."""
    exact, loose = _known(snapshot)
    for spelling in _spellings(folded(slug)):
        found = exact.get(spelling) or loose.get(_key(spelling))
        if found:
            return found
    return None
