"""The simulator through Anthropic's genuine client."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import anthropic
import httpx
import pytest

SEXTANT = str(Path(sys.executable).with_name("sextant"))
WEATHER: Any = {
    "name": "get_weather",
    "description": "Weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}

StartSimulator = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="module")
def url(start_simulator: StartSimulator) -> Iterator[str]:
    with start_simulator("--model", "m", "--ttft-ms", "2", "--tpot-ms", "0.5", "--max-model-len", "4096") as address:
        yield address


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=url, api_key="none", max_retries=0) as client:
        yield client


def ask(client: anthropic.Anthropic, content: Any, **options: Any) -> Any:
    given = {"model": "m", "max_tokens": 400, "messages": [{"role": "user", "content": content}], **options}
    return client.messages.create(**given)


def test_a_message_is_answered_and_counted(client: anthropic.Anthropic) -> None:
    answer = ask(client, "What is a GPU?", system="Be brief.")
    assert (answer.type, answer.role, answer.model, answer.stop_reason) == ("message", "assistant", "m", "end_turn")
    assert answer.content[0].text.endswith(".")
    counted = client.messages.count_tokens(
        model="m", system="Be brief.", messages=[{"role": "user", "content": "What is a GPU?"}]
    )
    assert answer.usage.input_tokens == counted.input_tokens


def test_a_limit_ends_the_answer(client: anthropic.Anthropic) -> None:
    answer = ask(client, "Tell me more", max_tokens=5)
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 5


def test_a_stream_adds_up_to_its_message(client: anthropic.Anthropic) -> None:
    with client.messages.stream(
        model="m", max_tokens=37, messages=[{"role": "user", "content": [{"type": "text", "text": "Tell me more"}]}]
    ) as stream:
        events = [event.type for event in stream]
        final = stream.get_final_message()
    raw = [kind for kind in events if kind.startswith(("message", "content_block"))]
    assert raw[:2] == ["message_start", "content_block_start"]
    assert raw[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert raw.count("content_block_delta") == final.usage.output_tokens == 37
    assert final.stop_reason == "max_tokens"
    assert final.content[0].type == "text"


def test_tools_are_called_and_their_results_answered(client: anthropic.Anthropic) -> None:
    asked = {"role": "user", "content": "How is the weather in Rome?"}
    answer = ask(client, "", messages=[asked], tools=[WEATHER])
    (call,) = answer.content
    assert (call.type, call.name, answer.stop_reason) == ("tool_use", "get_weather", "tool_use")
    assert call.input["city"]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "sunny"}]}
    turns = [asked, {"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
    assert ask(client, "", messages=turns, tools=[WEATHER]).content[0].type == "text"


def test_a_streamed_call_arrives_in_pieces(client: anthropic.Anthropic) -> None:
    with client.messages.stream(
        model="m",
        max_tokens=100,
        messages=[{"role": "user", "content": "x"}],
        tools=[WEATHER],
        tool_choice={"type": "any"},
    ) as stream:
        (call,) = stream.get_final_message().content
    assert call.type == "tool_use"
    assert call.input


def test_json_answers_fit_their_schema(client: anthropic.Anthropic) -> None:
    wanted = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    answer = ask(client, "Data", extra_body={"output_config": {"format": {"type": "json_schema", "schema": wanted}}})
    assert isinstance(json.loads(answer.content[0].text)["n"], int)


def test_errors_have_the_interfaces_shape(client: anthropic.Anthropic, url: str) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        ask(client, "hi", model="other")
    message = "The model `other` does not exist."
    assert caught.value.body == {"type": "error", "error": {"type": "NotFoundError", "message": message}}
    with pytest.raises(anthropic.BadRequestError, match="maximum context length"):
        ask(client, "word " * 5000)
    with pytest.raises(anthropic.BadRequestError, match="must not be empty"):
        ask(client, "", messages=[])
    with pytest.raises(anthropic.BadRequestError, match=r"function\.name"):
        ask(client, "hi", tools=[WEATHER], tool_choice={"type": "tool"})
    with pytest.raises(anthropic.RateLimitError):
        ask(client, "hi", extra_headers={"X-Return-Error": "429"})
    assert httpx.post(f"{url}/v1/messages", json={"model": "m"}).json()["error"]["type"] == "BadRequestError"
