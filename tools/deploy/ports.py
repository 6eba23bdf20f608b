"""Ports of the loopback address: which are free, and whether something healthy answers."""

import http.client
import socket
from collections.abc import Collection

from knowledge.errors import Unavailable

HOST = "127.0.0.1"
_PORTS_TRIED = 1000


def free_port(first: int, taken: Collection[int] = ()) -> int:
    """The first port from `first` on that nobody listens on and that is not among `taken`."""
    for port in range(first, min(first + _PORTS_TRIED, 65536)):
        if port not in taken and is_free(port):
            return port
    raise Unavailable(f"no free port from {first} on", "stop something, or choose other ports")


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(endpoint: str, timeout_s: float = 2.0) -> bool:
    """Whether `GET /health` says 200."""
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=timeout_s)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
