"""What a quantized copy loses against the precision a model was scored at."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

from knowledge.facts import Model, ModelQuality

# Median over 158 percent benchmarks of (median score / spread between models): a loss of 1 % of the raw score is
# 0.036 spreads. A test computes it again from the scores that ship.
LEVELS_PER_RAW_SHARE = 3.6
_BITS = {"fp32": 32, "bf16": 16, "fp16": 16, "fp8": 8, "int8": 8, "fp4": 4, "int4": 4}
_NATIVE = {"bfloat16": 16, "float16": 16, "float32": 32, "fp8": 8, "fp4+fp8": 4, "int4": 4, "mxfp4": 4}


@dataclass(frozen=True, slots=True)
class QuantizationLoss:
    """Share of the raw score that a precision costs; the first `base` row that fits holds, `extra` rows add up."""

    quantization: str
    params_b_below: float | None
    task_types: tuple[str, ...]
    isl_above: float | None
    loss_share: float
    kind: Literal["base", "extra"]
    evidence: str

    def applies(self, model: Model, quantization: str, task_type: str, isl: float) -> bool:
        """Whether the row speaks of this model, precision, task and prompt length (tokens)."""
        return (
            self.quantization == quantization
            and (self.params_b_below is None or model.total_params_b < self.params_b_below)
            and (not self.task_types or task_type in self.task_types)
            and (self.isl_above is None or isl > self.isl_above)
        )


def loss_share(
    losses: Iterable[QuantizationLoss], model: Model, quantization: str, *, task_type: str, isl: float
) -> float:
    """Share of the raw score lost; 0 for a precision as wide as the one the model was released in."""
    if _BITS.get(quantization, 16) >= _NATIVE.get(model.native_dtype, 16):
        return 0.0
    fitting = [row for row in losses if row.applies(model, quantization, task_type, isl)]
    base = next((row.loss_share for row in fitting if row.kind == "base"), 0.0)
    return base + sum(row.loss_share for row in fitting if row.kind == "extra")


def quantized(
    quality: ModelQuality, losses: Iterable[QuantizationLoss], model: Model, quantization: str, *, isl: float
) -> ModelQuality:
    """`quality` as a copy of `model` in `quantization` is expected to keep it; half the loss is added to the doubt."""
    share = loss_share(losses, model, quantization, task_type=quality.task_type, isl=isl)
    if not share:
        return quality
    curve = NormalDist()
    level = curve.inv_cdf(min(max(quality.score / 100, 0.001), 0.999))
    score = round(100 * curve.cdf(level - LEVELS_PER_RAW_SHARE * share), 1)
    doubt = (quality.standard_error**2 + ((quality.score - score) / 2) ** 2) ** 0.5
    return replace(quality, score=score, standard_error=round(doubt, 1))
