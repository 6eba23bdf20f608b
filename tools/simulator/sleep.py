"""`POST /sleep`, `POST /wake_up`, `GET /is_sleeping`: vLLM's sleep mode, served with `--enable-sleep-mode`.

As in vLLM 0.33 (`EngineCore.pause_scheduler`), requests that come while the engine sleeps wait until it wakes. Falling
asleep and waking take no time here.
"""

from collections.abc import Mapping
from typing import get_args

from tools.simulator.engine import PauseMode
from tools.simulator.errors import ApiError
from tools.simulator.http import Exchange
from tools.simulator.server import Endpoint, Server

_LEVELS = {"0": 0, "1": 1, "2": 2}
_MODES: Mapping[str, PauseMode] = {mode: mode for mode in get_args(PauseMode)}
_TAGS = ("weights", "kv_cache", "scheduling")


async def sleep(server: Server, exchange: Exchange) -> None:
    """`POST /sleep?level=1&mode=abort`: answered when the engine sleeps."""
    server.check_ready()
    level = _LEVELS.get(exchange.query.get("level", ["1"])[-1])
    mode = _MODES.get(exchange.query.get("mode", ["abort"])[-1])
    if level is None or mode is None:
        raise ApiError(400, "level must be 0, 1 or 2, and mode abort, wait or keep", param="level")
    await server.engine.sleep(level, mode)
    exchange.respond(200, b"", "text/plain")


async def wake_up(server: Server, exchange: Exchange) -> None:
    """`POST /wake_up?tags=weights&tags=kv_cache`: without tags, all wakes."""
    server.check_ready()
    tags = exchange.query.get("tags", [])
    if any(tag not in _TAGS for tag in tags):
        raise ApiError(400, f"tags must be among {', '.join(_TAGS)}", param="tags")
    server.engine.wake(frozenset(tags))
    exchange.respond(200, b"", "text/plain")


async def is_sleeping(server: Server, exchange: Exchange) -> None:
    """`GET /is_sleeping`."""
    server.check_ready()
    exchange.respond_json(200, {"is_sleeping": server.engine.pause is not None})


SLEEP_ROUTES: Mapping[tuple[str, str], Endpoint] = {
    ("POST", "/sleep"): sleep,
    ("POST", "/wake_up"): wake_up,
    ("GET", "/is_sleeping"): is_sleeping,
}
