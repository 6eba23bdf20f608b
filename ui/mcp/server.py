"""An MCP server over standard input and output: lists the tools, checks questions, answers, says what failed."""

import asyncio
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
    "predictions come with an interval. Nothing here deploys or changes anything."
)
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

    async def called(name: str, arguments: dict[str, Any]) -> dict[str, Any] | types.CallToolResult:
        tool = known.get(name)
        if tool is None:
            return _failed(f"unknown tool: {name[:80]!r}", f"one of {', '.join(known)}")
        try:
            return await asyncio.to_thread(tool.answer, tool.question.model_validate(arguments), desk)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            field = ".".join(map(str, fault["loc"])) or "arguments"
            return _failed(f"{field}: {fault['msg'].lower()}", "see the tool's input schema")
        except SextantError as error:
            return _failed(error.message, error.cure)
        except Exception:  # the edge of the process: the other side is told that it failed, the log why
            log.exception("the tool %s failed", name)
            return _failed("something went wrong", "the log of the server says more")

    server.list_tools()(listed)  # type: ignore[no-untyped-call]  # mcp leaves its decorators without types
    server.call_tool(validate_input=False)(called)  # its own check would not name the field
    return server


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
    text = f"{message}\n{cure}" if cure else message
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], isError=True)
