"""Slack's side of the wire: its Web API, its file store, its signed requests, and the limits that it documents.

It answers as Slack does, refuses what Slack refuses (docs.slack.dev/reference: block-kit, methods) and keeps what
it was told. The genuine slack-bolt and slack-sdk talk to it.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

Json = dict[str, Any]

TEAM, BOT, BOT_ID, CHANNEL, DIRECT = "T0AAAAAAA", "U0BOT0000", "B0BOT0000", "C0GENERAL", "D0DIRECT0"
TOKEN, SECRET = "xoxb-0123-double-token", "8f742231b10e8888abcd99yyyzzz85a5"  # of nobody
PATIENCE_S = 60

TEXTS = {  # where a text object may stand → most characters
    ("header", "text"): 150, ("section", "text"): 3000, ("button", "text"): 75, ("input", "label"): 2000,
    ("input", "hint"): 2000, ("modal", "title"): 24, ("modal", "submit"): 24, ("modal", "close"): 24,
    ("confirm", "title"): 100, ("confirm", "text"): 300, ("confirm", "confirm"): 30, ("confirm", "deny"): 30,
    ("option", "text"): 75, ("group", "label"): 75, ("context", "element"): 3000,
}  # fmt: skip
STRINGS = {"block_id": 255, "action_id": 255, "value": 2000, "private_metadata": 3000, "callback_id": 255,
           "initial_value": 3000}  # fmt: skip
BLOCKS = {
    "message": {"header", "section", "context", "actions", "divider", "table"},
    "modal": {"section", "input", "context"},
}
ELEMENTS = {"context": 10, "actions": 25}
MOST_CHARS = 13_200


def faults(blocks: list[Json], *, surface: str = "message") -> list[str]:
    """What Slack would refuse of these blocks."""
    return list(_faults(blocks, surface))


def _faults(blocks: list[Json], surface: str) -> Iterator[str]:
    if len(blocks) > (50 if surface == "message" else 100):
        yield "too many blocks"
    if surface == "message" and len(json.dumps(blocks, ensure_ascii=False)) > MOST_CHARS:
        yield "msg_blocks_too_long"
    if sum(block["type"] == "table" for block in blocks) > 1:
        yield "only_one_table_allowed"
    names = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(names)) < len(names):
        yield "a block_id twice"
    for block in blocks:
        if block.get("type") not in BLOCKS[surface]:
            yield f"no {block.get('type')} here"
        yield from _block(block)


def _block(block: Json) -> Iterator[str]:
    kind, elements = str(block["type"]), block.get("elements", [])
    yield from _strings(block)
    for part in ("text", "label", "hint"):
        if part in block:
            yield from _text(block[part], (kind, part))
    if kind in ELEMENTS and not 1 <= len(elements) <= ELEMENTS[kind]:
        yield f"{kind} with {len(elements)} elements"
    if kind == "context":
        for each in elements:
            yield from _text(each, ("context", "element"))
    if kind == "actions":
        if len({each["action_id"] for each in elements}) < len(elements):
            yield "an action_id twice in one block"
        for each in elements:
            yield from _button(each)
    if kind == "input":
        yield from _input(block["element"])
    if kind == "table":
        yield from _table(block)


def _table(table: Json) -> Iterator[str]:
    rows, settings = table["rows"], table["column_settings"]
    if not 1 <= len(rows) <= 100 or not 1 <= len(settings) <= 20 or {len(row) for row in rows} != {len(settings)}:
        yield "a table of rows or columns that Slack does not take"
    if any(each["align"] not in ("left", "center", "right") for each in settings):
        yield "a column that is aligned nowhere"
    for cell in (cell for row in rows for cell in row):
        elements = [cell] if cell["type"] == "raw_text" else cell["elements"][0]["elements"]
        if cell["type"] == "rich_text" and not elements[0]["url"].startswith(("http://", "https://")):
            yield "a link to nowhere"
        if not all(each["text"] for each in elements):
            yield "a cell must be more than 0 characters"
    if sum(len(json.dumps(cell)) for row in rows for cell in row) > 10_000:
        yield "a table that is too long"


def _button(button: Json) -> Iterator[str]:
    yield from _strings(button)
    yield from _text(button["text"], ("button", "text"))
    if button["text"]["type"] != "plain_text" or button.get("style", "primary") not in ("primary", "danger"):
        yield "a button that Slack does not know"
    for part, text in button.get("confirm", {}).items():
        if part != "style":
            yield from _text(text, ("confirm", part))


def _input(element: Json) -> Iterator[str]:
    yield from _strings(element)
    if element["type"] == "static_select":
        options = element.get("options", [])
        groups = element.get("option_groups", [])
        if not (1 <= len(options) <= 100 or 1 <= len(groups) <= 100):
            yield "a select without options, or with too many"
        for group in groups:
            yield from _text(group["label"], ("group", "label"))
            options = [*options, *group["options"]]
        for option in options:
            yield from _text(option["text"], ("option", "text"))
            if len(option["value"]) > 150:
                yield "an option's value is too long"
        if "initial_option" in element and element["initial_option"] not in options:
            yield "an initial option that is none of the options"
    elif element["type"] != "plain_text_input":
        yield f"no element {element['type']}"


def _strings(element: Json) -> Iterator[str]:
    for name, most in STRINGS.items():
        if name in element and not 1 <= len(element[name]) <= most:
            yield f"{name} of {len(element[name])} characters"


def _text(text: Json, place: tuple[str, str]) -> Iterator[str]:
    if not 1 <= len(text["text"]) <= TEXTS[place]:
        yield f"{' '.join(place)} of {len(text['text'])} characters"
    if text["type"] == "mrkdwn":
        rest = text["text"].replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
        if "&" in rest:
            yield "an & that is not escaped"


class Slack:
    """One workspace. `messages` by ts; `whispers`: what one person saw; `calls`: every request in order.

    `hold`: cleared, answers wait. `refusals`: the next answers of a method instead, as status, headers and body.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Json]] = []
        self.messages: dict[str, Json] = {}
        self.whispers: list[Json] = []
        self.views: list[Json] = []
        self.files: dict[str, bytes] = {}
        self.expired: set[str] = set()
        self.refusals: dict[str, list[tuple[int, Json, Json]]] = {}
        self.unasked: list[str] = []
        self.url = ""
        self.hold = asyncio.Event()
        self.hold.set()
        self._ts = 0

    async def until(self, holds: Callable[[], Any]) -> Any:
        """Wait for something to come true."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110  # it may come true anywhere
                await asyncio.sleep(0.05)
        return holds()

    def count(self, method: str) -> int:
        return sum(each == method for each, _ in self.calls)

    def stamp(self) -> str:
        self._ts += 1
        return f"1780000000.{self._ts:06d}"

    async def answer(self, request: web.Request) -> web.Response:
        """The Web API."""
        method, body = request.match_info["method"], await _body(request)
        self.calls.append((method, body))
        await self.hold.wait()
        if self.refusals.get(method):
            status, headers, told = self.refusals[method].pop(0)
            return web.json_response(told, status=status, headers=headers)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response(_error("invalid_auth"))
        return web.json_response(self._answered(method, body))

    def _answered(self, method: str, body: Json) -> Json:
        if method == "auth.test":
            return {"ok": True, "team_id": TEAM, "team": "Double", "user_id": BOT, "user": "sextant", "bot_id": BOT_ID}
        if method == "chat.postMessage":
            return self._put(self.stamp(), body)
        if method == "chat.update":
            return self._put(body["ts"], body) if body["ts"] in self.messages else _error("message_not_found")
        if method == "chat.postEphemeral":
            self.whispers.append(body)
            return {"ok": True, "message_ts": self.stamp()}
        if method == "views.open":
            return self._open(body)
        if method == "files.info":
            return {"ok": True, "file": {"url_private_download": f"{self.url}/files/{body['file']}"}}
        return _error("unknown_method")

    def _put(self, ts: str, body: Json) -> Json:
        if not body.get("text"):
            return _error("no_text")
        if found := faults(body.get("blocks", [])):
            self.unasked += found
            return _error("msg_blocks_too_long" if "msg_blocks_too_long" in found else "invalid_blocks")
        if len(body["text"]) > 4000:
            return _error("msg_too_long")
        self.messages[ts] = {**self.messages.get(ts, {}), **body, "ts": ts}
        return {"ok": True, "channel": body["channel"], "ts": ts, "message": {"text": body["text"]}}

    def _open(self, body: Json) -> Json:
        view = json.loads(body["view"]) if isinstance(body["view"], str) else body["view"]
        if body["trigger_id"] in self.expired:
            return _error("expired_trigger_id")
        found = faults(view["blocks"], surface="modal") + list(_strings(view))
        for part in ("title", "submit", "close"):
            found += list(_text(view[part], ("modal", part)))
        if found:
            self.unasked += found
            return _error("invalid_arguments")
        self.views.append({**view, "id": f"V{len(self.views)}", "hash": f"h{len(self.views)}"})
        return {"ok": True, "view": self.views[-1]}

    async def file(self, request: web.Request) -> web.StreamResponse:
        """The file store: without the token it shows the page to sign in."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(text="<html>Sign in</html>", content_type="text/html")
        if request.match_info["name"] == "moved":
            raise web.HTTPFound("https://elsewhere.example/bill.csv")
        return web.Response(body=self.files[request.match_info["name"]], content_type="application/octet-stream")


