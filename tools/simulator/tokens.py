"""Tokens without a vocabulary: an estimate that is stated, invertible and needs no file.

A token is a word with its leading space cut to six characters, up to three digits, punctuation, or space; that is
about 3.9 characters per token on English prose (byte-pair encodings: 4 to 4.5). A token's id is its UTF-8 bytes read as
a number (at most six, so below 2^53), which makes `text` the exact inverse of `ids` with nothing stored.
"""

import hashlib
import re
from collections.abc import Hashable
from typing import Protocol

_PIECE = re.compile(
    r" ?[A-Za-z]{1,5}|[0-9]{1,3}| ?[!-/:-@\[-`{-~]{1,3}|[ \t]{1,6}|\s{1,2}|[\u0080-\u07ff]{1,3}|[\u0800-\uffff]{1,2}|.",
    re.DOTALL,
)
_BLOCK_TEXT_SEPARATOR = "\x1f"


class Tokenizer(Hashable, Protocol):
    """Splits text into tokens; joining the pieces gives the text back."""

    def pieces(self, text: str) -> list[str]:
        """The tokens of `text`, as text."""
        ...

    def ids(self, text: str) -> list[int]:
        """The tokens of `text`, as ids."""
        ...

    def text(self, ids: list[int]) -> str:
        """The text of token ids; ValueError for an id that is no token."""
        ...


class EstimatedTokenizer:
    """The estimate described above."""

    def pieces(self, text: str) -> list[str]:
        """The tokens of `text`, as text."""
        return _PIECE.findall(text)

    def ids(self, text: str) -> list[int]:
        """The tokens of `text`, as ids."""
        return [int.from_bytes(b"\x01" + piece.encode("utf-8", "surrogatepass")) for piece in self.pieces(text)]

    def text(self, ids: list[int]) -> str:
        """The text of token ids; ValueError for an id that is no token."""
        parts = []
        for token in ids:
            data = token.to_bytes((token.bit_length() + 7) // 8) if 0 <= token < 1 << 64 else b""
            if data[:1] != b"\x01":
                raise ValueError(f"{token} is not a token id")
            try:
                parts.append(data[1:].decode("utf-8", "surrogatepass"))
            except UnicodeDecodeError:
                raise ValueError(f"{token} is not a token id") from None
        return "".join(parts)


def block_hashes(pieces: list[str], block_tokens: int, adapter: str = "") -> tuple[bytes, ...]:
    """One hash per full KV block of a prompt, each chained to the one before: equal hashes mean equal prefixes.

    What a LoRA adapter computes is of no use to others, so its name is the start of the chain.
    """
    hashes, previous = [], adapter.encode("utf-8", "surrogatepass")
    for start in range(0, len(pieces) - block_tokens + 1, block_tokens):
        block = _BLOCK_TEXT_SEPARATOR.join(pieces[start : start + block_tokens])
        previous = hashlib.blake2b(previous + block.encode("utf-8", "surrogatepass"), digest_size=12).digest()
        hashes.append(previous)
    return tuple(hashes)
