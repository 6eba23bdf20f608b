"""A model's own tokenizer from its `tokenizer.json`: byte-level byte-pair encoding (Llama 3, Qwen, GPT and others).

Text is split by one pattern for all (words with their space, up to three digits, punctuation, space), where models'
patterns differ in corners such as contractions and runs of spaces; counts agree within about a percent.
"""

import itertools
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from knowledge.errors import BadInput
from tools.simulator.tokens import EstimatedTokenizer, Tokenizer

_WORD = re.compile(r"'(?:[sdmt]|ll|ve|re)| ?[^\W\d_]+|\d{1,3}| ?[^\s\w]+|_+|\s+(?!\S)|\s", re.IGNORECASE)


def byte_alphabet() -> dict[int, str]:
    """The printable stand-ins for bytes that byte-level vocabularies are written in (as GPT-2 introduced them)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    shifted = (byte for byte in range(256) if byte not in plain)
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + index) for index, byte in enumerate(shifted)}


class BytePairTokenizer:
    """Byte-level byte-pair encoding with a vocabulary and ranked merges."""

    def __init__(self, vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> None:
        self._alphabet = byte_alphabet()
        self._bytes = {stand_in: byte for byte, stand_in in self._alphabet.items()}
        self._ids = vocabulary
        self._names = {number: name for name, number in vocabulary.items()}
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._encoded = lru_cache(maxsize=1 << 16)(self._encode_word)

    def pieces(self, text: str) -> list[str]:
        """The tokens of `text`; a character that spans tokens is given whole to its last one."""
        made: list[str] = []
        pending = b""
        for name in self._tokens(text):
            pending += bytes(self._bytes[char] for char in name)
            try:
                made.append(pending.decode("utf-8", "surrogatepass"))
                pending = b""
            except UnicodeDecodeError:
                made.append("")
        return made

    def ids(self, text: str) -> list[int]:
        """The tokens of `text`, as ids."""
        return [self._ids[name] for name in self._tokens(text)]

    def text(self, ids: list[int]) -> str:
        """The text of token ids; ValueError for an id that is no token."""
        unknown = next((number for number in ids if number not in self._names), None)
        if unknown is not None:
            raise ValueError(f"{unknown} is not a token id")
        names = "".join(self._names[number] for number in ids)
        return bytes(self._bytes[char] for char in names if char in self._bytes).decode("utf-8", "replace")

    def _tokens(self, text: str) -> list[str]:
        return [name for word in _WORD.findall(text) for name in self._encoded(word)]

    def _encode_word(self, word: str) -> tuple[str, ...]:
        parts = [self._alphabet[byte] for byte in word.encode("utf-8", "surrogatepass")]
        while len(parts) > 1:
            ranked = [(self._ranks.get((a, b)), at) for at, (a, b) in enumerate(itertools.pairwise(parts))]
            best = min(((rank, at) for rank, at in ranked if rank is not None), default=None)
            if best is None:
                break
            at = best[1]
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return tuple(part for part in parts if part in self._ids)


def tokenizer_from(path: str | None) -> Tokenizer:
    """The tokenizer of a file, or the estimate; BadInput when the file is not one that can be used."""
    if path is None:
        return EstimatedTokenizer()
    try:
        model = json.loads(Path(path).read_text("utf-8"))["model"]
        return _byte_pair(model)
    except OSError as error:
        raise BadInput(f"cannot read tokenizer {path}: {error.strerror}", field="tokenizer") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadInput(
            f"{path} is not a byte-level BPE tokenizer.json", "leave --tokenizer out to use the estimate",
            field="tokenizer",
        ) from None  # fmt: skip


def _byte_pair(model: dict[str, Any]) -> BytePairTokenizer:
    if model.get("type", "BPE") != "BPE" or not isinstance(model["vocab"], dict):
        raise ValueError("not byte-pair encoding")
    vocabulary = {str(name): int(number) for name, number in model["vocab"].items()}
    merges = [tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in model["merges"]]
    if any(stand_in not in vocabulary for stand_in in byte_alphabet().values()):
        raise ValueError("not byte-level")
    return BytePairTokenizer(vocabulary, [(str(a), str(b)) for a, b in merges])
