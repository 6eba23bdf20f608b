"""Text on its way to and from Slack: what Slack escapes is read back, what a message says is escaped."""

import re

_TOKEN = re.compile(r"<([^<>]*)>")


def escaped(text: str, limit: int) -> str:
    """For mrkdwn: `&`, `<` and `>` written as Slack wants them, at most `limit` characters, cut with an ellipsis."""
    plain = storable(text)
    if len(_escape(plain)) <= limit:
        return _escape(plain)
    kept, length = [], 1
    for char in plain:
        length += len(_escape(char))
        if length > limit:
            break
        kept.append(char)
    return _escape("".join(kept)) + "…"


def cut(text: str, limit: int) -> str:
    """For plain text: at most `limit` characters."""
    plain = storable(text)
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def words_of(text: str, bot: str) -> str:
    """What a person wrote: mentions of the bot taken out, links and names as they were typed, entities read back."""

    def typed(token: re.Match[str]) -> str:
        what, _, label = token[1].partition("|")
        if what == f"@{bot}":
            return " "
        if label or what.startswith("!"):
            return label or f"@{what[1:]}"
        return what.removeprefix("mailto:").removeprefix("tel:")

    read = _TOKEN.sub(typed, text)
    return storable(read.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).strip()


def storable(text: str) -> str:
    """Half of a surrogate pair cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
