"""What is read from a streamed answer: when its tokens came, how many, and whether it ended as it should."""

import json
from typing import Any

_MAX_ERROR_BYTES = 2000


class Answer:
    """Fed with the body as it arrives; times are loop times in seconds."""

    def __init__(self) -> None:
        self.first_token_s: float | None = None
        self.last_token_s: float | None = None
        self.prompt_tokens: int | None = None
        self.finished = False
        self.streamed_error = ""
        self._counted_tokens: int | None = None
        self._content_events = 0
        self._pending = bytearray()
        self.is_stream: bool | None = None

    @property
    def output_tokens(self) -> int:
        """The server's own count, else the number of streamed pieces."""
        return self._counted_tokens if self._counted_tokens is not None else self._content_events

    @property
    def excerpt(self) -> str:
        """The beginning of a body that was no stream, for error messages."""
        return " ".join(bytes(self._pending[:_MAX_ERROR_BYTES]).decode(errors="replace").split())[:200]

    def feed(self, body: bytes, now: float) -> None:
        """Take in the next piece of the body. A body that is no event stream is kept for `whole`.

        Raises ValueError when the pieces are not those of an OpenAI-compatible server.
        """
        self._pending += body
        if self.is_stream is None:
            self.is_stream = self._pending.lstrip().startswith((b"data", b":", b"event"))
        if not self.is_stream:
            return
        *events, rest = bytes(self._pending).replace(b"\r\n", b"\n").split(b"\n\n")
        if events:
            self._pending = bytearray(rest)
        for event in events:
            for line in event.split(b"\n"):
                if line.startswith(b"data:"):
                    self._event(line[5:].strip(), now)

    def whole(self, now: float) -> None:
        """The server answered without streaming: everything came at once."""
        if not self.is_stream and self._pending:
            self._event(bytes(self._pending), now)
            self.finished = self.finished or self.first_token_s is not None

    def _event(self, data: bytes, now: float) -> None:
        if data == b"[DONE]":
            self.finished = True
            return
        try:
            self._read(json.loads(data.decode()), now)
        except (AttributeError, TypeError) as error:
            raise ValueError("an event of another shape") from error

    def _read(self, event: Any, now: float) -> None:
        if event.get("error"):
            self.streamed_error = str(event["error"])[:200]
        usage = event.get("usage")
        if usage:
            self._counted_tokens, self.prompt_tokens = usage.get("completion_tokens"), usage.get("prompt_tokens")
        for choice in event.get("choices") or ():
            part = choice.get("delta") or choice.get("message") or choice
            if any(part.get(name) for name in ("content", "text", "reasoning_content", "reasoning", "tool_calls")):
                self._content_events += 1
                self.last_token_s = now
                if self.first_token_s is None:
                    self.first_token_s = now
