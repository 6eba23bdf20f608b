"""A request as the scheduler sees it: lengths, progress and times, no text."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(slots=True, eq=False)
class Request:
    """One sequence to prefill and decode. Times are milliseconds on the caller's clock, `None` until they happen.

    `output_tokens` is how many tokens will come (the caller knows or has sampled it). `prefix` holds one chained hash
    per full KV block of the prompt; `reused_tokens` are prompt tokens taken to be cached already, for callers that know
    a hit share but no hashes.
    """

    request_id: int
    prompt_tokens: int
    output_tokens: int
    arrival_ms: float
    prefix: tuple[Hashable, ...] = ()
    reused_tokens: int = 0

    state: Literal["new", "waiting", "running", "finished", "aborted"] = "new"
    computed_tokens: int = 0
    generated_tokens: int = 0
    prefill_target_tokens: int = 0
    preemptions: int = 0
    private_blocks: int = 0
    shared_blocks: list[Hashable] = field(default_factory=list)
    cached_prompt_tokens: int = 0
    scheduled_ms: float | None = None
    first_token_ms: float | None = None
    finished_ms: float | None = None

    @property
    def known_tokens(self) -> int:
        """Prompt and what was generated: all of it must be in the KV cache to get the next token."""
        return self.prompt_tokens + self.generated_tokens

    @property
    def decoding(self) -> bool:
        """Whether the prefill (first, or again after a preemption) is done."""
        return self.computed_tokens >= self.prefill_target_tokens

    @property
    def held_blocks(self) -> int:
        """KV blocks in use by this request, its own and shared ones."""
        return self.private_blocks + len(self.shared_blocks)
