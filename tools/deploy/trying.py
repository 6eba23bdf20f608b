"""One prompt to a running deployment, answered piece by piece: bounded in length and in time."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from knowledge.errors import BadInput, Conflict, Unavailable
from knowledge.records import Deployment

MAX_PROMPT_CHARS = 4000
MAX_OUTPUT_TOKENS = 256
TIME_LIMIT_S = 60.0
MAX_ANSWER_CHARS = 20_000
_EXCERPT_CHARS = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer as far as it has come. Times are those of the deployment: a simulation's own pace is taken out."""

    text: str = ""
    prompt_tokens: int | None = None
    output_tokens: int = 0
    ttft_ms: float | None = None
    tpot_ms: float | None = None
    finished: bool = False
    cut: str = ""
    """Why it ended before its end; empty when it did not."""


async def answered(
    deployment: Deployment,
    prompt: str,
    *,
    max_tokens: int = MAX_OUTPUT_TOKENS,
    limit_s: float = TIME_LIMIT_S,
) -> AsyncIterator[Reply]:
    """The answer of the deployment's first replica, growing; the last one is `finished`.

    Raises BadInput for a prompt out of bounds, Conflict when the deployment does not run, and Unavailable when its
    endpoint does not answer.
    """
    if not prompt.strip() or len(prompt) > MAX_PROMPT_CHARS:
        raise BadInput(f"a prompt has 1 to {MAX_PROMPT_CHARS:,} characters, not {len(prompt):,}", field="prompt")
    if deployment.endpoint is None:
        raise Conflict(f"deployment {deployment.deployment_id} does not run ({deployment.state})", "deploy it again")
    client = httpx.AsyncClient(timeout=httpx.Timeout(limit_s, connect=10.0), trust_env=False)
    began, reply = time.monotonic(), Reply()
    try:
        async with (
            client,
            client.stream("POST", _address(deployment.endpoint), json=_body(deployment, prompt, max_tokens)) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                said = (await answer.aread())[:_EXCERPT_CHARS].decode(errors="replace")
                raise Unavailable(f"{deployment.endpoint} answered {answer.status_code}: {said}", "try another prompt")
            async for line in answer.aiter_lines():
                spent_s = time.monotonic() - began
                before, reply = reply, _read(reply, line, spent_s * deployment.time_factor)
                if spent_s > limit_s or len(reply.text) > MAX_ANSWER_CHARS:
                    reply = replace(reply, cut=f"cut after {spent_s:.0f} s and {len(reply.text):,} characters")
                    break
                if reply.text != before.text:
                    yield reply
    except httpx.TimeoutException as error:
        raise Unavailable(f"{deployment.endpoint} did not answer within {limit_s:g} s", "try again") from error
    except httpx.HTTPError as error:
        raise Unavailable(
            f"{deployment.endpoint} cannot be reached: {error}",
            "an address inside a cluster is reached from there only: give the release an access of its own",
        ) from error
    yield replace(reply, finished=True)


def _address(endpoint: str) -> str:
    return f"{endpoint.rstrip('/').removesuffix('/v1')}/v1/chat/completions"


def _body(deployment: Deployment, prompt: str, max_tokens: int) -> dict[str, object]:
    return {
        "model": deployment.model_id,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _read(reply: Reply, line: str, spent_s: float) -> Reply:
    """The reply with what a line of the event stream adds; `spent_s` is in the time of the deployment."""
    data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
    if not data or data == "[DONE]":
        return reply
    try:
        event: Mapping[str, Any] = json.loads(data)
        if event.get("error"):
            return replace(reply, cut=str(event["error"])[:_EXCERPT_CHARS])
        usage = event.get("usage") or {}
        pieces = [str((choice.get("delta") or {}).get("content") or "") for choice in event.get("choices") or ()]
    except (ValueError, AttributeError, TypeError) as error:
        raise Unavailable("the endpoint does not speak the OpenAI protocol", "see its log") from error
    text = "".join(pieces)
    now_ms = spent_s * 1000
    first_ms = reply.ttft_ms if reply.ttft_ms is not None else (now_ms if text else None)
    tokens = int(usage.get("completion_tokens") or reply.output_tokens + bool(text))
    gaps = tokens - 1
    timed = text and first_ms is not None and gaps > 0
    return replace(
        reply,
        text=reply.text + text,
        ttft_ms=first_ms,
        tpot_ms=(now_ms - (first_ms or 0.0)) / gaps if timed else reply.tpot_ms,
        prompt_tokens=usage.get("prompt_tokens", reply.prompt_tokens),
        output_tokens=tokens,
    )
