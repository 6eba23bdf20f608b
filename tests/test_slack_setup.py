"""Setting Slack up: the settings, the app's manifest, and `sextant serve` with them."""

import asyncio
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import yaml

from knowledge.errors import BadInput
from ui.api.application import application
from ui.opening import opened
from ui.settings import Settings, read_settings
from ui.slack.mounting import PATH, slack_face


async def test_without_a_signing_secret_there_is_no_such_address(tmp_path: Path, slack_double: ModuleType) -> None:
    settings = Settings(home=tmp_path)
    async with opened(time_factor=1, settings=settings) as door:
        app = application(door, settings)
        async with slack_face(app, settings.slack) as desk:
            assert desk is None
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                body = b"{}"
                answer = await http.post("/slack/events", content=body, headers=slack_double.signed(body))
                assert answer.status_code == 404


def test_a_secret_without_a_token_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEXTANT_SLACK_SIGNING_SECRET", "s3cret")
    monkeypatch.delenv("SEXTANT_SLACK_BOT_TOKEN", raising=False)
    with pytest.raises(BadInput, match="SEXTANT_SLACK_BOT_TOKEN is not set"):
        read_settings()
    monkeypatch.setenv("SEXTANT_SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("SEXTANT_SLACK_DEPLOYERS", "U1, U2")
    chosen = read_settings().slack
    assert chosen is not None
    assert chosen.deployers == {"U1", "U2"}
    assert "s3cret" not in repr(chosen)
    assert "xoxb-1" not in repr(chosen)
    monkeypatch.setenv("SEXTANT_SLACK_DEPLOYERS", "@ann")
    with pytest.raises(BadInput, match="cannot hold '@ann'"):
        read_settings()


def test_the_manifest_asks_for_what_is_used_and_no_more(repository: Path) -> None:
    manifest = yaml.safe_load((repository / "deploy" / "slack" / "manifest.yaml").read_text(encoding="utf-8"))
    kinds = ("channels", "groups", "im", "mpim")
    scopes = {"app_mentions:read", "chat:write", "files:read", *(f"{kind}:history" for kind in kinds)}
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == scopes
    events = manifest["settings"]["event_subscriptions"]
    assert set(events["bot_events"]) == {"app_mention", *(f"message.{kind}" for kind in kinds)}
    for part in (events, manifest["settings"]["interactivity"]):
        assert part["request_url"].endswith(PATH)
    about = manifest["display_information"]
    assert len(about["name"]) <= 35
    assert len(about["description"]) <= 140
    assert 174 <= len(about["long_description"]) <= 4000


async def test_sextant_serve_speaks_to_slack_and_stops_cleanly(tmp_path: Path, slack_double: ModuleType) -> None:
    async with slack_double.slack() as slack:
        await _served(tmp_path, slack_double, slack)


async def _served(tmp_path: Path, slack_double: ModuleType, slack: Any) -> None:
    environment = {
        **os.environ,
        "SEXTANT_HOME": str(tmp_path),
        "SEXTANT_SLACK_SIGNING_SECRET": slack_double.SECRET,
        "SEXTANT_SLACK_BOT_TOKEN": slack_double.TOKEN,
        "SEXTANT_SLACK_API_URL": f"{slack.url}/api",
    }
    command = [sys.executable, "-c", "from ui.cli import main; main()", "serve", "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().split()[-1]
    told = {
        "type": "app_mention",
        "user": "U0ANN0000",
        "ts": "1.1",
        "channel": slack_double.CHANNEL,
        "text": "code completion",
    }
    body = slack_double.event(told, "Ev1")
    async with httpx.AsyncClient(base_url=url, timeout=120) as http:
        assert (await http.post(PATH, content=body, headers=slack_double.signed(body))).status_code == 200
    await slack.until(lambda: "Specification" in json.dumps(list(slack.messages.values())))
    process.terminate()
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
