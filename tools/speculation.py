"""Speculative decoding: several tokens are drafted, and one step of the model checks them all.

With a chance `a` that a drafted token is accepted when those before it were, a step yields
``(1 - a^(k+1)) / (1 - a)`` tokens from k drafted ones (Leviathan et al. 2023, arXiv 2211.17192, equation 1). The step
reads the weights once as before, but computes k + 1 tokens per sequence: a gain while memory bounds the step, a loss
once arithmetic does. The acceptance is an assumption from the literature, never a measurement of one's own traffic.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from knowledge.facts import Model
from tools.performance.roofline import Costs, decode_ms, step_ms
from tools.performance.step import StepCost

Method = Literal["mtp", "ngram"]

_COPYING = frozenset(["document_qa", "summarization", "long_document_summarization", "extraction", "code_generation"])
"""Tasks whose answers repeat parts of the prompt, which is what drafting by look-up lives on."""


@dataclass(frozen=True, slots=True)
class Speculation:
    """How tokens are drafted. `draft_share`: what drafting one token costs, as a share of a step without it."""

    method: Method
    tokens: int
    acceptance: float
    draft_share: float
    source: str

    @property
    def tokens_per_step(self) -> float:
        """Tokens that a step yields on average."""
        return (1 - self.acceptance ** (self.tokens + 1)) / (1 - self.acceptance)

    @property
    def assumption(self) -> str:
        """What is assumed, and after whom."""
        return f"assumed: {self.acceptance:.0%} of the drafted tokens are accepted ({self.source}); measure your own"


def drafting(method: Method, tokens: int, model: Model) -> Speculation:
    """Drafting `tokens` tokens a step with the acceptance that is assumed of the method."""
    if method == "mtp":
        return Speculation(
            method,
            tokens,
            0.8,
            2 / model.layers,  # the extra layer, and the output head once more
            "DeepSeek-V3 report, arXiv 2412.19437: 85 to 90 % of second tokens; less for others' traffic",
        )
    return Speculation(
        method, tokens, 0.25, 0.0, "look-up in the prompt; varies widely by task and load: arXiv 2601.11580 on vLLM"
    )


def speculation(model: Model, task: str, pipeline_parallel: int) -> Speculation | None:
    """How a model would draft at a task with what it ships with; None where nothing is known to help.

    Stages of a pipeline are left out: the engine does not draft across them.
    """
    if pipeline_parallel > 1:
        return None
    if model.mtp_layers > 0:
        return drafting("mtp", 1, model)
    return drafting("ngram", 4, model) if task in _COPYING else None


def speculated(cost: Costs, drafts: "list[Speculation | None]") -> Costs:
    """Costs whose steps draft and check, one entry of `drafts` per configuration; None leaves one as it is.

    Times stay per token: a step is longer and is divided by the tokens it yields. The first token comes from the
    prompt's own step, so it gains nothing.
    """
    gained = np.array([each.tokens_per_step if each else 1.0 for each in drafts])
    checked = np.array([each.tokens + 1.0 if each else 1.0 for each in drafts])
    drafted = np.array([1 + each.tokens * each.draft_share if each else 1.0 for each in drafts])
    scaled = replace(
        cost,
        other_ms=cost.other_ms * drafted / gained,
        expert_ms=cost.expert_ms * drafted / gained,
        miss=cost.miss**checked,
        flop_ms=cost.flop_ms * checked * drafted / gained,
        fixed_ms=cost.fixed_ms * drafted / gained,
        sequence_ms=cost.sequence_ms * checked / gained,
        cache_ms=cost.cache_ms / gained,
    )
    one = np.ones_like(cost.other_ms)
    return replace(scaled, request_ms=cost.request_ms + step_ms(cost, one) - step_ms(scaled, one))


def speculated_steps(steps: StepCost, cost: Costs, draft: Speculation) -> StepCost:
    """Step times of one replica (whose costs are `cost`, one entry) with drafting, per token as in `speculated`."""
    batch: npt.NDArray[np.float64] = np.array(steps.batch_knots, dtype=np.float64)
    rows = cost.take(np.zeros(len(batch), dtype=np.intp))
    ratio = decode_ms(speculated(rows, [draft] * len(batch)), batch) / decode_ms(rows, batch)
    times = np.maximum.accumulate(np.array(steps.decode_ms_at_knots) * ratio)
    return replace(
        steps,
        decode_ms_at_knots=tuple(times.tolist()),
        kv_ms_per_token=steps.kv_ms_per_token / draft.tokens_per_step,
        request_ms=steps.request_ms + max(steps.decode_ms_at_knots[0] - float(times[0]), 0.0),
    )
