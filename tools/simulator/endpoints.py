"""The small endpoints: models, health, load, version, metrics, tokens, embeddings, and the table of all routes."""

import base64
import math
import random
import struct
import time
from collections.abc import Mapping

from tools.deploy.vllm_release import VERSION
from tools.simulator.chat import chat_completions, rendered
from tools.simulator.completions import completions, prompt_texts
from tools.simulator.errors import ApiError
from tools.simulator.generation import Reply
from tools.simulator.http import Exchange
from tools.simulator.messages import count_tokens, messages
from tools.simulator.metrics import CONTENT_TYPE
from tools.simulator.requests import (
    DetokenizeRequest,
    EmbeddingRequest,
    LoadAdapterRequest,
    TokenizeRequest,
    UnloadAdapterRequest,
)
from tools.simulator.responses import responses
from tools.simulator.server import Endpoint, Server

_MOST_NUMBERS = 1 << 20


async def models(server: Server, exchange: Exchange) -> None:
    """`GET /v1/models`."""
    server.check_ready()
    created = int(time.time())
    cards = [
        _card(name, created, root=server.options.model, max_model_len=server.options.max_model_len)
        for name in server.options.served_names
    ]
    base = server.options.served_names[0]
    cards += [
        _card(adapter.name, created, root=adapter.path, parent=adapter.parent or base) for adapter in server.adapters
    ]
    exchange.respond_json(200, {"object": "list", "data": cards})


def _card(
    name: str, created_s: int, *, root: str, parent: str | None = None, max_model_len: int | None = None
) -> dict[str, object]:
    card = {"id": name, "object": "model", "created": created_s, "owned_by": "vllm"}
    return {**card, "root": root, "parent": parent, "max_model_len": max_model_len}


async def load_adapter(server: Server, exchange: Exchange) -> None:
    """`POST /v1/load_lora_adapter`."""
    body = server.read(exchange, LoadAdapterRequest)
    server.adapters.load(body.lora_name, body.lora_path, again=body.load_inplace)
    exchange.respond(200, f"Success: LoRA adapter '{body.lora_name}' added successfully.".encode(), "text/plain")


async def unload_adapter(server: Server, exchange: Exchange) -> None:
    """`POST /v1/unload_lora_adapter`."""
    body = server.read(exchange, UnloadAdapterRequest)
    server.adapters.unload(body.lora_name)
    exchange.respond(200, f"Success: LoRA adapter '{body.lora_name}' removed successfully.".encode(), "text/plain")


async def health(server: Server, exchange: Exchange) -> None:
    """`GET /health`: 200, or 503 while loading and when the engine is dead."""
    exchange.respond(200 if server.ready and not server.engine.dead else 503, b"", "text/plain")


async def load(server: Server, exchange: Exchange) -> None:
    """`GET /load`: requests in progress."""
    exchange.respond_json(200, {"server_load": server.in_flight - 1})


async def version(server: Server, exchange: Exchange) -> None:
    """`GET /version`: vLLM's, and what is simulated how fast."""
    simulated = {"time_factor": server.options.pace.time_factor, **(server.options.hardware or {})}
    exchange.respond_json(200, {"version": VERSION, "simulator": simulated})


async def metrics(server: Server, exchange: Exchange) -> None:
    """`GET /metrics`: always the text format 0.0.4, whatever the scraper would also accept."""
    server.show_adapters()
    exchange.respond(200, server.metrics.text().encode(), CONTENT_TYPE)


async def schedule(server: Server, exchange: Exchange) -> None:
    """`GET /simulator/schedule`: when the engine planned the tokens of the last requests, to check measurements by."""
    rows = [
        {
            "id": planned.name,
            "ttft_s": planned.ttft_s,
            "tpot_s": planned.tpot_s,
            "e2e_s": planned.e2e_s,
            "output_tokens": planned.output_tokens,
        }
        for planned in server.engine.schedule
    ]
    exchange.respond_json(200, {"late_s": server.engine.late_s, "requests": rows})


async def tokenize(server: Server, exchange: Exchange) -> None:
    """`POST /tokenize`."""
    body = server.read(exchange, TokenizeRequest)
    if body.prompt is None and body.messages is None:
        raise ApiError(400, "prompt or messages must be given", param="prompt")
    text = body.prompt if body.prompt is not None else rendered(body.messages or (), body.tools)
    tokens = server.options.tokenizer.ids(text)
    pieces = server.options.tokenizer.pieces(text) if body.return_token_strs else None
    made = {"count": len(tokens), "max_model_len": server.options.max_model_len, "tokens": tokens}
    exchange.respond_json(200, {**made, "token_strs": pieces})


async def detokenize(server: Server, exchange: Exchange) -> None:
    """`POST /detokenize`."""
    body = server.read(exchange, DetokenizeRequest)
    try:
        text = server.options.tokenizer.text(body.tokens)
    except ValueError as error:
        raise ApiError(400, f"{error}", param="tokens") from error
    exchange.respond_json(200, {"prompt": text})


async def embeddings(server: Server, exchange: Exchange) -> None:
    """`POST /v1/embeddings`: unit vectors that depend on the text alone, after the time a prefill takes."""
    body = server.read(exchange, EmbeddingRequest)
    generation = server.generation(exchange, "embd", body.model)
    texts = prompt_texts(server, body.input)
    size = body.dimensions or server.options.embedding_size
    if len(texts) * size > _MOST_NUMBERS:
        raise ApiError(400, f"inputs times dimensions exceed {_MOST_NUMBERS}", param="input")
    for text in texts:
        generation.add(server.prompt(text, generation.adapter), Reply([""], "stop"), pooled=True)
    await generation.run()
    if generation.cut:
        raise ApiError(503, "The request was aborted: the engine went to sleep.")
    data = []
    for index, text in enumerate(texts):
        vector = _unit_vector(text, size)
        packed = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode() if body.encoding_format == "base64" else 0
        data.append({"object": "embedding", "index": index, "embedding": packed or vector})
    usage = {"prompt_tokens": generation.prompt_tokens, "total_tokens": generation.prompt_tokens}
    frame = {"id": generation.name, "object": "list", "created": generation.created_s}
    exchange.respond_json(
        200, {**frame, "model": generation.model, "data": data, "usage": usage | {"completion_tokens": 0}}
    )


def _unit_vector(text: str, size: int) -> list[float]:
    rng = random.Random(text)  # noqa: S311 - simulation, not secrets
    values = [rng.gauss(0.0, 1.0) for _ in range(size)]
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]


ROUTES: Mapping[tuple[str, str], Endpoint] = {
    ("POST", "/v1/completions"): completions,
    ("POST", "/v1/chat/completions"): chat_completions,
    ("POST", "/v1/responses"): responses,
    ("POST", "/v1/messages"): messages,
    ("POST", "/v1/messages/count_tokens"): count_tokens,
    ("POST", "/v1/embeddings"): embeddings,
    ("GET", "/v1/models"): models,
    ("POST", "/v1/load_lora_adapter"): load_adapter,
    ("POST", "/v1/unload_lora_adapter"): unload_adapter,
    ("POST", "/tokenize"): tokenize,
    ("POST", "/detokenize"): detokenize,
    ("GET", "/health"): health,
    ("GET", "/ping"): health,
    ("POST", "/ping"): health,
    ("GET", "/load"): load,
    ("GET", "/version"): version,
    ("GET", "/metrics"): metrics,
    ("GET", "/simulator/schedule"): schedule,
}
