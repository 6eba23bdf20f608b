"""The simulated server: what all endpoints share, and the routing of requests to them."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tools.scheduler import Limits
from tools.simulator import faults
from tools.simulator.adapters import Adapter, Adapters
from tools.simulator.dataset import Dataset
from tools.simulator.engine import Engine, Pace
from tools.simulator.errors import ApiError, invalid, model_not_found, output_too_long, too_long
from tools.simulator.faults import Faults
from tools.simulator.generation import Generation, Prompt
from tools.simulator.http import Exchange, Gone
from tools.simulator.metrics import Metrics
from tools.simulator.tokens import Tokenizer, block_hashes

_LONGEST_TOKEN = 128  # characters; longer ones are in no vocabulary

Body = TypeVar("Body", bound=BaseModel)
Endpoint = Callable[["Server", Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that a simulated server is told. `served_names` are the accepted ones, the first is shown."""

    model: str
    served_names: tuple[str, ...]
    pace: Pace
    limits: Limits
    max_model_len: int
    tokenizer: Tokenizer
    embedding_size: int = 4096
    seed: int = 0
    echo: bool = False
    dataset: Dataset | None = None
    load_s: float = 0.0
    gpu_memory_utilization: float = 0.92
    faults: Faults = field(default_factory=Faults)
    hardware: Mapping[str, str] | None = None
    buckets: Mapping[str, tuple[float, ...]] | None = None
    adapters: tuple[Adapter, ...] = ()
    max_loras: int = 1
    sleep_mode: bool = False


