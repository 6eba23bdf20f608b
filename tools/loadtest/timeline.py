"""How a run went over time, in stretches: what was due, what failed, how fast it was answered."""

from collections import Counter
from collections.abc import Sequence

from tools.loadtest.percentiles import percentile
from tools.loadtest.report import Bin
from tools.loadtest.sample import Sample

MAX_BINS = 60


def timeline(samples: Sequence[Sample], length_s: float) -> tuple[Bin, ...]:
    """At most `MAXMAX_BINS` equal stretches of a run of `length_s`, and what follows while it drains."""
    width_s = length_s / min(MAX_BINS, max(1, round(length_s)))
    bins: dict[int, list[Sample]] = {}
    tokens: Counter[int] = Counter()
    for sample in samples:
        bins.setdefault(int(sample.due_s / width_s), []).append(sample)
        tokens[int(sample.ended_s / width_s)] += sample.output_tokens
    return tuple(
        _bin(number * width_s, bins.get(number, []), tokens[number] / width_s)
        for number in range(max(bins, default=-1) + 1)
    )


def _bin(begin_s: float, samples: Sequence[Sample], output_tok_s: float) -> Bin:
    ordered = sorted(sample.ttft_ms for sample in samples if sample.ttft_ms is not None)
    return Bin(
        begin_s=begin_s,
        due=len(samples),
        failed=sum(bool(sample.error) for sample in samples),
        ttft_p50_ms=percentile(ordered, 50) if ordered else None,
        ttft_p90_ms=percentile(ordered, 90) if ordered else None,
        output_tok_s=output_tok_s,
    )
