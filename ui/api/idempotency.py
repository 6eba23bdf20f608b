"""`Idempotency-Key`: a request that is repeated with its key gets the first answer and has its effect once.

As the IETF's draft has it: the same key with another request is 422, a repetition while the first is under way 409.
Answers that changed nothing (4xx, 5xx) are not kept. Larger answers than `MAX_KEPT_BYTES` are of reports, which have
no effect: they are made again.
"""

import asyncio
import hashlib
import json
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from knowledge.records.receipt import ABANDONED_AFTER, Receipt, Receipts
from ui.api.problems import problem

HEADER = "idempotency-key"
PATHS = "/v1/"
MAX_KEY_CHARS = 200
MAX_KEPT_BYTES = 4_000_000
TOUCH_EVERY_S = ABANDONED_AFTER.total_seconds() / 3


class Idempotent:
    """ASGI middleware, behind `Identify`: keys belong to whoever asks."""

    def __init__(self, app: ASGIApp, *, receipts: Receipts) -> None:
        self.app = app
        self.receipts = receipts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from a receipt, refuse, or pass on and keep the answer."""
        key = Headers(scope=scope).get(HEADER) if scope["type"] == "http" else None
        if key is None or scope["method"] != "POST" or not scope["path"].startswith(PATHS):
            await self.app(scope, receive, send)
            return
        if not 0 < len(key) <= MAX_KEY_CHARS or not all("!" <= char <= "~" for char in key):
            refusal = problem(
                422,
                f"Idempotency-Key: 1 to {MAX_KEY_CHARS} printable characters without blanks",
                "a UUID, say",
                "Idempotency-Key",
            )
            await refusal(scope, receive, send)
            return
        who = scope["state"]["principal"].name
        found = await asyncio.to_thread(self.receipts.begin, who, key)
        if found == "begun":
            await self._first(who, key, scope, receive, send)
        elif found == "running":
            title = "a request with this Idempotency-Key is being answered"
            await problem(409, title, "repeat it in a moment", headers={"Retry-After": "2"})(scope, receive, send)
        else:
            await _repeated(found, scope, receive, send)

    async def _first(self, who: str, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Run to the end even when the client goes away: what began will be asked for again."""
        mark, kept = Fingerprint(scope), False
        status, kind, body, size = 0, "", [b""], 0

        async def receiving() -> MutableMapping[str, Any]:
            if mark.whole:
                await asyncio.Event().wait()
            return mark.taken(await receive())

        async def sending(message: Message) -> None:
            nonlocal status, kind, size, kept
            if message["type"] == "http.response.start":
                status, kind = message["status"], Headers(raw=message["headers"]).get("content-type", "")
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
                if size <= MAX_KEPT_BYTES:
                    body.append(message.get("body", b""))
                if not message.get("more_body") and status < 400 and size <= MAX_KEPT_BYTES:
                    answer = Receipt(mark.digest(), status, json.dumps({"content-type": kind}), b"".join(body))
                    await asyncio.to_thread(self.receipts.keep, who, key, answer)
                    kept = True  # before the last byte goes out: a repetition may follow at once
            with suppress(OSError):
                await send(message)

        touching = asyncio.create_task(self._touched(who, key))
        try:
            await self.app(scope, receiving, sending)
        finally:
            touching.cancel()
            if not kept:
                await asyncio.to_thread(self.receipts.drop, who, key)

    async def _touched(self, who: str, key: str) -> None:
        while True:
            await asyncio.sleep(TOUCH_EVERY_S)
            await asyncio.to_thread(self.receipts.touch, who, key)


class Fingerprint:
    """What makes two requests the same: path, query, wanted form and body; the boundary of an upload does not."""

    def __init__(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        kind, _, boundary = headers.get("content-type", "").partition("boundary=")
        self.whole = False
        self._boundary = boundary.strip('" ').encode("latin-1")
        self._tail = b""
        self._sum = hashlib.sha256()
        for part in (scope["path"], scope["query_string"].decode("latin-1"), headers.get("accept", ""), kind):
            self._sum.update(part.encode("utf-8", "replace") + b"\n")

    def taken(self, message: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """The message, counted in."""
        self.whole = not message.get("more_body", False)
        text = self._tail + message.get("body", b"")
        if self._boundary:
            text = text.replace(self._boundary, b"")
        held = 0 if self.whole else max(0, len(self._boundary) - 1)
        self._tail = text[len(text) - held :]
        self._sum.update(text[: len(text) - held])
        return message

    def digest(self) -> str:
        return self._sum.hexdigest()


async def _repeated(receipt: Receipt, scope: Scope, receive: Receive, send: Send) -> None:
    mark = Fingerprint(scope)
    try:
        while not mark.whole:
            mark.taken(await receive())
    except HTTPException as error:  # the body is too large or does not come
        await problem(error.status_code, str(error.detail))(scope, receive, send)
        return
    headers = json.loads(receipt.headers)
    body = _after(Headers(scope=scope).get("last-event-id", ""), receipt.body, headers["content-type"])
    answer: ASGIApp = Response(body, receipt.status, {**headers, "Idempotency-Replayed": "true"})
    if mark.digest() != receipt.fingerprint:
        title = "this Idempotency-Key was used for another request"
        answer = problem(422, title, "choose a new key for a new request", "Idempotency-Key")
    await answer(scope, receive, send)


def _after(seen: str, body: bytes, kind: str) -> bytes:
    """Of a stream of events those that a client has not seen, whose last one was number `seen`; anything else whole."""
    if not kind.startswith("text/event-stream") or not (seen.isascii() and seen.isdecimal()):
        return body
    end = b"\n\n"
    return end.join(body.split(end)[int(seen[:9]) :])
