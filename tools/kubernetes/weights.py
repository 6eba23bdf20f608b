"""Which repository holds the weights in the planned precision, and what vLLM must be told about it."""

import re
from dataclasses import dataclass

from knowledge.facts import Model

DTYPES = {"bf16": "bfloat16", "fp16": "float16"}
_NATIVE = {"bfloat16": "bf16", "float16": "fp16", "float32": "bf16", "fp8": "fp8", "mxfp4": "fp4", "int4": "int4",
           "fp4+fp8": "fp4"}  # fmt: skip
_VARIANTS = {
    "fp8": r"fp8",
    "int8": r"w8a8|gptq-int8|int8",
    "int4": r"awq|w4a16|gptq-int4|int4",
    "fp4": r"nvfp4|mxfp4|fp4",
}


@dataclass(frozen=True, slots=True)
class Weights:
    """`quantize` is a method that vLLM applies while loading; `found` False: none in that precision is known."""

    checkpoint: str
    dtype: str
    quantize: str | None
    found: bool


def weights(model_id: str, model: Model | None, quantization: str, checkpoint: str | None) -> Weights:
    """The named checkpoint, the model's own, or its published variant in the planned precision."""
    dtype = DTYPES.get(quantization, "auto")
    if checkpoint is not None:
        return Weights(checkpoint, dtype, None, True)
    if quantization in DTYPES or (model is not None and _NATIVE.get(model.native_dtype) == quantization):
        return Weights(model_id, dtype, None, True)
    variants = model.quantized_variants if model is not None else ()
    for variant in variants:
        if re.search(_VARIANTS.get(quantization, "$^"), variant, re.IGNORECASE):
            return Weights(variant, dtype, None, True)
    if quantization == "fp8":
        return Weights(model_id, dtype, "fp8", True)
    return Weights(model_id, dtype, None, False)
