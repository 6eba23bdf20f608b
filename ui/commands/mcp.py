"""`sextant mcp`: the tools for other agents."""


def mcp() -> None:
    """Serve plan, compare, predict, catalog and invoice over the Model Context Protocol (standard input and output)."""
    import asyncio
    from importlib.metadata import version

    from ui.mcp.desk import open_desk
    from ui.mcp.server import serve
    from ui.settings import read_settings

    asyncio.run(serve(open_desk(read_settings()), version("sextant")))
