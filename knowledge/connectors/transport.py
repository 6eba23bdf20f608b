"""Reach price services over HTTP: time limits, size limits, retry with backoff, ETag."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import httpx

from knowledge.errors import Unavailable

ATTEMPTS = 4
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0
LARGEST_ANSWER_BYTES = 256 * 1024 * 1024
LONGEST_LINE_CHARS = 1024 * 1024
USER_AGENT = {"User-Agent": "sextant price catalog"}  # some services refuse the names of libraries
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_CURES = {
    "status 401": "check the key in the settings",
    "status 403": "check the key in the settings",
    "status 404": "check the name and the address",
}
_AGAIN = {408, 425, 429, 500, 502, 503, 504}


class Transport:
    """The product's `Http`. `sleep` is how it waits between attempts."""

    def __init__(self, client: httpx.Client, sleep: Callable[[float], object]) -> None:
        self._client = client
        self._sleep = sleep

    def get_json(
        self, url: str, *, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        return self._json(self._client.build_request("GET", url, params=params, headers=headers))[0]

    def get_changed_json(self, url: str, etag: str | None) -> tuple[Any | None, str | None]:
        headers = {"If-None-Match": etag} if etag else {}
        return self._json(self._client.build_request("GET", url, headers=headers))

    def post_json(self, url: str, body: Mapping[str, Any]) -> Any:
        return self._json(self._client.build_request("POST", url, json=body))[0]

    def lines(self, url: str) -> Iterator[str]:
        """Yield lines as they arrive. A connection that breaks on the way is not retried: half a list is no list."""
        with closing(self._send(self._client.build_request("GET", url))) as response:
            try:
                for line in response.iter_lines():
                    if len(line) > LONGEST_LINE_CHARS:
                        raise Unavailable(f"{_host(url)} sent a line of more than {LONGEST_LINE_CHARS} characters")
                    yield line
            except httpx.TransportError as error:
                raise Unavailable(f"{_host(url)} broke off: {_short(error)}") from error

    def _json(self, request: httpx.Request) -> tuple[Any | None, str | None]:
        """Ask until the answer is whole: JSON that breaks off counts as no answer."""
        for attempt in range(ATTEMPTS):
            with closing(self._send(request)) as response:
                if response.status_code == httpx.codes.NOT_MODIFIED:
                    return None, request.headers.get("If-None-Match")
                try:
                    return json.loads(_body(response)), response.headers.get("ETag")
                except (ValueError, httpx.TransportError) as error:
                    problem = _short(error)
            self._sleep(_backoff_s(attempt))
        raise Unavailable(f"{_host(str(request.url))} sent no whole JSON: {problem}")

    def _send(self, request: httpx.Request) -> httpx.Response:
        for attempt in range(ATTEMPTS):
            try:
                response = self._client.send(request, stream=True)
            except httpx.TransportError as error:
                problem, wait_s = _short(error), _backoff_s(attempt)
            else:
                if response.is_success or response.status_code == httpx.codes.NOT_MODIFIED:
                    return response
                response.close()
                problem, wait_s = f"status {response.status_code}", _wait_s(response, attempt)
                if response.status_code not in _AGAIN:
                    break
            if attempt + 1 < ATTEMPTS:
                self._sleep(wait_s)
        host = _host(str(request.url))
        raise Unavailable(f"{host} did not answer: {problem}", _CURES.get(problem, "try again later"))


def _body(response: httpx.Response) -> bytes:
    parts, size = [], 0
    for part in response.iter_bytes():
        size += len(part)
        if size > LARGEST_ANSWER_BYTES:
            raise Unavailable(f"{_host(str(response.url))} sent more than {LARGEST_ANSWER_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)


def _wait_s(response: httpx.Response, attempt: int) -> float:
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_WAIT_S) if asked.isdigit() else _backoff_s(attempt)


def _backoff_s(attempt: int) -> float:
    return float(min(FIRST_WAIT_S * 2**attempt, LONGEST_WAIT_S))


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _short(error: Exception) -> str:
    return str(error)[:120] or type(error).__name__
