"""What each choice answers: text of the use case, an echo, JSON that fits a schema, or a tool call."""

import json
import random
import re
from collections.abc import Sequence

from tools.simulator import answers, schema
from tools.simulator.errors import ApiError
from tools.simulator.generation import Reply
from tools.simulator.requests import ChatRequest, NamedTool, Sampling, Tool
from tools.simulator.server import Server

_WORD = re.compile(r"[a-z]{3,}")


def text_reply(server: Server, body: Sampling, asked: str, rng: random.Random, limit: int) -> Reply:
    """An answer in words to `asked`, the last thing the user said."""
    if body.response_format and body.response_format.type != "text":
        wanted = body.response_format.json_schema or {}
        return json_reply(server, wanted.get("schema"), rng, limit)
    tokenizer = server.options.tokenizer
    at_least = limit if body.ignore_eos else min(body.min_tokens, limit)
    if server.options.echo:
        whole = answers.cut(tokenizer.pieces(asked) or [""], limit)
    elif server.options.dataset:
        known = tokenizer.pieces(server.options.dataset.answer(asked, rng))
        whole = answers.padded(known, tokenizer, rng, at_least=at_least, at_most=limit)
    else:
        whole = answers.answer(answers.kind_of(asked), tokenizer, rng, at_least=at_least, at_most=limit)
    whole = answers.stopped(whole, body.stops)
    return Reply(whole.pieces, whole.finish_reason)


def json_reply(server: Server, wanted: object, rng: random.Random, limit: int) -> Reply:
    """JSON that conforms to the schema `wanted`, or an object of our own when none is given."""
    try:
        value = schema.instance(wanted, rng) if wanted else {"answer": "yes", "confidence": 0.9}
    except schema.UnsupportedSchema as error:
        raise ApiError(400, f"The JSON schema cannot be met: {error}", param="response_format") from error
    whole = answers.cut(server.options.tokenizer.pieces(json.dumps(value)), limit)
    return Reply(whole.pieces, whole.finish_reason)


def tool_reply(server: Server, tool: Tool, rng: random.Random, limit: int) -> Reply:
    """A call to `tool` with arguments that fit its parameters."""
    try:
        arguments = schema.instance(tool.function.parameters or {"type": "object"}, rng)
    except schema.UnsupportedSchema as error:
        name = tool.function.name[:80]
        raise ApiError(400, f"The parameters of tool {name!r} cannot be met: {error}", param="tools") from error
    whole = answers.cut(server.options.tokenizer.pieces(json.dumps(arguments)), limit)
    return Reply(whole.pieces, "length" if whole.finish_reason == "length" else "tool_calls", tool.function.name)


def chosen_tool(body: ChatRequest, asked: str) -> Tool | None:
    """The tool to call: the named one, the first when one is required, or under `auto` the one that `asked` is about.

    Under `auto` a tool is called when the user's words share one with its name or description; after a tool's result
    the answer is text. That is a rule, not a model's judgement, so that clients' tool loops end.
    """
    tools = body.tools or []
    choice = body.tool_choice or ("auto" if tools else "none")
    if not tools and choice != "none" and body.tool_choice is not None:
        raise ApiError(400, "When using `tool_choice`, `tools` must be set.", param="tool_choice")
    if isinstance(choice, NamedTool):
        named = next((tool for tool in tools if tool.function.name == choice.function.name), None)
        if named is None:
            raise ApiError(400, f"tool_choice names {choice.function.name[:80]!r}, which is not in tools.",
                           param="tool_choice")  # fmt: skip
        return named
    if choice == "required" and tools:
        return _closest(tools, asked) or tools[0]
    if choice == "auto" and body.messages[-1].role == "user":
        return _closest(tools, asked)
    return None


def _closest(tools: Sequence[Tool], asked: str) -> Tool | None:
    said = set(_WORD.findall(asked.lower()))
    best = max(tools, key=lambda tool: len(said & _words_about(tool)), default=None)
    return best if best and said & _words_about(best) else None


def _words_about(tool: Tool) -> set[str]:
    return set(_WORD.findall(f"{tool.function.name.replace('_', ' ')} {tool.function.description or ''}".lower()))
