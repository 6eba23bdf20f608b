"""HTTP/1.1 for many token streams on one core: h11 reads and frames, body chunks of a stream are written directly.

A server framework spends some 50 µs per chunk on tasks and queues; at 20,000 tokens per second that is a whole core.
Here an engine step writes each token's chunk straight to its socket.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

import h11

MAX_BODY_BYTES = 16 << 20
_IDLE_S = 75.0
_LAGGARD_BUFFER_BYTES = 16 << 20  # a client that reads this far behind is cut off

Handler = Callable[["Exchange"], Awaitable[None]]


class Gone(Exception):
    """The client closed the connection before it had its answer."""


class Exchange:
    """One request and the way to answer it: `respond` once, or `start`, `write`…, `end`."""

    def __init__(self, connection: "Connection", request: h11.Request, body: bytes) -> None:
        self.method = request.method.decode("ascii")
        target = urlsplit(request.target.decode("ascii", "replace"))
        self.path = unquote(target.path)
        self.query: Mapping[str, list[str]] = parse_qs(target.query)
        self.headers: Mapping[str, str] = {
            name.decode("ascii").lower(): value.decode("latin-1") for name, value in request.headers
        }
        self.body = body
        self.gone = False
        self.on_gone: Callable[[], None] | None = None
        self.started = False
        self._connection = connection

    def respond(self, status: int, body: bytes, content_type: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Send a whole response."""
        self._head(status, (("content-type", content_type), ("content-length", str(len(body))), *headers))
        self._connection.send(h11.Data(data=body if self.method != "HEAD" else b""))
        self.end()

    def respond_json(self, status: int, value: object) -> None:
        """Send a whole response as JSON."""
        self.respond(status, json.dumps(value, separators=(",", ":")).encode(), "application/json")

    def start(self, content_type: str) -> None:
        """Begin a streamed response."""
        self._head(200, (("content-type", content_type), ("cache-control", "no-cache"), ("x-accel-buffering", "no")))

    def write(self, data: bytes) -> None:
        """Send one piece of a streamed response, at once."""
        self._connection.write_chunk(data)

    def end(self) -> None:
        """Finish the response."""
        if not self.gone:
            self._connection.finish()

    def drop(self) -> None:
        """Close the connection without finishing."""
        self._connection.close()

    def _head(self, status: int, headers: tuple[tuple[str, str], ...]) -> None:
        self.started = True
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
        self._connection.send(h11.Response(status_code=status, headers=list(headers), reason=reason.encode()))


class Connection(asyncio.Protocol):
    """One client connection; requests on it are answered one after the other."""

    def __init__(self, handler: Handler, open_connections: "set[Connection]") -> None:
        self._handler = handler
        self._open = open_connections
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=64 << 10)
        self._transport: asyncio.Transport | None = None
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._exchange: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._chunked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's contract for stream servers
        self._transport = transport
        self._open.add(self)
        self._wait_for_request()

    def data_received(self, data: bytes) -> None:
        try:
            self._h11.receive_data(data)
        except h11.RemoteProtocolError:
            self.close()
            return
        self._advance()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the name is asyncio's
        self._open.discard(self)
        self._transport = None
        if self._idle:
            self._idle.cancel()
        exchange = self._exchange
        if exchange:
            exchange.gone = True
            if exchange.on_gone:
                exchange.on_gone()

    def send(self, event: h11.Event) -> None:
        """Frame and send an event of the response."""
        if isinstance(event, h11.Response):
            self._chunked = all(name != b"content-length" for name, _ in event.headers) and self._is_http_1_1()
        data = self._h11.send(event)
        if data and self._transport:
            self._transport.write(data)

    def write_chunk(self, data: bytes) -> None:
        """Send a piece of a streamed body, bypassing h11, whose chunked framing keeps no state."""
        transport = self._transport
        if transport is None:
            return
        transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        if transport.get_write_buffer_size() > _LAGGARD_BUFFER_BYTES:
            transport.abort()

    def finish(self) -> None:
        """End the response and turn to the next request."""
        if self._transport is None:
            return
        self.send(h11.EndOfMessage())
        self._exchange = None
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            self._wait_for_request()
            self._advance()
        else:
            self.close()

    def close(self) -> None:
        """Close after what was written is sent."""
        if self._transport:
            self._transport.close()

    def _is_http_1_1(self) -> bool:
        return self._h11.their_http_version == b"1.1"

    def _wait_for_request(self) -> None:
        self._request = None
        self._body = bytearray()
        self._idle = asyncio.get_running_loop().call_later(_IDLE_S, self.close)

    def _advance(self) -> None:
        while self._transport and not self._transport.is_closing():
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as error:
                self._refuse(error.error_status_hint or 400, f"not valid HTTP: {error}")
                return
            if event is h11.NEED_DATA:
                if self._h11.they_are_waiting_for_100_continue:
                    self.send(h11.InformationalResponse(status_code=100, headers=[]))
                return
            if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                if event is not h11.PAUSED:
                    self.close()
                return
            self._take(event)

    def _take(self, event: object) -> None:
        if isinstance(event, h11.Request):
            self._request = event
        elif isinstance(event, h11.Data):
            self._body += event.data
            if len(self._body) > MAX_BODY_BYTES:
                self._refuse(413, f"the request body exceeds {MAX_BODY_BYTES >> 20} MiB")
        elif isinstance(event, h11.EndOfMessage) and self._request:
            if self._idle:
                self._idle.cancel()
            self._exchange = Exchange(self, self._request, bytes(self._body))
            self._task = asyncio.ensure_future(self._handler(self._exchange))

    def _refuse(self, status: int, message: str) -> None:
        """Answer what is no request (so has no handler), and close."""
        error = {"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}}
        body = json.dumps(error).encode()
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.send(h11.Response(status_code=status, headers=headers))
            self.send(h11.Data(data=body))
            self.send(h11.EndOfMessage())
        self.close()
