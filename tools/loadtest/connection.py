"""One HTTP/1.1 connection for streamed answers, small enough that the load generator is not what is measured.

A general client spends 0.1-0.3 ms on every streamed chunk; at 20,000 tokens per second that is more than a core.
This one knows what an inference server sends: a status, headers, and a body that is chunked, of known length, or ends
with the connection. It follows no redirects.
"""

import asyncio
import ssl
from collections.abc import Callable

from tools.loadtest.permission import Endpoint

MAX_HEAD_BYTES = 65_536
OnBody = Callable[[bytes, float], None]


class ProtocolViolation(ValueError):
    """The server did not speak HTTP/1.1 as expected."""


class Connection(asyncio.Protocol):
    """One exchange at a time. Body bytes go to `on_body` with the moment (loop time) at which they arrived.

    `on_body` may raise ValueError to refuse what it got, which ends the exchange with that error.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._on_body: OnBody = _ignore
        self._done: asyncio.Future[int] | None = None
        self._status = 0
        self._chunked = False
        self._left: int | None = None
        self._in_head = True
        self._keep = True
        self.heard_anything = False
        self.content_type = ""

    @property
    def reusable(self) -> bool:
        """Whether the next request may be sent on it."""
        return self._keep and self._done is None and self._transport is not None and not self._transport.is_closing()

    async def exchange(self, request: bytes, on_body: OnBody) -> int:
        """Send a whole request, hand the body on as it arrives, and return the status when the answer is complete.

        Raises ConnectionError when the connection breaks before that, ValueError on anything unexpected.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("closed before the request")
        self._buffer.clear()
        self._on_body, self._in_head, self.heard_anything = on_body, True, False
        self._done = self._loop.create_future()
        transport.write(request)
        try:
            return await self._done
        except BaseException:
            transport.abort()
            raise
        finally:
            self._done = None

    def close(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio promises it for stream sockets
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._done is None or self._done.done():
            return
        if exc is None and not self._in_head and not self._chunked and self._left is None:
            self._done.set_result(self._status)
        else:
            self._done.set_exception(ConnectionResetError("the server cut the connection"))

    def data_received(self, data: bytes) -> None:
        now = self._loop.time()
        if self._done is None or self._done.done():
            self.close()
            return
        self.heard_anything = True
        self._buffer += data
        try:
            if not self._in_head or self._read_head():
                self._read_body(now)
        except ValueError as violation:
            self._done.set_exception(violation)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise ProtocolViolation("endless headers")
            return False
        lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        version, _, rest = lines[0].partition(b" ")
        if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
            raise ProtocolViolation("no HTTP answer")
        self._status = int(rest[:3])
        if 100 <= self._status < 200:
            return self._read_head()
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])
        }
        self.content_type = headers.get(b"content-type", b"").decode("latin-1")
        self._chunked = b"chunked" in headers.get(b"transfer-encoding", b"").lower()
        length = headers.get(b"content-length")
        if length is not None and not length.isdigit():
            raise ProtocolViolation("bad content length")
        self._left = None if self._chunked or length is None else int(length)
        closes = headers.get(b"connection", b"").lower() == b"close"
        self._keep = not closes and version == b"HTTP/1.1" and (self._chunked or length is not None)
        self._in_head = False
        return True

    def _read_body(self, now: float) -> None:
        if self._chunked:
            self._read_chunks(now)
        elif self._left is None:
            self._hand_on(len(self._buffer), now)
        else:
            self._left -= self._hand_on(min(self._left, len(self._buffer)), now)
            if self._left == 0:
                self._finish()

    def _read_chunks(self, now: float) -> None:
        buffer, position, body = self._buffer, 0, bytearray()
        while (line_end := buffer.find(b"\r\n", position)) >= 0:
            try:
                size = int(bytes(buffer[position:line_end]).partition(b";")[0], 16)
            except ValueError:
                raise ProtocolViolation("bad chunk size") from None
            begin, end = line_end + 2, line_end + 2 + size
            if size == 0:
                if buffer.find(b"\r\n", begin) < 0:
                    break
                self._on_body(bytes(body), now)
                self._finish()
                return
            if len(buffer) < end + 2:
                break
            body += buffer[begin:end]
            position = end + 2
        del buffer[:position]
        if body:
            self._on_body(bytes(body), now)

    def _hand_on(self, size: int, now: float) -> int:
        if size:
            self._on_body(bytes(self._buffer[:size]), now)
            del self._buffer[:size]
        return size

    def _finish(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(self._status)
        if not self._keep:
            self.close()


async def connect(endpoint: Endpoint) -> Connection:
    """A new connection; OSError when there is none to be had."""
    context = ssl.create_default_context() if endpoint.tls else None
    _, connection = await asyncio.get_running_loop().create_connection(
        Connection, endpoint.host, endpoint.port, ssl=context
    )
    return connection


def _ignore(_: bytes, __: float) -> None:
    return
