"""Files that people drop into a thread: fetched with the bot's token from Slack alone, and gone after the turn."""

import asyncio
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from slack_sdk.web.async_client import AsyncWebClient

from knowledge.errors import BadInput, StateUnusable, Unavailable
from knowledge.files import safe_name
from ui.api.guard import MAX_UPLOAD_BYTES
from ui.slack.jobs import Job
from ui.slack.wire import AWAY

SLACK_DOMAINS = ("slack.com", "slack-files.com")
MOST_FILES = 10
TIMEOUT_S = 60.0


class Files:
    """Files of jobs under `folder`, one folder for each event."""

    def __init__(self, folder: Path, client: AsyncWebClient) -> None:
        self._folder = folder
        self._client = client
        self._api = urlsplit(client.base_url)

    async def fetch(self, event_id: str, job: Job) -> tuple[Path, ...]:
        """The files of a message. Raises BadInput for what cannot be had and Unavailable when Slack does not answer."""
        if len(job.files) > MOST_FILES:
            raise BadInput(f"{len(job.files)} files in one message", f"send at most {MOST_FILES}")
        folder = self._own(event_id)
        return tuple([await self._fetched(each, folder / str(place)) for place, each in enumerate(job.files)])

    def drop(self, event_id: str) -> None:
        """Bills are not kept."""
        shutil.rmtree(self._own(event_id), ignore_errors=True)

    async def _fetched(self, told: dict[str, Any], folder: Path) -> Path:
        name = safe_name(told["name"], "file")
        url = told["url"] or await self._address(told["id"])
        if not self.trusted(url):
            raise BadInput(f"{name} does not lie with Slack", "upload it here instead of linking to it")
        try:
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            await self._download(url, folder / name)
        except httpx.HTTPError as error:
            raise Unavailable(f"Slack did not hand over {name} ({type(error).__name__})", "upload it again") from error
        except OSError as error:
            raise StateUnusable(f"cannot keep {name}: {error.strerror}", "free space or set SEXTANT_HOME") from error
        return folder / name

    async def _address(self, file_id: str) -> str:
        """Slack leaves the address out in channels that are shared with another organisation."""
        try:
            answer = await self._client.files_info(file=file_id)
        except AWAY as error:
            raise Unavailable("Slack does not say where the file lies", "upload it again") from error
        return str((answer.get("file") or {}).get("url_private_download", ""))

    def trusted(self, url: str) -> bool:
        """Whether the token may be sent there: to Slack over TLS, or to the API that is configured."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        if (parts.scheme, parts.hostname, port) == (self._api.scheme, self._api.hostname, self._api.port):
            return True
        host = parts.hostname or ""
        slack = any(host == domain or host.endswith(f".{domain}") for domain in SLACK_DOMAINS)
        return slack and parts.scheme == "https" and port in (None, 443)

    async def _download(self, url: str, file: Path) -> None:
        token = {"Authorization": f"Bearer {self._client.token}"}
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as client, client.stream("GET", url, headers=token) as answer:
            page = answer.headers.get("content-type", "").startswith("text/html")
            if answer.is_redirect or answer.status_code in (401, 403) or (page and file.suffix.lower() != ".html"):
                raise BadInput(f"Slack does not let me read {file.name}", "give the app the scope files:read")
            answer.raise_for_status()
            length = 0
            with file.open("wb") as kept:
                async for part in answer.aiter_bytes():
                    length += len(part)
                    if length > MAX_UPLOAD_BYTES:
                        raise BadInput(f"{file.name} is larger than {MAX_UPLOAD_BYTES:,} bytes", "send a part of it")
                    kept.write(part)

    def _own(self, event_id: str) -> Path:
        return self._folder / "".join(char if char.isalnum() else "-" for char in event_id)
