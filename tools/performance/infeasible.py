"""Why a configuration does not start, by how much, and the nearest ones that do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tools.memory.budget import GIB, MemoryBudget, memory_budget, parallel_problem, usable_precision
from tools.memory.weights import BYTES_PER_PARAMETER
from tools.performance.configuration import Configuration

_WIDTHS = (1, 2, 4, 8)  # cards that share every layer; beyond a machine of eight come stages
_MOST_CARDS = 64
_SMALLER = ("fp8", "int8", "fp4", "int4")  # in the order in which they are tried
_NOTHING = {
    "memory": "Neither more of these cards nor fewer bits help",
    "layout": "No other number of cards helps",
    "context": "Shorter prompts and answers do",
}


@dataclass(frozen=True, slots=True)
class Nearest:
    """A configuration that starts, and what it changes in the one that was asked about, in words."""

    configuration: Configuration
    change: str


@dataclass(frozen=True, slots=True)
class Infeasible:
    """The answer about a configuration that does not start. `short_gib_per_gpu` is None where memory is not why."""

    rule: str
    reason: str
    short_gib_per_gpu: float | None
    nearest: tuple[Nearest, ...]

    @property
    def text(self) -> str:
        """What is missing, by how much, and what would do, in one line."""
        short = "" if self.short_gib_per_gpu is None else f"; {self.short_gib_per_gpu:.1f} GiB per card short"
        ways = " or ".join(each.change for each in self.nearest)
        cure = f"Nearest that fits: {ways}" if ways else _NOTHING[self.rule]
        return f"Does not fit: {self.reason}{short}. {cure}."

    def to_json(self) -> dict[str, Any]:
        """Contract of `infeasible` in the answer of `predict`."""
        return {
            "rule": self.rule,
            "reason": self.reason,
            "short_gib_per_gpu": self.short_gib_per_gpu,
            "nearest": [
                {
                    "change": each.change,
                    "quantization": each.configuration.quantization,
                    "tensor_parallel": each.configuration.tensor_parallel,
                    "pipeline_parallel": each.configuration.pipeline_parallel,
                    "gpu_count_per_replica": each.configuration.gpu_count,
                }
                for each in self.nearest
            ],
        }


def infeasible(configuration: Configuration, budget: MemoryBudget) -> Infeasible | None:
    """None where it starts; else the reason, with the nearest that start on more cards and in fewer bits."""
    if budget.reason is None:
        return None
    rule = _rule(configuration, budget)
    ways: tuple[Iterable[Nearest], ...] = (_more_cards(configuration), _fewer_bits(configuration))
    if rule == "layout":
        ways = (_other_widths(configuration),)
    elif rule == "context":
        ways = ()
    return Infeasible(
        rule,
        budget.reason,
        budget.short_bytes / GIB if rule == "memory" else None,
        tuple(found for tried in ways if (found := _first_that_starts(tried, budget.max_model_len))),
    )


def _rule(configuration: Configuration, budget: MemoryBudget) -> str:
    if parallel_problem(configuration.model, configuration.tensor_parallel):
        return "layout"
    return "context" if budget.max_model_len > configuration.model.context_window_tokens else "memory"


def _first_that_starts(tried: Iterable[Nearest], length: int) -> Nearest | None:
    return next((each for each in tried if memory_budget(each.configuration, max_model_len=length).fits), None)


def _more_cards(asked: Configuration) -> Iterator[Nearest]:
    """Wider layers up to a machine of eight, then more stages of that width."""
    for width in _WIDTHS:
        if width > asked.tensor_parallel:
            yield _laid_out(asked, width, asked.pipeline_parallel)
    width = max(asked.tensor_parallel, _WIDTHS[-1])
    most = min(_MOST_CARDS // (width * asked.data_parallel), asked.model.layers)
    for stages in range(asked.pipeline_parallel + 1, most + 1):
        yield _laid_out(asked, width, stages)


def _other_widths(asked: Configuration) -> Iterator[Nearest]:
    for width in sorted(_WIDTHS, key=lambda width: abs(width - asked.tensor_parallel)):
        yield _laid_out(asked, width, asked.pipeline_parallel)


def _laid_out(asked: Configuration, width: int, stages: int) -> Nearest:
    made = replace(asked, tensor_parallel=width, pipeline_parallel=stages)
    stated = f"tensor parallel {width}" + (f", pipeline parallel {stages}" if stages > 1 else "")
    return Nearest(made, f"{made.gpu_count} card{'s' if made.gpu_count > 1 else ''} per replica ({stated})")


def _fewer_bits(asked: Configuration) -> Iterator[Nearest]:
    """The same cards in each smaller precision that they can serve."""
    for precision in _SMALLER:
        smaller = BYTES_PER_PARAMETER[precision] < BYTES_PER_PARAMETER[asked.quantization]
        if smaller and usable_precision(asked.model, asked.accelerator, precision):
            yield Nearest(replace(asked, quantization=precision), f"{precision} on the same cards")
