"""Two short requests before the load: does it answer, which options does it know, how does it count tokens."""

import asyncio
from dataclasses import dataclass

from tools.loadtest.client import Client, Exchange
from tools.loadtest.plan import LoadPlan
from tools.loadtest.prompts import Prompts, request_body

_SHORT_WORDS, _LONG_WORDS = 16, 144
_TIMEOUT_S = 60.0
# From what vLLM knows down to what every compatible server knows.
_OPTIONS: tuple[dict[str, object], ...] = (
    {"stream_options": {"include_usage": True}, "ignore_eos": True},
    {"stream_options": {"include_usage": True}},
    {},
)
_FATAL = frozenset({"refused", "unknown_host", "tls", "timeout", "http_401", "http_403", "http_404"})


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was learned. `problem` says why no load was sent, empty when it may be."""

    options: dict[str, object]
    problem: str = ""
    error: str = ""
    counts_tokens: bool = False
    streams: bool = True


async def preflight(client: Client, plan: LoadPlan, prompts: Prompts) -> Preflight:
    """Ask `client` twice and set the token counts of `prompts` from what it says."""
    for options in _OPTIONS:
        first = await _ask(client, plan, prompts, words=_SHORT_WORDS, options=options)
        if first.error not in ("http_400", "http_422"):
            break
    if first.error in _FATAL or first.error in ("http_400", "http_422"):
        return Preflight(options, problem=f"{client.endpoint.url}: {first.detail or first.error}", error=first.error)
    second = await _ask(client, plan, prompts, words=_LONG_WORDS, options=options)
    counts = first.answer.prompt_tokens, second.answer.prompt_tokens
    if first.error or second.error or counts[0] is None or counts[1] is None or counts[1] <= counts[0]:
        return Preflight(options, streams=first.answer.is_stream is not False)
    prompts.tokens_per_word = (counts[1] - counts[0]) / (_LONG_WORDS - _SHORT_WORDS)
    prompts.overhead_tokens = counts[0] - prompts.tokens_per_word * _SHORT_WORDS
    return Preflight(options, counts_tokens=True, streams=first.answer.is_stream is not False)


async def _ask(client: Client, plan: LoadPlan, prompts: Prompts, *, words: int, options: dict[str, object]) -> Exchange:
    body = request_body(prompts.text(words), model=plan.model, chat=plan.chat, max_tokens=2, options=options)
    until_s = asyncio.get_running_loop().time() + min(_TIMEOUT_S, plan.request_timeout_s / plan.time_factor)
    return await client.complete(body, chat=plan.chat, until_s=until_s)