def _error(name: str) -> Json:
    return {"ok": False, "error": name}


async def _body(request: web.Request) -> Json:
    if request.method == "GET":
        return dict(request.query)
    text = await request.text()
    if request.content_type == "application/json":
        found: Json = json.loads(text)
        return found
    return dict(parse_qsl(text))


@asynccontextmanager
async def slack() -> AsyncIterator[Slack]:
    """A workspace that listens on a port of this machine."""
    double = Slack()
    app = web.Application()
    app.router.add_route("*", "/api/{method}", double.answer)
    app.router.add_get("/files/{name}", double.file)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    double.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield double
    finally:
        await runner.cleanup()


def signed(body: bytes, *, secret: str = SECRET, age_s: float = 0, kind: str = "application/json") -> dict[str, str]:
    """The headers of a request from Slack."""
    at = str(int(time.time() - age_s))
    digest = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}", "Content-Type": kind}


def event(told: Json, event_id: str) -> bytes:
    """An event as Slack wraps it."""
    return json.dumps({
        "token": "verification-token-of-old", "team_id": TEAM, "api_app_id": "A0", "type": "event_callback",
        "event_id": event_id, "event_time": 1780000000, "event": told,
        "authorizations": [{"enterprise_id": None, "team_id": TEAM, "user_id": BOT, "is_bot": True}],
    }).encode()  # fmt: skip


def payload(told: Json) -> bytes:
    """A click or a form, as Slack posts it."""
    return urlencode({"payload": json.dumps(told)}).encode()
