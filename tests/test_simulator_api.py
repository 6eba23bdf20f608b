"""The simulator as clients see it: the genuine OpenAI client, raw HTTP, and requests that make no sense."""

import http.client
import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionToolParam
from prometheus_client.parser import text_string_to_metric_families

from tools.deploy.vllm_release import VERSION

SEXTANT = str(Path(sys.executable).with_name("sextant"))
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 5}},
            "required": ["city", "days"],
        },
    },
}

StartSimulator = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="module")
def url(start_simulator: StartSimulator) -> Iterator[str]:
    with start_simulator(
        "--model", "test-model", "--ttft-ms", "2", "--tpot-ms", "0.5", "--max-model-len", "4096"
    ) as address:
        yield address


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        yield client


def chat(client: openai.OpenAI, text: str, **options: Any) -> Any:
    return client.chat.completions.create(model="test-model", messages=[{"role": "user", "content": text}], **options)


def test_a_chat_is_answered_and_counted(client: openai.OpenAI) -> None:
    answer = chat(client, "What is a GPU?")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content.endswith(".")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


@pytest.mark.parametrize(
    ("asked", "said"),
    [("Write a python function", "```python"), ("Summarize this text", "points"), ("Hello, please help me", "help")],
)
def test_the_answer_follows_the_use_case(client: openai.OpenAI, asked: str, said: str) -> None:
    assert said in chat(client, asked).choices[0].message.content


def test_usage_equals_the_tokens_streamed(client: openai.OpenAI) -> None:
    chunks = list(chat(client, "Tell me more", stream=True, stream_options={"include_usage": True}, max_tokens=37))
    tokens = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert chunks[-1].usage.completion_tokens == len(tokens) == 37
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[0].choices[0].delta.role == "assistant"


def test_ignoring_the_end_gives_exactly_the_tokens_asked_for(client: openai.OpenAI) -> None:
    answer = chat(client, "hi", max_tokens=300, extra_body={"ignore_eos": True})
    assert answer.usage.completion_tokens == 300
    assert answer.choices[0].finish_reason == "length"


def test_a_stop_string_ends_the_answer_and_is_left_out(client: openai.OpenAI) -> None:
    answer = chat(client, "What is the load?", stop=["depends"], seed=1)
    assert "depends" not in answer.choices[0].message.content
    assert answer.choices[0].message.content.startswith("The short answer")
    assert answer.choices[0].finish_reason == "stop"


def test_a_seed_repeats_the_answer_and_choices_differ(client: openai.OpenAI) -> None:
    first, again = (chat(client, "Tell me", seed=7, n=3) for _ in range(2))
    texts = [choice.message.content for choice in first.choices]
    assert texts == [choice.message.content for choice in again.choices]
    assert len(set(texts)) > 1


def test_log_probabilities_have_their_shape(client: openai.OpenAI) -> None:
    content = chat(client, "hi", logprobs=True, top_logprobs=2, max_tokens=4).choices[0].logprobs.content
    assert len(content) == 4
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in content)
    streamed = list(chat(client, "hi", logprobs=True, max_tokens=4, stream=True))
    assert sum(len(chunk.choices[0].logprobs.content) for chunk in streamed if chunk.choices[0].logprobs) == 4


def test_a_tool_is_called_with_arguments_that_fit(client: openai.OpenAI) -> None:
    answer = chat(client, "How is the weather in Rome?", tools=[WEATHER])
    call = answer.choices[0].message.tool_calls[0]
    assert answer.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_weather"
    assert 1 <= json.loads(call.function.arguments)["days"] <= 5


def test_a_streamed_tool_call_arrives_in_pieces(client: openai.OpenAI) -> None:
    chunks = list(chat(client, "Anything", tools=[WEATHER], tool_choice="required", stream=True))
    calls = [chunk.choices[0].delta.tool_calls[0] for chunk in chunks if chunk.choices[0].delta.tool_calls]
    assert calls[0].function.name == "get_weather"
    assert json.loads("".join(call.function.arguments for call in calls))["city"]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_tools_are_left_alone_when_the_talk_is_of_other_things(client: openai.OpenAI) -> None:
    assert not chat(client, "Tell me a joke", tools=[WEATHER]).choices[0].message.tool_calls
    assert not chat(client, "weather", tools=[WEATHER], tool_choice="none").choices[0].message.tool_calls


