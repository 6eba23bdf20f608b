"""Prompts of a wanted length, made fast enough to be made while the load runs.

The text is plain four-letter English words, one token each in common vocabularies. All words are equally long, so a
prompt of n words is a slice of one long string. How many tokens a word really is, the server's own count tells.
"""

import json
from random import Random

_WORDS = (
    "able area away back ball band bank base bear best bird blue body book both call card care case city coat cold "
    "come cook cool copy cost dark data date deep door down draw east edge even ever face fact fall farm fast feel "
    "feet file fill find fine fire fish five food foot form four free full game girl give glad goal gold good grow "
    "hair half hall hand hard head hear heat help here high hill hold home hope hour idea iron join jump just keep "
    "kind king know lake land last late lead left less life lift like line list live long look loss lost love made "
    "mail main make many mark mass mean meet mile milk mind mine moon more most move much name near neck need news "
    "next nine nose note once only open over page pair park part pass past path plan play pull push rain read"
)
_SOUP_WORDS = 1 << 18
_STRIDE = 5


class Prompts:
    """Makes request bodies. A share of each prompt is one of `groups` fixed beginnings, the rest is fresh.

    `tokens_per_word` and `overhead_tokens` (chat template) are what the server counted.
    """

    def __init__(self, random: Random, *, share: float = 0.0, groups: int = 8) -> None:
        self._random = random
        self._share = share
        self._soup = " ".join(random.choices(_WORDS.split(), k=_SOUP_WORDS)) + " "
        self._beginnings = [random.randrange(_SOUP_WORDS) for _ in range(groups)]
        self.tokens_per_word = 1.0
        self.overhead_tokens = 0.0

    def text(self, tokens: int) -> str:
        """A prompt that the server should count as about `tokens` tokens, at least one word."""
        words = max(1, round((tokens - self.overhead_tokens) / self.tokens_per_word))
        shared = round(words * self._share)
        beginning = self._slice(self._random.choice(self._beginnings), shared) if shared else ""
        return (beginning + self._slice(self._random.randrange(_SOUP_WORDS), words - shared)).rstrip()

    def _slice(self, word: int, count: int) -> str:
        begin = word * _STRIDE
        text = self._soup[begin : begin + count * _STRIDE]
        return text if len(text) == count * _STRIDE else text + self._slice(0, count - len(text) // _STRIDE)


def request_body(text: str, *, model: str, chat: bool, max_tokens: int, options: dict[str, object]) -> bytes:
    """A streaming completion request as JSON."""
    content: dict[str, object] = {"messages": [{"role": "user", "content": text}]} if chat else {"prompt": text}
    return json.dumps({"model": model, **content, "max_tokens": max_tokens, "stream": True, **options}).encode()
