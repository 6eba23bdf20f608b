"""Sleep mode of the simulator: what ends, what waits, what is lost, and what the metrics say meanwhile."""

import asyncio
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tools.performance.step import StepCost
from tools.scheduler import Limits, Request
from tools.simulator.engine import Engine, Pace, PauseMode, Sequence
from tools.simulator.metrics import Metrics

SEXTANT = str(Path(sys.executable).with_name("sextant"))
FIXED = ("--model", "m", "--ttft-ms", "2", "--tpot-ms", "1", "--port", "0")
ENDLESS = {"prompt": "x", "max_tokens": 30_000, "ignore_eos": True}


class Owner:
    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.cut: int | None = None

    def finished(self, sequence: Sequence) -> None:  # noqa: ARG002 - the engine tells which; there is one
        self.done.set()

    def cut_short(self, sequence: Sequence) -> None:
        self.cut = sequence.request.generated_tokens
        self.done.set()

    def failed(self, message: str) -> None:
        raise AssertionError(message)


class Scene:
    """An engine of 1 ms iterations and one sequence that has begun."""

    def __init__(self, tokens: int) -> None:
        pace = Pace(StepCost((1,), (1.0,), 0.0, 0.0, 0.0))
        rng = random.Random(0)  # noqa: S311 - simulation, not secrets
        self.engine = Engine(Limits(prefix_caching=True), pace, Metrics("m", max_model_len=4096), rng)
        self.tokens: list[int] = []
        self.begun = asyncio.Event()
        self.owner = self.ask(tokens, self._emit)

    def _emit(self, position: int) -> None:
        self.tokens.append(position)
        self.begun.set()

    def ask(self, tokens: int, emit: Any = None) -> Owner:
        owner = Owner()
        request = Request(0, 40, tokens, 0.0, (b"first", b"second"))
        self.engine.submit(Sequence("s", request, owner, "length", emit))
        return owner


def test_what_is_under_way_is_cut_short_and_what_comes_later_waits() -> None:
    async def scene() -> None:
        made = Scene(100_000)
        await made.begun.wait()
        await made.engine.sleep(1, "abort")
        assert made.owner.cut == len(made.tokens)
        assert made.engine.metrics.success["abort"].value == 1
        assert made.engine.scheduler.blocks.used == 0
        late = made.ask(3)
        await asyncio.sleep(0.02)
        assert not late.done.is_set()
        assert made.engine.metrics.waiting.value == 1
        made.engine.wake(frozenset())
        await late.done.wait()
        assert made.engine.schedule[-1].output_tokens == 3

    asyncio.run(scene())


def test_running_sequences_may_finish_before_the_engine_sleeps() -> None:
    async def scene() -> None:
        made = Scene(30)
        await made.begun.wait()
        sleeping = asyncio.create_task(made.engine.sleep(2, "wait"))
        await asyncio.sleep(0)
        late = made.ask(1)
        await sleeping
        await made.owner.done.wait()
        assert made.owner.cut is None
        assert len(made.tokens) == 30
        assert not late.done.is_set()
        made.engine.wake(frozenset())
        await late.done.wait()

    asyncio.run(scene())


@pytest.mark.parametrize(("level", "preemptions"), [(0, 0), (1, 1)])
def test_frozen_sequences_go_on_and_are_computed_again_if_their_cache_was_lost(level: int, preemptions: int) -> None:
    async def scene() -> None:
        made = Scene(50)
        await made.begun.wait()
        await made.engine.sleep(level, "keep")
        assert not made.owner.done.is_set()
        made.engine.wake(frozenset())
        await made.owner.done.wait()
        assert made.tokens == list(range(50))
        assert made.engine.metrics.request_preemptions.total == preemptions

    asyncio.run(scene())


def test_sleep_from_level_one_on_loses_cached_prefixes() -> None:
    async def scene(level: int) -> float:
        made = Scene(1)
        await made.owner.done.wait()
        await made.engine.sleep(level, "abort")
        made.engine.wake(frozenset())
        await made.ask(1).done.wait()
        return made.engine.metrics.prefix_hits.value

    assert asyncio.run(scene(0)) == 32
    assert asyncio.run(scene(1)) == 0


