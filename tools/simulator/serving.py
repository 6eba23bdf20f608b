"""A simulated server as a process: bind, announce, serve until told to stop, leave no orphan."""

import asyncio
import errno
import os
import signal
import socket
import ssl
from collections.abc import Callable

from knowledge.errors import BadInput
from tools.simulator.endpoints import ROUTES
from tools.simulator.http import Connection
from tools.simulator.server import Options, Server
from tools.simulator.sleep import SLEEP_ROUTES

_PARENT_POLL_S = 0.5


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, or one clear line about why not. Port 0 picks a free one."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(address[0], socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else no TCP_NODELAY
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address[4])
        listener.listen(4096)
    except OverflowError:
        raise BadInput(f"port {port} is not between 0 and 65535", field="port") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BadInput(
                f"port {port} on {host} is in use", "choose another with --port, or --port 0 for a free one",
                field="port",
            ) from None  # fmt: skip
        raise BadInput(f"cannot listen on {host}:{port}: {error.strerror or error}", field="host") from None
    return listener


def serve(
    options: Options,
    listener: socket.socket,
    *,
    announce: Callable[[str], None],
    parent_pid: int | None = None,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serve until SIGINT, SIGTERM, or the end of process `parent_pid`; then close what is open and return."""
    asyncio.run(_serve(options, listener, announce, parent_pid, tls))


async def _serve(
    options: Options,
    listener: socket.socket,
    announce: Callable[[str], None],
    parent_pid: int | None,
    tls: ssl.SSLContext | None,
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    application = Server(options, {**ROUTES, **SLEEP_ROUTES} if options.sleep_mode else ROUTES)
    connections: set[Connection] = set()
    server = await loop.create_server(
        lambda: Connection(application.handle, connections), sock=listener, backlog=4096, ssl=tls
    )
    watch = asyncio.create_task(_watch(parent_pid, stop)) if parent_pid else None
    host, port = listener.getsockname()[:2]
    announce(f"{'https' if tls else 'http'}://{'[' + host + ']' if ':' in host else host}:{port}")
    await stop.wait()
    if watch:
        watch.cancel()
    server.close()
    for connection in tuple(connections):
        connection.close()


async def _watch(parent_pid: int, stop: asyncio.Event) -> None:
    """Stop when the parent is gone; polling is portable, and `getppid` changes even if nobody reaps it."""
    child = os.getppid() == parent_pid
    while os.getppid() == parent_pid if child else _alive(parent_pid):  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(_PARENT_POLL_S)
    stop.set()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
