"""What the grammar understands of the corpus, beside keywords: `python -m evals.benchmarks.understanding`.

Prints a table for the sentences used in tuning and for the third kept aside; `--json FILE` writes the figures,
`--failures` shows the tuning sentences that are not understood exactly (never those kept aside).
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from agent.understanding import understand
from evals.corpus.baseline import keywords
from evals.corpus.sentences import Agreement, Sentence, agreement, fields_of, sentences
from knowledge.snapshot import Snapshot, load

LENGTHS = (12_500, 25_000, 50_000, 100_000)
Reader = Callable[[str], Mapping[str, Any]]


def grammar(snapshot: Snapshot) -> Reader:
    """The grammar as a function from text to fields."""
    return lambda text: fields_of(understand(text, snapshot).intent)


def figures(group: Iterable[Sentence], read: Reader) -> dict[str, float]:
    """Precision, recall and F1 of fields, share of false fields, share of exact sentences, CPU per sentence."""
    chosen = list(group)
    started = time.process_time()
    answers = [read(sentence.text) for sentence in chosen]
    spent = time.process_time() - started
    found = [agreement(answer, sentence.said) for answer, sentence in zip(answers, chosen, strict=True)]
    return {**scores(found), "sentences": len(chosen), "cpu_ms_per_sentence": round(spent / len(chosen) * 1e3, 3)}


def scores(found: Iterable[Agreement]) -> dict[str, float]:
    """The figures of contract 5.1's comparison over many sentences."""
    every = list(found)
    right, false, missed = (sum(len(getattr(each, part)) for each in every) for part in ("right", "false", "missed"))
    precision, recall = right / max(right + false, 1), right / max(right + missed, 1)
    return {
        "fields": right + missed,
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(2 * precision * recall / max(precision + recall, 1e-12), 4),
        "false_share": round(false / max(right + false, 1), 4),
        "exact": round(sum(each.exact for each in every) / max(len(every), 1), 4),
    }


def growth(read: Reader) -> dict[int, float]:
    """CPU milliseconds for one message of many sentences, by its length in characters."""
    everything = ". ".join(sentence.text for sentence in sentences())
    spent = {}
    for length in LENGTHS:
        text = (everything * (length // len(everything) + 1))[:length]
        started = time.process_time()
        read(text)
        spent[length] = round((time.process_time() - started) * 1e3, 1)
    return spent


def benchmark(snapshot: Snapshot) -> dict[str, Any]:
    """Figures of grammar and keywords for both parts of the corpus, and the growth with length."""
    read = grammar(snapshot)
    read("warm up")
    parts = {"tuning": False, "kept_aside": True}
    readers: dict[str, Reader] = {"grammar": read, "keywords": keywords}
    return {
        reader: {part: figures([each for each in sentences() if each.kept_aside is aside], function)
                 for part, aside in parts.items()}
        for reader, function in readers.items()
    } | {"cpu_ms_by_characters": growth(read)}  # fmt: skip


def _table(result: Mapping[str, Any]) -> str:
    names = ("sentences", "fields", "precision", "recall", "f1", "false_share", "exact", "cpu_ms_per_sentence")
    lines = ["reader    part        " + "  ".join(f"{name:>11.11}" for name in names)]
    for reader in ("grammar", "keywords"):
        for part, figure in result[reader].items():
            lines.append(f"{reader:9} {part:11} " + "  ".join(f"{figure[name]:>11}" for name in names))
    grown = ", ".join(f"{length:,} characters {spent:,} ms" for length, spent in result["cpu_ms_by_characters"].items())
    return "\n".join([*lines, f"processor time of one long message: {grown}"])


def _failures(snapshot: Snapshot) -> Iterable[str]:
    read = grammar(snapshot)
    for sentence in sentences():
        fields = read(sentence.text) if not sentence.kept_aside else sentence.said
        found = agreement(fields, sentence.said)
        if not found.exact:
            yield f"[{sentence.theme}] {sentence.text!r}"
            for path in sorted(found.false | found.missed):
                yield f"    {path}: said {sentence.said.get(path)!r}, understood {fields.get(path)!r}"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--failures", action="store_true", help="show what is not understood exactly, tuning part only")
    options = parser.parse_args()
    snapshot = load()
    if options.failures:
        sys.stdout.write("\n".join(_failures(snapshot)) + "\n")
        return
    result = benchmark(snapshot)
    sys.stdout.write(_table(result) + "\n")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