@pytest.mark.parametrize("mode", ["abort", "wait", "keep"])
def test_an_idle_engine_sleeps_at_once_and_wakes_in_parts(mode: PauseMode) -> None:
    async def scene() -> None:
        made = Scene(1)
        await made.owner.done.wait()
        await made.engine.sleep(1, mode)
        made.engine.wake(frozenset({"weights"}))
        late = made.ask(1)
        await asyncio.sleep(0.01)
        assert not late.done.is_set()
        made.engine.wake(frozenset({"kv_cache"}))
        await late.done.wait()

    asyncio.run(scene())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with subprocess.Popen(
        [SEXTANT, "simulator", *FIXED, "--enable-sleep-mode"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().rsplit(" ", 1)[1].strip()
        process.kill()


def asleep(url: str) -> tuple[bool, dict[str, str]]:
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    states = [line.rsplit('sleep_state="', 1)[1] for line in lines if line.startswith("vllm:engine_sleep_state{")]
    return httpx.get(f"{url}/is_sleeping").json()["is_sleeping"], dict(state.split('"} ') for state in states)


def test_the_endpoints_tell_and_change_the_state(url: str) -> None:
    awake = {"awake": "1.0", "weights_offloaded": "0.0", "discard_all": "0.0"}
    assert asleep(url) == (False, awake)
    assert httpx.post(f"{url}/sleep").status_code == 200
    assert asleep(url) == (True, {"awake": "0.0", "weights_offloaded": "1.0", "discard_all": "0.0"})
    assert httpx.post(f"{url}/sleep?level=2").status_code == 200
    assert asleep(url) == (True, {"awake": "0.0", "weights_offloaded": "0.0", "discard_all": "1.0"})
    assert httpx.get(f"{url}/health").status_code == 200
    assert httpx.post(f"{url}/wake_up?tags=weights").status_code == 200
    assert asleep(url)[0]
    assert httpx.post(f"{url}/wake_up?tags=kv_cache").status_code == 200
    assert asleep(url) == (False, awake)


@pytest.mark.parametrize("target", ["/sleep?level=3", "/sleep?level=x", "/sleep?mode=nap", "/wake_up?tags=bed"])
def test_states_that_make_no_sense_are_refused(url: str, target: str) -> None:
    assert httpx.post(f"{url}{target}").status_code == 400
    assert not asleep(url)[0]


@pytest.mark.parametrize("path", ["completions", "chat/completions"])
def test_a_stream_that_sleep_ends_says_so(url: str, path: str) -> None:
    body = {**ENDLESS, "messages": [{"role": "user", "content": "x"}], "stream": True}
    with httpx.Client(timeout=60) as client, client.stream("POST", f"{url}/v1/{path}", json=body) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("data: ")
        httpx.post(f"{url}/sleep")
        ended = [line for line in lines if line]
    httpx.post(f"{url}/wake_up")
    assert '"finish_reason":"abort"' in ended[-2]
    assert ended[-1] == "data: [DONE]"


@pytest.mark.parametrize("path", ["completions", "chat/completions"])
def test_a_whole_answer_that_sleep_ends_holds_what_there_was(url: str, path: str) -> None:
    body = {**ENDLESS, "messages": [{"role": "user", "content": "x"}]}
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(httpx.post(f"{url}/v1/{path}", json=body, timeout=60)))
    asking.start()
    while asking.is_alive():
        if 'vllm:num_requests_running{model_name="m",engine="0"} 1.0' in httpx.get(f"{url}/metrics").text:
            httpx.post(f"{url}/sleep")
            break
    asking.join()
    httpx.post(f"{url}/wake_up")
    (answer,) = answers
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["finish_reason"] == "abort"


def test_a_request_to_a_sleeping_engine_is_answered_when_it_wakes(url: str) -> None:
    httpx.post(f"{url}/sleep")
    answers: list[httpx.Response] = []
    body = {"prompt": "x", "max_tokens": 3}
    asking = threading.Thread(target=lambda: answers.append(httpx.post(f"{url}/v1/completions", json=body, timeout=60)))
    asking.start()
    while 'vllm:num_requests_waiting{model_name="m",engine="0"} 1.0' not in httpx.get(f"{url}/metrics").text:
        assert asking.is_alive()
    httpx.post(f"{url}/wake_up")
    asking.join()
    assert answers[0].json()["usage"]["completion_tokens"] == 3


def test_without_the_flag_there_is_no_sleep() -> None:
    with subprocess.Popen([SEXTANT, "simulator", *FIXED], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().rsplit(" ", 1)[1].strip()
        answers = [httpx.post(f"{url}/sleep"), httpx.post(f"{url}/wake_up"), httpx.get(f"{url}/is_sleeping")]
        process.kill()
    assert [answer.status_code for answer in answers] == [404, 404, 404]
