"""A sentence becomes an intent: the pipeline of the grammar, one step after the other."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from agent.understanding.accelerators import AcceleratorMention, find_accelerators
from agent.understanding.clock import HoursOfDay, find_hours
from agent.understanding.context import Context
from agent.understanding.draft import Draft
from agent.understanding.languages import language_of
from agent.understanding.leftovers import doubt_leftovers
from agent.understanding.models import ModelMention, find_models
from agent.understanding.negation import Negation
from agent.understanding.places import REGION, read_regions
from agent.understanding.priorities import read_priority
from agent.understanding.purposes import (
    SUBJECT_LEXICON,
    TASK_LEXICON,
    WORKLOAD_LEXICON,
    read_purpose,
    read_workload_of_models,
)
from agent.understanding.quantities import Quantity
from agent.understanding.reading import QuantityReader
from agent.understanding.roles.hardware import read_hardware, read_models
from agent.understanding.roles.latency import read_times
from agent.understanding.roles.lengths import read_lengths, read_speeds
from agent.understanding.roles.load import read_rates, read_tokens_per_day, read_totals, read_usage
from agent.understanding.roles.money import read_money
from agent.understanding.roles.shares import read_data_centre, read_labels, read_percentages
from agent.understanding.roles.users import read_users
from agent.understanding.scene import Scene
from agent.understanding.spelling import Speller
from agent.understanding.text import ACCELERATOR_MASK, MODEL_MASK, SKIPPED_MASK, Token, fold, tokenise
from agent.understanding.topics import (
    LANGUAGE_LEXICON,
    TOPIC_LEXICON,
    read_burstiness,
    read_deployment,
    read_languages,
    read_topics,
    settled,
    topic_hits,
)
from knowledge.errors import BadInput
from knowledge.snapshot import Snapshot
from tools.intent import Intent, Understanding

CORRECTION_REACH = 8
MAX_CHARACTERS = 200_000

_SKIPPED = re.compile(
    r"https?://[^\s<>\"]{1,500}|[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,63}|\d{4}-\d{2}-\d{2}|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b"
    r"|\b24\s?/\s?7\b|\b24x7\b|\bn\s?\+\s?[12]\b"
)
_CORRECTION = re.compile(
    r"\b(?:no wait|wait,|actually|correction|sorry|i mean|make that|rather|scratch that|oops|eigentlich|nein,|pardon|"
    r"en fait|perdon|mejor dicho|in fact|i meant|update:|edit:|plutot)"
)


@lru_cache(maxsize=1)
def _speller() -> Speller:
    return Speller(
        TOPIC_LEXICON.words, TASK_LEXICON.words, WORKLOAD_LEXICON.words, SUBJECT_LEXICON.words, LANGUAGE_LEXICON.words
    )


def _mask(folded: str, spans: list[tuple[int, int, str]]) -> str:
    pieces = []
    at = 0
    for start, end, mask in sorted(spans):
        if start < at:
            continue
        pieces += [folded[at:start], mask * (end - start)]
        at = end
    return "".join([*pieces, folded[at:]])


def _masked(
    folded: str, snapshot: Snapshot, hours: tuple[HoursOfDay, ...]
) -> tuple[str, tuple[ModelMention, ...], tuple[AcceleratorMention, ...]]:
    skipped = [(match.start(), match.end(), SKIPPED_MASK) for match in _SKIPPED.finditer(folded)]
    skipped += [(each.start, each.end, SKIPPED_MASK) for each in hours]
    skipped += [(*match.span(), SKIPPED_MASK) for match in REGION.finditer(folded)]
    plain = _mask(folded, skipped)
    models = find_models(plain, snapshot)
    plain = _mask(plain, [(each.start, each.end, MODEL_MASK) for each in models])
    cards = find_accelerators(plain, snapshot)
    return _mask(plain, [(each.start, each.end, ACCELERATOR_MASK) for each in cards]), models, cards


def _corrected(found: Sequence[Quantity], tokens: Sequence[Token], folded: str) -> tuple[Quantity, ...]:
    """ "Budget $2k a month... scratch that, 2.5k": a bare number behind a correction counts what the one before did."""
    read = list(found)
    for at, right in enumerate(read[1:], 1):
        left = read[at - 1]
        if (
            right.unit
            or right.currency
            or right.pers
            or right.number.soft
            or right.first - left.last > CORRECTION_REACH
        ):
            continue
        if _CORRECTION.search(folded, tokens[left.last - 1].end, tokens[right.first].start):
            read[at] = replace(right, unit=left.unit, currency=left.currency, pers=left.pers)
    return tuple(read)


def read_scene(text: str, snapshot: Snapshot) -> Scene:
    """Tokens, names and quantities of a message."""
    folded = fold(text)
    hours = find_hours(folded)
    masked, models, cards = _masked(folded, snapshot, hours)
    tokens = _speller().correct(tokenise(masked))
    texts = tuple(token.text for token in tokens)
    language = language_of(texts[:400])
    skipped = settled(topic_hits(texts))
    quantities = _corrected(QuantityReader(tokens, text, language, skipped).read_all(), tokens, folded)
    by_start = {token.start: at for at, token in enumerate(tokens)}
    return Scene(
        message=text,
        folded=folded,
        tokens=tokens,
        quantities=quantities,
        context=Context(tokens, quantities),
        cards={by_start[each.start]: each for each in cards},
        models={by_start[each.start]: each for each in models},
        hours=hours,
    )


def understand(text: str, snapshot: Snapshot, *, turn: int = 1, standing: Intent | None = None) -> Understanding:
    """What the message says, each field with the words that said it, and what could not be placed.

    `standing` is what was said before, for "each asks 5 questions a day" where the people were counted earlier.
    Deterministic and linear in the length of `text`. Raises BadInput for a message that is too long.
    """
    if len(text) > MAX_CHARACTERS:
        raise BadInput(f"the message has {len(text):,} characters; {MAX_CHARACTERS:,} are read", "send a shorter one")
    scene = read_scene(text, snapshot)
    corrections = tuple(match.start() for match in _CORRECTION.finditer(scene.folded))
    draft = Draft(text, turn, corrections, standing or Intent())
    fill(scene, draft, snapshot)
    return draft.understanding()


def fill(scene: Scene, draft: Draft, snapshot: Snapshot) -> None:
    """Run every reader over a scene, the surest first."""
    negation = Negation(scene.texts)
    hits = topic_hits(scene.texts)
    task = read_purpose(scene, draft, negation)
    read_models(scene, draft, negation)
    read_workload_of_models(scene, draft, snapshot, task)
    read_hardware(scene, draft, negation)
    read_regions(scene, draft)
    read_topics(scene, draft, negation, hits)
    read_deployment(scene, draft, negation, hits)
    read_priority(scene, draft, negation, hits)
    read_languages(scene, draft, task)
    read_users(scene, draft)
    read_usage(scene, draft)
    read_tokens_per_day(scene, draft)
    read_speeds(scene, draft)
    read_times(scene, draft)
    read_rates(scene, draft)
    read_money(scene, draft)
    read_lengths(scene, draft)
    read_percentages(scene, draft)
    read_data_centre(scene, draft)
    read_labels(scene, draft)
    read_totals(scene, draft)
    _read_hours(scene, draft)
    read_burstiness(scene, draft, negation, hits)
    doubt_leftovers(scene, draft)


def _read_hours(scene: Scene, draft: Draft) -> None:
    """ "9am-5pm" is a day's pattern, "10pm to 6am" a window for batches."""
    for window in scene.hours:
        if window.at_night:
            draft.say("batch_window_hours", round(window.hours, 4), window.start, window.end)
        else:
            draft.say("burstiness_pattern", "diurnal", window.start, window.end)
