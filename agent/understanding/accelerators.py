"""Accelerators named in a message: where they stand and which card is meant."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from agent.understanding.text import words
from knowledge.errors import NotFound
from knowledge.names import resolve_accelerator
from knowledge.snapshot import Snapshot

CARDS_PER_NODE = 8
MAX_NAME_CHUNKS = 6
WHOLE_NODE_GB = 320

_CHUNK = re.compile(r"[a-z0-9]+")
_COUNT_PREFIX = re.compile(r"\d{1,4}x(?!large)(?=[a-z]|\d{4})")
_COUNTED = re.compile(r"\d{1,4}x")
_COUNT_SUFFIX = re.compile(r"x\d{1,3}$")
_MEMORY = re.compile(r"\d{2,3}(?:gb?|gib)$")
_FORM = re.compile(r"(?:sxm\d?|pcie|nvl|hbm\d?e?)$")
_UNKNOWN = re.compile(r"(?:[hb][1-9]00s?|b[1-9]0s?|mi\d{3}[a-z]?s?|gb\d{3}s?|rtx\d{4}s?)$")
_PLURAL = re.compile(r"(?<=-\d\d)s$")
_VENDORS = words("nvidia amd intel geforce tesla instinct google aws")
_BEFORE_DIGITS = words("rtx x single one a an my our lone")
_CONNECTORS = words("with mit de con avec cards card gpus gpu karten cartes tarjetas of a")
_NODES = frozenset(["dgx", "hgx"])
_TOO_COMMON = words("orin pvc hpu max pro a2 p4")
_SIZES = words("24 40 48 64 80 94 96 141 192")
_CARD_WORDS = frozenset(["gpu", "gpus", "card", "cards"])


@dataclass(frozen=True, slots=True)
class AcceleratorMention:
    """An accelerator at characters `start` to `end`. `gpu_type` None: unknown, or known and not planned for."""

    start: int
    end: int
    gpu_type: str | None
    cards: int
    assumed: bool
    near: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Chunk:
    text: str
    start: int
    end: int


def _chunks(folded: str) -> list[_Chunk]:
    chunks = []
    for match in _CHUNK.finditer(folded):
        text, start = match.group(), match.start()
        counted = _COUNT_PREFIX.match(text)
        if counted:
            chunks.append(_Chunk(counted.group(), start, start + counted.end()))
            text, start = text[counted.end() :], start + counted.end()
        behind = _COUNT_SUFFIX.search(text)
        if behind and behind.start() > 0 and not text[0].isdigit():
            text = text[: behind.start()]
        chunks.append(_Chunk(text, start, start + len(text)))
    return chunks


def _spellings(snapshot: Snapshot) -> Iterable[tuple[str, ...]]:
    for alias in snapshot.aliases.values():
        yield tuple(_CHUNK.findall(alias.alias.lower()))
    for gpu_type in snapshot.accelerators:
        whole = tuple(_CHUNK.findall(gpu_type.lower()))
        yield whole
        yield whole[1:]
        yield tuple(part for part in whole[1:] if not _MEMORY.match(part) and not _FORM.match(part))


@lru_cache(maxsize=4)
def _names(snapshot: Snapshot) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    by_first: dict[str, set[tuple[str, ...]]] = {}
    for spelling in _spellings(snapshot):
        if spelling and not (len(spelling) == 1 and spelling[0] in _TOO_COMMON):
            by_first.setdefault(spelling[0], set()).add(spelling)
    return {first: tuple(sorted(names, key=len, reverse=True)) for first, names in by_first.items()}


@lru_cache(maxsize=1024)
def _meaning(name: str, snapshot: Snapshot) -> tuple[str | None, float, bool, tuple[str, ...], str]:
    try:
        found = resolve_accelerator(name, snapshot)
    except NotFound as error:
        return None, 1.0, False, error.near, f"no accelerator of this name is known: {name}"
    why = "" if found.gpu_type else f"known, but not planned for: {found.note}"
    return found.gpu_type, found.count or 1.0, found.assumed, found.near, why


def _of_one_card(text: str, nodes: int) -> str:
    """ "DGX A100 (640 GB)": the memory of the whole node is that of its cards together."""
    size = int(text.removesuffix("gb")) if re.fullmatch(r"\d{3}gb", text) else 0
    return f"{size // nodes}gb" if size >= WHOLE_NODE_GB else text


class AcceleratorFinder:
    """Finds accelerator names in one folded message."""

    def __init__(self, folded: str, snapshot: Snapshot) -> None:
        self._folded = folded
        self._snapshot = snapshot
        self._chunks = _chunks(folded)
        self._names = _names(snapshot)

    def find(self) -> tuple[AcceleratorMention, ...]:
        """Every mention, from left to right."""
        mentions = []
        index = 0
        while index < len(self._chunks):
            last = self._name_at(index)
            if last:
                mentions.append(self._mention(index, last))
                index = self._behind(mentions[-1].end, last)
            else:
                index += 1
        return tuple(mentions)

    def _behind(self, end: int, index: int) -> int:
        while index < len(self._chunks) and self._chunks[index].start < end:
            index += 1
        return index

    def _close(self, index: int) -> bool:
        """Whether chunk `index` follows the one before with nothing or one separator between."""
        if index >= len(self._chunks):
            return False
        between = self._folded[self._chunks[index - 1].end : self._chunks[index].start]
        return between in ("", " ", "-", "_", ".", " (", "(")

    def _name_at(self, index: int) -> int:
        """The index behind a name that begins at chunk `index`, 0 where none does."""
        first = self._chunks[index].text
        for spelled in (first, first[:-1] if first.endswith("s") else ""):
            for name in self._names.get(spelled, ()):
                if self._reads(name, index):
                    return index + len(name) if self._is_a_card(name, index) else 0
        return index + 1 if self._looks_like_a_card(index) else 0

    def _reads(self, name: Sequence[str], index: int) -> bool:
        if index + len(name) > len(self._chunks):
            return False
        last = len(name) - 1
        for offset, part in enumerate(name):
            text = self._chunks[index + offset].text
            plural = offset == last and text == part + "s"
            if (text != part and not plural) or (offset and not self._close(index + offset)):
                return False
        return True

    def _is_a_card(self, name: Sequence[str], index: int) -> bool:
        """A name of digits alone ("4090") counts only with a sign that a card is meant."""
        if not name[0].isdigit() or len(name) > 1:
            return True
        before = self._chunks[index - 1].text if index else ""
        behind = self._chunks[index + 1].text if index + 1 < len(self._chunks) else ""
        plural = self._chunks[index].text.endswith("s")
        counted = before in _VENDORS | _BEFORE_DIGITS or bool(_COUNTED.fullmatch(before))
        return plural or counted or behind in _CARD_WORDS

    def _looks_like_a_card(self, index: int) -> bool:
        text = self._chunks[index].text
        return bool(_UNKNOWN.match(text))

    def _mention(self, first: int, last: int) -> AcceleratorMention:
        start, end = self._chunks[first].start, self._chunks[last - 1].end
        name = _PLURAL.sub("", self._folded[start:end].replace("(", " "))
        qualifiers, end = self._qualifiers(last, end)
        before, start, nodes = self._prefixes(first, start)
        if nodes > 1:
            qualifiers = [_of_one_card(text, nodes) for text in qualifiers]
        if self._folded[end : end + 1] == ")" and "(" in self._folded[start:end]:
            end += 1
        wanted = " ".join([name, *qualifiers, *before])
        gpu_type, cards, assumed, near, why = _meaning(wanted, self._snapshot)
        if gpu_type is None and (qualifiers or before) and not why.startswith("known"):
            why = f"no accelerator of this name is known: {wanted}"
        return AcceleratorMention(start, end, gpu_type, int(max(cards, 1)) * nodes, assumed, near, why)

    def _qualifiers(self, index: int, end: int) -> tuple[list[str], int]:
        """Memory and form that follow a name."""
        found: list[str] = []
        while len(found) < MAX_NAME_CHUNKS and self._close(index):
            index = self._past_connectors(index)
            text = self._chunks[index].text
            following = self._chunks[index + 1].text if self._close(index + 1) else ""
            if _MEMORY.match(text) or _FORM.match(text):
                end = self._chunks[index].end
            elif text.removesuffix("s") in _SIZES and self._folded[end : self._chunks[index].start] == "-":
                text = text.removesuffix("s") + "gb"
                end = self._chunks[index].end
            elif text.isdigit() and 2 <= len(text) <= 3 and following in ("gb", "gib", "g", "go"):
                text, index = text + "gb", index + 1
                end = self._chunks[index].end
            else:
                break
            if not text.startswith("hbm"):
                found.append(text)
            index += 1
        return found, end

    def _past_connectors(self, index: int) -> int:
        """Behind "cards with" when a memory follows: "A100 cards with 80 GB"."""
        at = index
        while (
            at < index + 2 and at < len(self._chunks) and self._chunks[at].text in _CONNECTORS and self._close(at + 1)
        ):
            at += 1
        rest = [chunk.text for chunk in self._chunks[at : at + 2]]
        memory = bool(rest) and (_MEMORY.match(rest[0]) or (rest[0].isdigit() and rest[-1] in ("gb", "gib", "go")))
        return at if memory else index

    def _prefixes(self, index: int, start: int) -> tuple[list[str], int, int]:
        """Memory, vendor and node words that stand before a name; the node's cards."""
        before: list[str] = []
        nodes = 1
        while index and self._close(index):
            index -= 1
            text = self._chunks[index].text
            if text in _NODES:
                nodes = CARDS_PER_NODE
            elif _MEMORY.match(text) and not before:
                before.append(text)
            elif text in ("gb", "gib") and not before and index and self._chunks[index - 1].text.isdigit():
                index -= 1
                before.append(self._chunks[index].text + "gb")
            elif text not in _VENDORS:
                break
            start = self._chunks[index].start
        return before, start, nodes


def find_accelerators(folded: str, snapshot: Snapshot) -> tuple[AcceleratorMention, ...]:
    """Accelerators named in a folded message, from left to right."""
    return AcceleratorFinder(folded, snapshot).find()