def test_json_answers_fit_their_schema(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 3},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 3},
            "inner": {"$ref": "#/$defs/point"},
        },
        "required": ["name", "tags", "inner"],
        "$defs": {"point": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}},
    }
    answer = chat(
        client, "Data", response_format={"type": "json_schema", "json_schema": {"name": "thing", "schema": schema}}
    )
    made = json.loads(answer.choices[0].message.content)
    assert len(made["name"]) >= 3
    assert len(made["tags"]) == 3
    assert set(made["tags"]) <= {"a", "b"}
    assert isinstance(made["inner"]["x"], float)


def test_completions_take_texts_and_tokens_and_echo(client: openai.OpenAI, url: str) -> None:
    several = client.completions.create(model="test-model", prompt=["one", "two"], n=2, max_tokens=3, echo=True)
    assert [choice.text[:3] for choice in several.choices] == ["one", "one", "two", "two"]
    assert several.usage is not None
    assert several.usage.completion_tokens == 12
    tokens = httpx.post(f"{url}/tokenize", json={"prompt": "some words here"}).json()
    again = client.completions.create(model="test-model", prompt=tokens["tokens"], max_tokens=1, echo=True)
    assert again.choices[0].text.startswith("some words here")
    assert again.usage is not None
    assert again.usage.prompt_tokens == tokens["count"]
    streamed = list(client.completions.create(model="test-model", prompt="x", max_tokens=5, stream=True))
    assert len([chunk for chunk in streamed if chunk.choices]) == 5


def test_embeddings_are_unit_vectors_of_their_text(client: openai.OpenAI) -> None:
    first = client.embeddings.create(model="test-model", input=["a", "b", "a"], dimensions=64).data
    assert len(first[0].embedding) == 64
    assert first[0].embedding == first[2].embedding != first[1].embedding
    assert sum(value**2 for value in first[0].embedding) == pytest.approx(1.0, abs=1e-5)
    plain = client.embeddings.create(model="test-model", input="a", dimensions=64, encoding_format="float").data
    assert plain[0].embedding == pytest.approx(first[0].embedding, abs=1e-6)


def test_responses_work_whole_streamed_and_with_tools(client: openai.OpenAI) -> None:
    whole = client.responses.create(model="test-model", input="What is a GPU?", instructions="Be brief.")
    assert whole.status == "completed"
    assert whole.usage is not None
    assert whole.output_text
    events = list(client.responses.create(model="test-model", input="What is a GPU?", stream=True, max_output_tokens=5))
    assert [event.type for event in events].count("response.output_text.delta") == 5
    assert events[0].type == "response.created"
    assert events[-1].type == "response.incomplete"
    tool: Any = {"type": "function", "strict": False, **WEATHER["function"]}
    called = client.responses.create(model="test-model", input="Weather?", tools=[tool]).output[0]
    assert called.type == "function_call"
    assert json.loads(called.arguments)["city"]


def test_models_say_their_context(client: openai.OpenAI, url: str) -> None:
    assert client.models.list().data[0].id == "test-model"
    assert httpx.get(f"{url}/v1/models").json()["data"][0]["max_model_len"] == 4096


def test_errors_have_the_engines_shape(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="`other` does not exist"):
        client.chat.completions.create(model="other", messages=[{"role": "user", "content": "hi"}])
    with pytest.raises(openai.BadRequestError, match="maximum context length is 4096 tokens") as caught:
        chat(client, "word " * 5000)
    assert caught.value.body == {
        "message": caught.value.body["message"],  # type: ignore[index]
        "type": "BadRequestError",
        "param": "input_tokens",
        "code": 400,
    }
    with pytest.raises(openai.BadRequestError, match="is too large: 4096"):
        chat(client, "hi", max_tokens=4096)
    with pytest.raises(openai.BadRequestError, match="tools"):
        chat(client, "hi", tool_choice="required")


def test_small_endpoints_answer(url: str) -> None:
    assert httpx.get(f"{url}/health").status_code == 200
    assert httpx.get(f"{url}/ping").status_code == 200
    assert httpx.get(f"{url}/load").json() == {"server_load": 0}
    assert httpx.get(f"{url}/version").json()["version"] == VERSION
    assert httpx.get(f"{url}/nowhere").status_code == 404
    assert httpx.get(f"{url}/v1/completions").status_code == 405
    assert httpx.post(f"{url}/detokenize", json={"tokens": [3]}).status_code == 400
    ids = httpx.post(f"{url}/tokenize", json={"prompt": "Zwölf Boxkämpfer 😀"}).json()["tokens"]
    assert httpx.post(f"{url}/detokenize", json={"tokens": ids}).json() == {"prompt": "Zwölf Boxkämpfer 😀"}


