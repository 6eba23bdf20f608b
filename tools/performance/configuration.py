"""What is served on what: the unit that memory, latency and cost are computed for."""

from dataclasses import dataclass

from knowledge.facts import Accelerator, Model


@dataclass(frozen=True, slots=True)
class Configuration:
    """One replica of a model. Cards per replica = tensor × pipeline × data parallel; experts shard inside them."""

    model: Model
    accelerator: Accelerator
    quantization: str  # "bf16" "fp16" "fp8" "int8" "fp4" "int4"
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    data_parallel: int = 1
    expert_parallel: int = 1
    engine: str = "vllm"
    engine_version: str | None = None
    kv_dtype: str = "auto"  # "auto" follows the model's 16-bit type; "fp8" halves the cache

    @property
    def gpu_count(self) -> int:
        """Cards that one replica occupies."""
        return self.tensor_parallel * self.pipeline_parallel * self.data_parallel
