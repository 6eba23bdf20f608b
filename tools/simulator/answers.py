"""What the simulator says: plain text of the wanted kind and length, because only its tokens and their times matter.

The kind is chosen from the prompt's words; sentences are drawn with the given randomness until the natural length is
reached, so that an answer ends at a full stop unless a limit cuts it.
"""

import math
import random
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from tools.simulator.tokens import Tokenizer

Kind = Literal["code", "summary", "question", "chat", "generic"]

_WORDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "code",
        re.compile(r"\b(code|function|python|java\w*|sql|bug|compile|class|def|import|refactor|script)\b|```", re.I),
    ),
    ("summary", re.compile(r"\b(summar\w+|tl;?dr|condense|key points|abstract of|shorten)\b", re.I)),
    ("question", re.compile(r"\b(what|who|when|where|why|which|how|is|are|does|do|can|could)\b[^?]*\?", re.I)),
    ("chat", re.compile(r"\b(hi|hello|hey|thanks|thank you|please|help|my order|account)\b", re.I)),
)

# Median answer length in tokens; the spread is log-normal with this sigma, as in published chat traces.
_MEDIAN_TOKENS: dict[Kind, int] = {"code": 220, "summary": 160, "question": 110, "chat": 90, "generic": 130}
_SIGMA = 0.6

_SENTENCES: dict[Kind, tuple[str, ...]] = {
    "code": (
        "One way to do it:\n\n```python\ndef total(items):\n    return sum(item.price for item in items)\n```\n",
        "\nThe function walks the list once, so it takes linear time and constant memory.",
        " An empty list gives zero, which is usually what callers expect.",
        "\n\n```python\ndef test_total_of_nothing_is_zero():\n    assert total([]) == 0\n```\n",
        "\nIf prices can lack, filter:\n\n```python\nitems = [i for i in items if i.price is not None]\n```\n",
        "\nKeep the parsing apart from the sum; both are then easy to test.",
        " A generator avoids building a second list.",
        " For large inputs, read the rows in blocks and add the partial sums.",
    ),
    "summary": (
        "The text makes three main points.",
        " First, demand follows the working day, so capacity that is sized for the peak stands idle at night.",
        " Second, the largest share of the cost comes from a small number of long requests.",
        " Third, measured figures differ from the estimates by less than a tenth.",
        " The authors recommend to review the plan every quarter.",
        " Risks are named but not quantified.",
        " The appendix lists the data and how they were gathered.",
        " In short, the approach works where traffic is steady and needs care where it is not.",
    ),
    "question": (
        "The short answer is that it depends on the load.",
        " With few users, a single instance answers in time.",
        " As more arrive, requests share each pass of the engine, so every token takes a little longer.",
        " Beyond the knee, waiting time grows quickly while throughput hardly changes.",
        " A good rule is to leave a quarter of the capacity free.",
        " Measure at the expected rate before you decide.",
        " The documentation gives the exact limits.",
    ),
    "chat": (
        "Thanks for getting in touch, I am glad to help.",
        " Could you tell me a little more about what you see?",
        " In most cases, signing out and in again puts it right.",
        " If it does not, please send the number that the message shows.",
        " I have looked at the settings, and they seem fine.",
        " The change should be visible within a few minutes.",
        " Is there anything else I can do for you today?",
    ),
    "generic": (
        "There are several sides to this.",
        " One is the cost, which grows with every request that is served.",
        " Another is time, because people notice a delay of half a second.",
        " Quality matters as well, and it is the hardest to measure.",
        " A balance of the three is usually better than the best of one.",
        " Start small, look at the figures and adjust.",
        " What works for one team need not work for the next.",
        " Write the decision down together with its reasons.",
    ),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The tokens of one answer as text, and why it ends."""

    pieces: list[str]
    finish_reason: Literal["stop", "length"]


def kind_of(prompt: str) -> Kind:
    """The use case that a prompt's words point to; its last two thousand characters decide."""
    return next((kind for kind, words in _WORDS if words.search(prompt[-2000:])), "generic")


@lru_cache(maxsize=32)
def _tokenized(kind: Kind, tokenizer: Tokenizer) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(tokenizer.pieces(sentence)) for sentence in _SENTENCES[kind])


def answer(kind: Kind, tokenizer: Tokenizer, rng: random.Random, *, at_least: int, at_most: int) -> Answer:
    """An answer of natural length, but of `at_least` to `at_most` tokens; `length` when only the limit ends it."""
    natural = max(at_least, int(math.exp(rng.gauss(math.log(_MEDIAN_TOKENS[kind]), _SIGMA))), 1)
    sentences = _tokenized(kind, tokenizer)
    pieces = list(sentences[0])
    while len(pieces) < min(natural, at_most):
        pieces += sentences[rng.randrange(1, len(sentences))]
    whole = cut(pieces, at_most)
    return Answer(whole.pieces, "length") if at_least >= at_most else whole


def padded(pieces: list[str], tokenizer: Tokenizer, rng: random.Random, *, at_least: int, at_most: int) -> Answer:
    """`pieces` as an answer, with text of our own after it where it is shorter than `at_least` tokens."""
    more = answer("generic", tokenizer, rng, at_least=at_least, at_most=at_most).pieces
    whole = cut([*pieces, *more[: max(at_least - len(pieces), 0)]], at_most)
    return Answer(whole.pieces, "length") if at_least >= at_most else whole


def cut(pieces: list[str], at_most: int) -> Answer:
    """`pieces` as an answer of at most `at_most` tokens."""
    if len(pieces) > at_most:
        return Answer(pieces[:at_most], "length")
    return Answer(pieces, "stop")


def stopped(whole: Answer, stops: tuple[str, ...]) -> Answer:
    """`whole` up to the first of the stop strings, which is left out; the token that completes it ends the answer."""
    text = "".join(whole.pieces)
    starts = [text.find(stop) for stop in stops if stop in text]
    if not starts:
        return whole
    start = min(starts)
    kept: list[str] = []
    length = 0
    for piece in whole.pieces:
        if length >= start:
            break
        kept.append(piece[: start - length])
        length += len(piece)
    return Answer(kept or [""], "stop")