class Server:
    """One engine behind vLLM's endpoints."""

    def __init__(self, options: Options, routes: Mapping[tuple[str, str], Endpoint]) -> None:
        self.options = options
        self.metrics = Metrics(options.served_names[0], max_model_len=options.max_model_len, buckets=options.buckets)
        self.rng = random.Random(options.seed)  # noqa: S311 - simulation, not secrets
        engine_rng = random.Random(f"{options.seed}:engine")  # noqa: S311 - simulation, not secrets
        self.engine = Engine(options.limits, options.pace, self.metrics, engine_rng)
        self.ready = not options.load_s
        self.in_flight = 0
        self.adapters = Adapters(options.adapters)
        self._routes = routes
        self._paths = {path for _, path in routes}
        self._counter = 0
        self._say_configuration()
        if options.load_s:
            asyncio.get_running_loop().call_later(options.load_s / options.pace.time_factor, self._loaded)
        else:
            self._loaded()

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request; every failure becomes an error of vLLM's shape."""
        self.in_flight += 1
        try:
            await self._route(exchange)(self, exchange)
        except Gone:
            return
        except ApiError as error:
            self._fail(exchange, error)
        except ValidationError as error:
            self._fail(exchange, invalid(error))
        except Exception as error:  # noqa: BLE001 - process edge: a client must get an answer, whatever the defect
            self._fail(exchange, ApiError(500, f"{type(error).__name__}: {error}"))
        finally:
            self.in_flight -= 1

    def read(self, exchange: Exchange, body: type[Body]) -> Body:
        """The request's body as its model, after faults have had their chance."""
        self.check_ready()
        wanted = faults.asked(exchange.headers)
        if wanted.disconnect:
            exchange.drop()
            raise Gone
        if wanted.death:
            self.engine.die(wanted.death)
            raise ApiError(500, wanted.death)
        if error := wanted.error or self.options.faults.drawn(self.rng):
            raise error
        parsed = body.model_validate_json(exchange.body)
        name = getattr(parsed, "model", None)
        if name is not None and name not in self.options.served_names and not self.adapters.get(name):
            raise model_not_found(name)
        self.engine.stall(wanted.stall_ms / 1000)
        return parsed

    def check_ready(self) -> None:
        """ApiError while the model loads and after the engine died."""
        if self.engine.dead:
            raise ApiError(500, self.engine.dead)
        if not self.ready:
            raise ApiError(503, "The model is still loading.")

    def generation(self, exchange: Exchange, prefix: str, model: str | None) -> Generation:
        """The sequences of a request to `model`: a served name, an adapter, or none for the base model."""
        adapter = self.adapters.get(model)
        used = adapter.name if adapter else None
        shown = used or self.options.served_names[0]
        return Generation(self.engine, exchange, self.name(prefix), model=shown, adapter=used)

    def name(self, prefix: str) -> str:
        """A new request id, the same in every run that gets the same requests."""
        self._counter += 1
        return f"{prefix}-{random.Random(f'{self.options.seed}:{self._counter}').getrandbits(128):032x}"  # noqa: S311 - an id, not a secret

    def reply_rng(self, seed: int | None, choice: int) -> random.Random:
        """The randomness of one answer: the request's seed, or this server's and the request's number."""
        base = f"{self.options.seed}:{self._counter}" if seed is None else f"seed:{seed}"
        return random.Random(f"{base}:{choice}")  # noqa: S311 - simulation, not secrets

    def prompt(self, text: str, adapter: str | None = None) -> Prompt:
        """Tokenize a prompt for the base model or an adapter; ApiError when it leaves no room for an answer."""
        if len(text) > _LONGEST_TOKEN * self.options.max_model_len:  # too long without counting
            raise too_long(len(text) // _LONGEST_TOKEN, self.options.max_model_len)
        pieces = self.options.tokenizer.pieces(text)
        limits = self.options.limits
        blocks = block_hashes(pieces, limits.block_tokens, adapter or "") if limits.prefix_caching else ()
        prompt = Prompt(text, pieces, blocks)
        if prompt.tokens >= self.options.max_model_len:
            raise too_long(prompt.tokens, self.options.max_model_len)
        return prompt

    def output_limit(self, prompt: Prompt, max_tokens: int | None) -> int:
        """How many tokens an answer may have."""
        room = self.options.max_model_len - prompt.tokens
        if max_tokens is None:
            return room
        if max_tokens > room:
            raise output_too_long(max_tokens, prompt.tokens, self.options.max_model_len)
        return max_tokens

    def show_adapters(self) -> None:
        """Bring the metric that names the adapters in use up to date."""
        running, waiting = self.engine.adapters("running"), self.engine.adapters("waiting")
        self.metrics.lora_information(self.options.max_loras, running, waiting, time.time())

    def _route(self, exchange: Exchange) -> Endpoint:
        method = "GET" if exchange.method == "HEAD" else exchange.method
        endpoint = self._routes.get((method, exchange.path))
        if endpoint is None:
            known = exchange.path in self._paths
            raise ApiError(405 if known else 404, "Method Not Allowed" if known else "Not Found")
        return endpoint

    def _fail(self, exchange: Exchange, error: ApiError) -> None:
        if exchange.gone:
            return
        if exchange.started:
            exchange.drop()
        else:
            exchange.respond_json(error.status, error.body)

    def _loaded(self) -> None:
        self.ready = True
        if self.options.faults.die_after_s is not None:
            asyncio.get_running_loop().call_later(self.options.faults.die_after_s, self.engine.die, faults.ENGINE_DEATH)

    def _say_configuration(self) -> None:
        options, limits = self.options, self.options.limits
        self.metrics.information(
            "cache_config_info",
            "Information of the LLMEngine CacheConfig",
            {
                "block_size": str(limits.block_tokens),
                "cache_dtype": "auto",
                "enable_prefix_caching": str(limits.prefix_caching),
                "gpu_memory_utilization": str(options.gpu_memory_utilization),
                "num_gpu_blocks": str(limits.kv_blocks),
                "engine": "0",
            },
        )
        self.show_adapters()
        self.metrics.information(
            "info",
            "What is simulated; times in all metrics are as clients measure them, time_factor faster than the real.",
            {"time_factor": f"{options.pace.time_factor:g}", **(options.hardware or {})},
            prefix="sextant_simulator_",
        )
