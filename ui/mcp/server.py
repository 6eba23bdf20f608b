"""An MCP server over standard input and output: lists the tools, checks questions, answers, says what failed."""

import asyncio
import json
import logging
from typing import Any

from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from pydantic import ValidationError

from knowledge.errors import SextantError
from ui.mcp.desk import Desk
from ui.mcp.tools import TOOLS, Tool

INSTRUCTIONS = (
    "Sextant plans LLM inference: say what is needed and get priced, explained options. Every figure names its source; "
    "predictions come with an interval: pass both on. Units stand at the end of names (_ms, _usd, _rps). Nothing here "
    "deploys or changes anything."
)
SCHEMA = "the tool's input schema says what it may be"
log = logging.getLogger("sextant.mcp")


async def serve(desk: Desk, version: str) -> None:
    """Serve until the other side closes."""
    server = server_of(desk, version)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def server_of(desk: Desk, version: str) -> Server[Any, Any]:
    """A server of the tools over a desk."""
    server: Server[Any, Any] = Server("sextant", version=version, instructions=INSTRUCTIONS)
    known = {tool.name: tool for tool in TOOLS}

    async def listed() -> list[types.Tool]:
        return [_described(tool) for tool in TOOLS]

    async def called(name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        tool = known.get(name)
        if tool is None:
            return _failed(f"unknown tool: {name[:80]!r}", f"one of {', '.join(known)}")
        try:
            answer = await asyncio.to_thread(tool.answer, tool.question.model_validate(arguments), desk)
            text = types.TextContent(type="text", text=json.dumps(answer, ensure_ascii=False, separators=(",", ":")))
            return types.CallToolResult(content=[text], structuredContent=answer)
        except ValidationError as error:
            return _failed(*_fault(error, tool))
        except SextantError as error:
            return _failed(error.message, error.cure or SCHEMA)
        except Exception:  # the edge of the process: the other side is told that it failed, the log why
            log.exception("the tool %s failed", name)
            return _failed("something went wrong", "the log of the server says more")

    server.list_tools()(listed)  # type: ignore[no-untyped-call]  # mcp leaves its decorators without types
    server.call_tool(validate_input=False)(called)  # its own check would not name the field
    return server


def _fault(error: ValidationError, tool: Tool) -> tuple[str, str]:
    """What was wrong first, and what to do."""
    fault = error.errors(include_url=False)[0]
    field = ".".join(map(str, fault["loc"])) or "arguments"
    if fault["type"] == "extra_forbidden":
        return f"{field}: unknown argument", f"one of {', '.join(tool.question.model_fields)}"
    return f"{field}: {fault['msg'][:1].lower()}{fault['msg'][1:]}", SCHEMA


def _described(tool: Tool) -> types.Tool:
    hints = types.ToolAnnotations(
        title=tool.title, readOnlyHint=True, destructiveHint=False, idempotentHint=True, openWorldHint=False
    )
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.text,
        inputSchema=tool.question.model_json_schema(),
        outputSchema=tool.output_schema(),
        annotations=hints,
    )


def _failed(message: str, cure: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=f"{message}\n{cure}")], isError=True)
