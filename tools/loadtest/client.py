"""Sends requests to one endpoint over reused connections and names what goes wrong."""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from http import HTTPStatus

from tools.loadtest.answer import Answer
from tools.loadtest.connection import Connection, connect
from tools.loadtest.permission import Endpoint


@dataclass(frozen=True, slots=True)
class Exchange:
    """One finished exchange: the answer, when it was complete (loop time), and the kind of error, empty when none.

    Kinds: `refused` `unknown_host` `tls` `timeout` `cut` (the connection broke) `malformed` `http_NNN` `incomplete`
    (the stream ended early) `empty` (no token) `stream_error`.
    """

    answer: Answer
    ended_s: float
    error: str = ""
    detail: str = ""


class Client:
    """Keeps idle connections to one endpoint. Not a general HTTP client: see `connection`."""

    def __init__(self, endpoint: Endpoint, *, api_key: str | None = None) -> None:
        self.endpoint = endpoint
        self._idle: list[Connection] = []
        host = endpoint.url.split("//", 1)[1].split("/", 1)[0]
        authorization = f"Authorization: Bearer {api_key}\r\n" if api_key else ""
        self._headers = f"Host: {host}\r\nAccept: */*\r\nUser-Agent: sextant-validate\r\n{authorization}"

    async def complete(self, body: bytes, *, chat: bool, until_s: float) -> Exchange:
        """One completion, given up at loop time `until_s`. Only cancellation is raised."""
        path = f"{self.endpoint.base_path}/v1/{'chat/' if chat else ''}completions"
        head = f"POST {path} HTTP/1.1\r\n{self._headers}Content-Type: application/json\r\nContent-Length: {len(body)}"
        answer = Answer()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(until_s):
                status = await self._send(f"{head}\r\n\r\n".encode() + body, answer)
        except TimeoutError:
            return Exchange(answer, loop.time(), "timeout", "no complete answer in time")
        except ssl.SSLError as error:
            return Exchange(answer, loop.time(), "tls", str(error))
        except ConnectionRefusedError:
            return Exchange(answer, loop.time(), "refused", f"nothing listens on {self.endpoint.url}")
        except socket.gaierror:
            return Exchange(answer, loop.time(), "unknown_host", f"{self.endpoint.host} is unknown")
        except OSError as error:
            return Exchange(answer, loop.time(), "cut", str(error))
        except ValueError as error:
            return Exchange(answer, loop.time(), "malformed", f"not an answer of an OpenAI-compatible server: {error}")
        return _judged(answer, status, loop.time())

    def close(self) -> None:
        """Drop all idle connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    async def _send(self, request: bytes, answer: Answer) -> int:
        """A server may close an idle connection just as it is used again; then, and only then, try a new one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                try:
                    return await self._exchange(connection, request, answer)
                except ConnectionError:
                    if connection.heard_anything:
                        raise
        return await self._exchange(await connect(self.endpoint), request, answer)

    async def _exchange(self, connection: Connection, request: bytes, answer: Answer) -> int:
        status = await connection.exchange(request, answer.feed)
        if connection.reusable:
            self._idle.append(connection)
        return status


def _judged(answer: Answer, status: int, now: float) -> Exchange:
    if status != HTTPStatus.OK:
        return Exchange(answer, now, f"http_{status}", answer.excerpt)
    try:
        answer.whole(now)
    except ValueError as error:
        return Exchange(answer, now, "malformed", str(error))
    if answer.streamed_error:
        return Exchange(answer, now, "stream_error", answer.streamed_error)
    if not answer.finished:
        return Exchange(answer, now, "incomplete", "the stream ended before its end mark")
    if answer.first_token_s is None:
        return Exchange(answer, now, "empty", "the answer held no token")
    return Exchange(answer, now)