def test_metrics_keep_their_colon_whatever_the_scraper_accepts(url: str, client: openai.OpenAI) -> None:
    chat(client, "hi", max_tokens=5)
    for accept in ("application/openmetrics-text;version=1.0.0,*/*;q=0.1", "text/plain", "*/*"):
        answer = httpx.get(f"{url}/metrics", headers={"accept": accept})
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "\nvllm:num_requests_running{" in answer.text
        assert "vllm_" not in answer.text


def test_metrics_count_what_was_served(url: str, client: openai.OpenAI) -> None:
    def value(name: str) -> float:
        families = text_string_to_metric_families(httpx.get(f"{url}/metrics").text)
        return sum(sample.value for family in families for sample in family.samples if sample.name == name)

    names = ("vllm:generation_tokens_total", "vllm:request_success_total", "vllm:inter_token_latency_seconds_count")
    before = [value(name) for name in names]
    answer = chat(client, "hi", max_tokens=20)
    after = [value(name) for name in names]
    tokens = answer.usage.completion_tokens
    assert [b - a for a, b in zip(before, after, strict=True)] == [tokens, 1, tokens - 1]


def test_an_equal_prefix_is_found_in_the_cache(client: openai.OpenAI) -> None:
    prompt = "A long shared introduction. " * 30
    chat(client, prompt + "one", max_tokens=1)
    assert chat(client, prompt + "two", max_tokens=1).usage.prompt_tokens_details.cached_tokens >= 128


def test_headers_ask_for_errors(url: str) -> None:
    body = {"prompt": "x", "max_tokens": 1}
    answer = httpx.post(f"{url}/v1/completions", json=body, headers={"X-Return-Error": "429"})
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == 429
    assert httpx.post(f"{url}/v1/completions", json=body, headers={"X-Return-Error": "banana"}).status_code == 400
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{url}/v1/completions", json=body, headers={"X-Simulate-Fault": "disconnect"})


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from([
    "prompt", "messages", "max_tokens", "n", "stream", "stop", "tools", "tool_choice", "response_format", "logprobs",
    "echo", "input", "stream_options", "temperature", "seed", "text", "tokens", "top_logprobs", "min_tokens",
    "system", "stop_sequences", "output_config", "lora_name", "lora_path",
])  # fmt: skip
plausible = {
    "prompt": "hello",
    "messages": [{"role": "user", "content": "weather"}],
    "input": "hello",
    "tokens": [1],
    "max_tokens": 3,
    "max_output_tokens": 3,
    "model": "test-model",
    "lora_name": "tuned",
    "lora_path": "/adapters/tuned",
}


@settings(max_examples=200, deadline=None)
@given(
    path=st.sampled_from([
        "/v1/completions", "/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/tokenize", "/detokenize",
        "/v1/messages", "/v1/messages/count_tokens", "/v1/load_lora_adapter", "/v1/unload_lora_adapter",
    ]),
    changes=st.dictionaries(fields, junk, max_size=3),
    schema=st.none() | st.dictionaries(
        st.sampled_from(["type", "properties", "items", "enum", "minimum", "maximum", "minItems", "allOf", "anyOf",
                         "$ref", "required", "multipleOf", "minLength", "const", "additionalProperties",
                         "format"]), junk),
)  # fmt: skip
def test_no_request_makes_the_server_fail(url: str, path: str, changes: dict[str, Any], schema: Any) -> None:
    body = {**plausible, **changes}
    if schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": schema}}
        body["tools"] = [{"type": "function", "function": {"name": "weather", "parameters": schema}}]
        if path.startswith("/v1/messages"):
            body["tools"] = [{"name": "weather", "input_schema": schema}]
            body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    assert 200 <= status(url, path, json.dumps(body).encode()) < 500


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_make_the_server_fail(url: str, body: bytes) -> None:
    assert 400 <= status(url, "/v1/chat/completions", body) < 500


def test_deeply_nested_json_is_refused(url: str) -> None:
    assert status(url, "/v1/completions", b'{"prompt":' + b"[" * 100_000) == 400


def test_what_is_not_http_is_refused(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as raw:
        raw.sendall(b"GARBAGE\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400")


def status(url: str, path: str, body: bytes) -> int:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    try:
        connection.request("POST", path, body, {"content-type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()
