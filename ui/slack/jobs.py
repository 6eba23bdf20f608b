"""What Slack tells us, as jobs: plain values that can be kept, run, and run again after a crash."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ui.slack.wording import words_of

Json = Mapping[str, Any]

KEPT_SUBTYPES = (None, "file_share", "thread_broadcast")
DIRECT = "im"


@dataclass(frozen=True, slots=True)
class Place:
    """A thread in Slack: where one conversation is shown."""

    team: str
    channel: str
    thread_ts: str

    @property
    def conversation(self) -> str:
        """Its name at the session door."""
        return f"slack-{self.team}-{self.channel}-{self.thread_ts}"


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do for somebody: `kind` is `say`, an act of the session door, or something that changes nothing
    (`clerk.ASIDE`)."""

    kind: str
    place: Place
    user: str
    text: str = ""
    files: tuple[dict[str, Any], ...] = ()
    revision: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    addressed: bool = True
    """Whether the bot was meant for certain: mentioned, written to directly, or clicked."""

    @property
    def owner(self) -> str:
        """The person, as conversations and deployments are owned; the same in every channel of a workspace."""
        return f"slack:{self.place.team}:{self.user}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def job_of(kept: Json) -> Job:
    """A job that was kept."""
    return replace(Job(**kept), place=Place(**kept["place"]), files=tuple(kept["files"]))


def message_job(event: Json, team: str, bot: str) -> Job | None:
    """A message or mention for us; None for what is not: bots, edits, and the second telling of a mention.

    Slack tells a mention in a channel twice, as `app_mention` and as `message`: the first counts. In a thread that
    is ours no mention is needed. In a direct message every message that is in no thread begins one.
    """
    user, channel = event.get("user"), event.get("channel")
    if not user or not channel or event.get("bot_id") or event.get("subtype") not in KEPT_SUBTYPES:
        return None
    direct = event.get("channel_type") == DIRECT
    mentioned = event["type"] == "app_mention"
    told_twice = not mentioned and not direct and f"<@{bot}" in str(event.get("text", ""))
    loose = not mentioned and not direct and "thread_ts" not in event
    if told_twice or loose:
        return None
    return Job(
        "say",
        Place(team, str(channel), str(event.get("thread_ts") or event["ts"])),
        str(user),
        text=words_of(str(event.get("text") or ""), bot),
        files=tuple(_file(each) for each in event.get("files") or ()),
        addressed=mentioned or direct,
    )


def click_job(body: Json, team: str, kind: str) -> Job:
    """A click on a button of ours."""
    value = json.loads(body["actions"][0]["value"])
    return Job(
        kind,
        place_of(body, team),
        str(body["user"]["id"]),
        text=str(value.get("text", "")),
        revision=int(value.get("revision", 0)),
        values=value.get("values") or ({"option": value["option"]} if "option" in value else {}),
    )


def place_of(body: Json, team: str) -> Place:
    """Where the message stands that was clicked on."""
    message, container = body.get("message") or {}, body["container"]
    thread = message.get("thread_ts") or container.get("thread_ts") or container["message_ts"]
    return Place(team, str(container["channel_id"]), str(thread))


def _file(told: Json) -> dict[str, Any]:
    return {
        "id": str(told.get("id", "")),
        "name": str(told.get("name") or told.get("title") or "file"),
        "url": str(told.get("url_private_download") or told.get("url_private") or ""),
    }
