"""`POST /v1/responses`: the newer interface, mapped onto a chat."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from tools.simulator.chat import last_said, rendered
from tools.simulator.errors import ApiError
from tools.simulator.generation import Generation, Prompt, Reply, compact
from tools.simulator.http import Exchange
from tools.simulator.replies import chosen_tool, text_reply, tool_reply
from tools.simulator.requests import ChatRequest, Message, ResponsesRequest, ResponseTool
from tools.simulator.server import Server


async def responses(server: Server, exchange: Exchange) -> None:
    """Answer a responses request."""
    body = server.read(exchange, ResponsesRequest)
    generation = server.generation(exchange, "resp", body.model)
    chat = _as_chat(body)
    prompt = server.prompt(rendered(chat.messages, chat.tools), generation.adapter)
    limit = server.output_limit(prompt, body.max_output_tokens)
    asked, rng = last_said(chat.messages), server.reply_rng(None, 0)
    tool = chosen_tool(chat, asked)
    reply = tool_reply(server, tool, rng, limit) if tool else text_reply(server, chat, asked, rng, limit)
    server.metrics.params_n.observe(1)
    server.metrics.params_max_tokens.observe(body.max_output_tokens or limit)
    server.metrics.max_generation.observe(limit)
    if not body.stream:
        generation.add(prompt, reply)
        await generation.run()
        exchange.respond_json(200, _response(body, generation, generation.said(0)))
        return
    await _Stream(exchange, body, generation).run(prompt, reply)


class _Stream:
    """The numbered events of one streamed response."""

    def __init__(self, exchange: Exchange, body: ResponsesRequest, generation: Generation) -> None:
        self._exchange = exchange
        self._body = body
        self._generation = generation
        self._number = 0

    async def run(self, prompt: Prompt, reply: Reply) -> None:
        """Send everything from `response.created` to `response.completed`."""
        self._generation.add(prompt, reply, self._emitter(reply))
        self._exchange.start("text/event-stream; charset=utf-8")
        begun = _response(self._body, self._generation, None)
        self._send("response.created", response=begun)
        self._send("response.in_progress", response=begun)
        try:
            await self._generation.run()
        except ApiError as error:
            failed = {**begun, "status": "failed", "error": {"code": "server_error", "message": error.message}}
            self._send("response.failed", response=failed)
        else:
            self._finish(self._generation.said(0))
        self._exchange.end()

    def _emitter(self, reply: Reply) -> Callable[[int], None]:
        item, where = _item(self._generation, reply), self._where(reply)
        empty: dict[str, Any] = {"arguments": ""} if reply.tool else {"content": []}

        def emit(position: int) -> None:
            if not position:
                begun = {**item, "status": "in_progress", **empty}
                self._send("response.output_item.added", output_index=0, item=begun)
                if not reply.tool:
                    self._send("response.content_part.added", **where, part=_text_part(""))
            if reply.tool:
                self._send("response.function_call_arguments.delta", **where, delta=reply.pieces[position])
            else:
                self._send("response.output_text.delta", **where, delta=reply.pieces[position], logprobs=[])

        return emit

    def _finish(self, reply: Reply) -> None:
        where = self._where(reply)
        if reply.tool:
            self._send("response.function_call_arguments.done", **where, name=reply.tool, arguments=reply.text)
        else:
            self._send("response.output_text.done", **where, text=reply.text, logprobs=[])
            self._send("response.content_part.done", **where, part=_text_part(reply.text))
        self._send("response.output_item.done", output_index=0, item=_item(self._generation, reply))
        final = _response(self._body, self._generation, reply)
        self._send("response.incomplete" if reply.finish_reason == "length" else "response.completed", response=final)

    def _where(self, reply: Reply) -> dict[str, Any]:
        content = {} if reply.tool else {"content_index": 0}
        return {"output_index": 0, "item_id": _item_id(self._generation, reply), **content}

    def _send(self, kind: str, **fields: Any) -> None:
        data = compact({"type": kind, "sequence_number": self._number, **fields})
        self._exchange.write(b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n")
        self._number += 1


def _as_chat(body: ResponsesRequest) -> ChatRequest:
    messages = [Message(role="system", content=body.instructions)] if body.instructions else []
    items = [{"role": "user", "content": body.input}] if isinstance(body.input, str) else body.input
    try:
        messages += [_message(item) for item in items]
        return ChatRequest.model_validate({
            "messages": messages,
            "tools": [_tool(tool) for tool in body.tools or () if tool.type == "function"] or None,
            "tool_choice": _choice(body.tool_choice),
            "response_format": _format(body),
        })  # fmt: skip
    except ValidationError as error:
        raise ApiError(400, f"input: {error.errors(include_url=False)[0]['msg']}", param="input") from error


def _message(item: dict[str, Any]) -> Message:
    if item.get("type") == "function_call_output":
        return Message(role="tool", content=str(item.get("output", "")))
    if item.get("type") == "function_call":
        return Message(role="assistant", tool_calls=[item])
    return Message.model_validate({"role": item.get("role"), "content": item.get("content")})


def _tool(tool: ResponseTool) -> dict[str, Any]:
    return {"function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters}}


def _choice(choice: str | dict[str, Any] | None) -> object:
    return {"function": {"name": choice.get("name")}} if isinstance(choice, dict) else choice


def _format(body: ResponsesRequest) -> dict[str, Any] | None:
    wanted = body.text.format if body.text else None
    return {"type": wanted.type, "json_schema": {"schema": wanted.schema_}} if wanted else None


def _item_id(generation: Generation, reply: Reply) -> str:
    return ("fc_" if reply.tool else "msg_") + generation.name.removeprefix("resp-")


def _item(generation: Generation, reply: Reply) -> dict[str, Any]:
    status = "completed" if reply.finish_reason in ("stop", "tool_calls") else "incomplete"
    item = {"id": _item_id(generation, reply), "status": status}
    if reply.tool:
        call = "call_" + generation.name.removeprefix("resp-")
        return {**item, "type": "function_call", "call_id": call, "name": reply.tool, "arguments": reply.text}
    return {**item, "type": "message", "role": "assistant", "content": [_text_part(reply.text)]}


def _status(reply: Reply) -> str:
    return {"length": "incomplete", "abort": "cancelled"}.get(reply.finish_reason, "completed")


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _response(body: ResponsesRequest, generation: Generation, reply: Reply | None) -> dict[str, Any]:
    """The response object: in progress without a reply, else finished or cut."""
    cut = reply is not None and reply.finish_reason == "length"
    usage = None
    if reply:
        usage = {
            "input_tokens": generation.prompt_tokens,
            "input_tokens_details": {"cached_tokens": generation.cached_tokens, "cache_write_tokens": 0},
            "output_tokens": generation.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": generation.prompt_tokens + generation.output_tokens,
        }
    return {
        "id": generation.name,
        "object": "response",
        "created_at": generation.created_s,
        "model": generation.model,
        "status": _status(reply) if reply else "in_progress",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "metadata": {},
        "output": [_item(generation, reply)] if reply else [],
        "parallel_tool_calls": True,
        "temperature": body.temperature if body.temperature is not None else 1.0,
        "tool_choice": body.tool_choice or "auto",
        "tools": [tool.model_dump(exclude_none=True) for tool in body.tools or ()],
        "top_p": body.top_p if body.top_p is not None else 1.0,
        "usage": usage,
    }
