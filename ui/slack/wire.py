"""Messages to Slack. What Slack refuses or does not take is logged and never stops a turn."""

import logging
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from ui.slack.blocks import TEXT_CHARS, Block
from ui.slack.jobs import Place
from ui.slack.tables import without_tables
from ui.slack.wording import escaped

RETRIES = 3
TIMEOUT_S = 20
REFUSED_BLOCKS = ("invalid_blocks", "invalid_attachments")
AWAY = (SlackApiError, ClientError, TimeoutError, OSError)

log = logging.getLogger("sextant.slack")


def web_client(token: str, api_url: str) -> AsyncWebClient:
    """The official client; it waits as long as Slack says when there were too many requests, and tries again."""
    return AsyncWebClient(
        token=token,
        base_url=f"{api_url.rstrip('/')}/",
        timeout=TIMEOUT_S,
        retry_handlers=[
            AsyncRateLimitErrorRetryHandler(max_retry_count=RETRIES),
            AsyncConnectionErrorRetryHandler(max_retry_count=RETRIES),
            AsyncServerErrorRetryHandler(max_retry_count=RETRIES),
        ],
    )


class Wire:
    """Posts, changes and whispers."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def post(self, place: Place, text: str, blocks: list[Block]) -> str | None:
        """A message in the thread; its `ts`, None when Slack did not take it."""
        answer = await self._tried(
            "chat.postMessage",
            {"thread_ts": place.thread_ts, "unfurl_links": False, "unfurl_media": False},
            place,
            text,
            blocks,
        )
        return None if answer is None else str(answer["ts"])

    async def update(self, place: Place, ts: str, text: str, blocks: list[Block]) -> bool:
        """Change a message; False when Slack did not do so."""
        return await self._tried("chat.update", {"ts": ts}, place, text, blocks) is not None

    async def whisper(self, place: Place, user: str, text: str) -> None:
        """Something that only one person sees."""
        await self._tried("chat.postEphemeral", {"user": user, "thread_ts": place.thread_ts}, place, text, [])

    async def open_form(self, trigger: str, view: dict[str, Any]) -> bool:
        """Open a modal for a click; False when the click is too old for it, or Slack refuses."""
        try:
            await self._client.views_open(trigger_id=trigger, view=view)
        except AWAY as error:
            log.warning("views.open: %s", told(error))
            return False
        return True

    async def _tried(self, method: str, named: dict[str, Any], place: Place, text: str, blocks: list[Block]) -> Any:
        body = {"channel": place.channel, "text": escaped(text, TEXT_CHARS), "parse": "none", "link_names": False}
        try:
            return await self._client.api_call(method, json=body | named | ({"blocks": blocks} if blocks else {}))
        except AWAY as error:
            log.warning("%s in %s: %s", method, place.conversation, told(error))
            plainer = without_tables(blocks)
            if told(error) not in REFUSED_BLOCKS or plainer == blocks:
                return None
            return await self._tried(method, named, place, text, plainer)


def told(error: Exception) -> str:
    """The reason that Slack gives; its whole answer may repeat what people wrote."""
    if isinstance(error, SlackApiError) and isinstance(error.response.data, dict):
        return str(error.response.data.get("error", "refused"))
    return type(error).__name__
