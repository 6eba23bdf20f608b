"""Short answers to what was asked: read together with the question, so that "per month" completes "$5000"."""

import re
from typing import Any

from agent.commands import Command, Dialogue, Set
from agent.understanding.message import understand
from agent.understanding.orders import order_of, plain, unaccented
from knowledge.snapshot import Snapshot
from tools.editing import FIELDS
from tools.intent import Understanding

LONGEST_ANSWER_WORDS = 8
UNRESOLVED = "unresolved: "

_NUMBER = re.compile(r"\d[\d.,]*(?:\s?[km]\b)?")
_CORRECTED = re.compile(
    r"^(?:no|nope|nein|non|sorry|actually|wait|oops|correction|eigentlich|perdon|pardon|rather|i mean|i meant|make it"
    r"|make that|it'?s|should be|should have been|meant|better)(?:[ ,:]+(?:no|it'?s|its|i mean|i meant|make it"
    r"|make that|rather|sorry|should be|it should be|actually|es sind|c'est|son))*[ ,:]+(?P<number>\d[\d.,]*\s?[km]?)"
    r"(?: (?:then|please|instead|not \S+))?$"
)
_CONTEXTS = {
    "total_users": "{answer} users",
    "concurrent_users": "{answer} concurrent users",
    "expected_qps": "{answer} requests per second",
    "peak_qps": "peak of {answer} requests per second",
    "requests_per_day": "{answer} requests per day",
    "tokens_per_day": "{answer} tokens per day",
    "budget": "budget {answer} per month",
    "budget.max_monthly_cost_usd": "budget {answer} per month",
    "max_gpus": "at most {answer} GPUs",
    "prompt_length_avg": "prompts of {answer} tokens",
    "generation_length_avg": "answers of {answer} tokens",
    "target_ttft_p90_ms": "first token within {answer}",
    "target_tpot_p90_ms": "{answer} per token",
    "target_e2e_latency_p90_ms": "complete answer within {answer}",
    "reliability_target": "uptime {answer}",
    "context_length": "context of {answer} tokens",
    "batch_window_hours": "batch window of {answer} hours",
}


def read_answer(text: str, dialogue: Dialogue, snapshot: Snapshot) -> Command | None:
    """The values that an answer to the asked question gives, or None when it is none."""
    asked = dialogue.asked
    if not asked or order_of(text) is not None or len(text.split()) > LONGEST_ANSWER_WORDS:
        return None
    answer = plain(text)
    alone = understand(text, snapshot)
    if asked.startswith(UNRESOLVED):
        doubted = asked.removeprefix(UNRESOLVED)
        tries = [f"{doubted} {answer}", f"{answer} {doubted}", f"{answer}: {doubted}", f"{doubted} for {answer}"]
    else:
        tries = [_CONTEXTS[asked].format(answer=answer)] if asked in _CONTEXTS else []
    if alone.provenance and not asked.startswith(UNRESOLVED):
        return None
    for words in tries:
        read = understand(words, snapshot)
        if read.provenance and not read.intent.unresolved and _fits(read, asked):
            return Set(_values(read), text.strip())
    return None


def read_correction(text: str, dialogue: Dialogue, snapshot: Snapshot) -> Command | None:
    """ "No, 8000": the number of what was said last in another one's place, where it had only one."""
    number = _CORRECTED.match(unaccented(text))
    numbered = [said for said in dialogue.said if _NUMBER.search(said)]
    if number is None or len(numbered) != 1 or len(_NUMBER.findall(numbered[0])) != 1:
        return None
    read = understand(_NUMBER.sub(number["number"].strip(), numbered[0]), snapshot, standing=dialogue.intent)
    return Set(_values(read), text.strip()) if read.provenance and not read.intent.unresolved else None


def _fits(read: Understanding, asked: str) -> bool:
    """Whether the question's field, where it names one, is among what was read."""
    return asked.startswith(UNRESOLVED) or any(path.startswith(asked) for path in read.provenance)


def _values(read: Understanding) -> dict[str, Any]:
    said = read.intent.model_dump(mode="json")
    values: dict[str, Any] = {}
    for path in read.provenance:
        outer, _, inner = path.partition(".")
        if path in FIELDS:
            values[path] = said[outer][inner] if inner else said[outer]
    return values
