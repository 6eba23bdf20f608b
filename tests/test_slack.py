"""Slack over its own wire: the genuine slack-bolt and slack-sdk against a double of Slack, signed as Slack signs."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from agent.sessions import Sessions
from knowledge.records import Records, utc_now
from ui.api.application import application
from ui.opening import opened
from ui.settings import Settings, SlackSettings
from ui.slack.inbox import Inbox
from ui.slack.jobs import Job, Place
from ui.slack.mounting import slack_face

WORDS = "customer-support chatbot for 1000 users, TTFT &lt; 300 ms, under $5000 a month, rented GPUs"
ANN, BOB = "U0ANN0000", "U0BOB0000"
Json = dict[str, Any]


class Workplace:
    """The server and Slack beside it: people speak and click, and what stands in the channel is read."""

    def __init__(self, double: ModuleType, slack: Any, http: httpx.AsyncClient, door: Sessions, desk: Any) -> None:
        self.double = double
        self.slack = slack
        self.http = http
        self.door = door
        self.desk = desk
        self.events = 0

    async def post(self, body: bytes, **how: Any) -> httpx.Response:
        return await self.http.post("/slack/events", content=body, headers=self.double.signed(body, **how))

    async def say(self, text: str, *, user: str = ANN, **more: Any) -> httpx.Response:
        """A mention in the channel; `thread_ts` for one in a thread, `channel_type="im"` for a direct message."""
        self.events += 1
        direct = more.get("channel_type") == "im"
        told = {"type": "message" if direct else "app_mention", "user": user, "ts": self.slack.stamp(),
                "channel": self.double.DIRECT if direct else self.double.CHANNEL,
                "text": text if direct else f"<@{self.double.BOT}> {text}", **more}  # fmt: skip
        return await self.post(self.double.event(told, more.get("event_id", f"Ev{self.events:08d}")))

    async def begin(self, *, user: str = ANN, text: str = WORDS, **more: Any) -> None:
        """A conversation with its cards."""
        assert (await self.say(text, user=user, **more)).status_code == 200
        await self.desk.idle()

    async def click(self, name: str, *, user: str = ANN, nth: int = 0, wait: bool = True) -> httpx.Response:
        """A click on the newest button of that name."""
        self.events += 1
        ts, block, button = self.buttons(name)[nth]
        message = self.slack.messages[ts]
        told = {"type": "block_actions", "team": {"id": self.double.TEAM}, "user": {"id": user},
                "trigger_id": f"t{self.events}", "token": "verification-token-of-old",
                "container": {"type": "message", "message_ts": ts, "channel_id": message["channel"]},
                "message": {"ts": ts, "thread_ts": message["thread_ts"]}, "channel": {"id": message["channel"]},
                "actions": [{**button, "block_id": block, "action_ts": "1"}]}  # fmt: skip
        answer = await self.post(self.double.payload(told), kind="application/x-www-form-urlencoded")
        if wait:
            await self.desk.idle()
        return answer

    async def submit(self, values: dict[str, str], *, user: str = ANN) -> Json:
        """Fill in the newest form and send it; the answer that the modal shows."""
        view = self.slack.views[-1]
        state = {}
        for block in (each for each in view["blocks"] if each["type"] == "input"):
            element, text = block["element"], values.get(block["block_id"])
            if element["type"] == "static_select":
                chosen = {"value": text} if text is not None else element.get("initial_option")
                state[block["block_id"]] = {"value": {"type": "static_select", "selected_option": chosen}}
            else:
                given = element.get("initial_value") if text is None else text
                state[block["block_id"]] = {"value": {"type": "plain_text_input", "value": given or None}}
        told = {"type": "view_submission", "team": {"id": self.double.TEAM}, "user": {"id": user}, "trigger_id": "tf",
                "token": "verification-token-of-old", "view": {**view, "state": {"values": state}}}  # fmt: skip
        answer = await self.post(self.double.payload(told), kind="application/x-www-form-urlencoded")
        assert answer.status_code == 200
        await self.desk.idle()
        return dict(answer.json()) if answer.text else {}

    def buttons(self, name: str) -> list[tuple[str, str, Json]]:
        """Message, block and button, the newest message first."""
        found = [
            (ts, block["block_id"], button)
            for ts, message in sorted(self.slack.messages.items(), reverse=True)
            for block in message.get("blocks", [])
            if block["type"] == "actions"
            for button in block["elements"]
            if button["action_id"].partition(":")[0] == name
        ]
        assert found, f"no button {name}"
        return found

    def text(self) -> str:
        """Everything that stands in Slack."""
        return json.dumps(list(self.slack.messages.values()), ensure_ascii=False)

    async def view(self) -> Any:
        """The conversation of the only thread, as Ann sees it."""
        thread = next(iter(self.slack.messages.values()))["thread_ts"]
        name = f"slack-{self.double.TEAM}-{self.double.CHANNEL}-{thread}"
        return await self.door.view(name, f"slack:{self.double.TEAM}:{ANN}")


def rows_of(message: Json) -> list[list[list[str]]]:
    """The texts of the tables of a message."""
    tables = [block["rows"] for block in message.get("blocks", []) if block["type"] == "table"]
    return [[[_text(cell) for cell in row] for row in rows] for rows in tables]


def _text(cell: Json) -> str:
    return str(cell["text"] if cell["type"] == "raw_text" else cell["elements"][0]["elements"][0]["text"])


@asynccontextmanager
async def workplace(
    home: Path,
    double: ModuleType,
    slack: Any,
    *,
    finish_within_s: float = 60,
    database_url: str | None = None,
    **choice: Any,
) -> AsyncIterator[Workplace]:
    choice = {"signing_secret": double.SECRET, "bot_token": double.TOKEN, "deployers": frozenset({ANN})} | choice
    settings = Settings(home=home, database_url=database_url, slack=SlackSettings(api_url=f"{slack.url}/api", **choice))
    async with opened(time_factor=200, settings=settings, tied=True) as door:
        door.context = replace(door.context, validation_seconds=20)
        app = application(door, settings)
        async with slack_face(app, settings.slack, finish_within_s=finish_within_s) as desk:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", timeout=120) as http:
                yield Workplace(double, slack, http, door, desk)


@pytest.fixture
async def slack(slack_double: ModuleType) -> AsyncIterator[Any]:
    async with slack_double.slack() as double:
        yield double
        assert double.unasked == [], "Slack would have refused these blocks"


@pytest.fixture
async def at_work(tmp_path: Path, slack_double: ModuleType, slack: Any) -> AsyncIterator[Workplace]:
    async with workplace(tmp_path, slack_double, slack) as place:
        yield place


async def test_slack_is_answered_when_it_checks_the_address(at_work: Workplace) -> None:
    answer = await at_work.post(b'{"type": "url_verification", "challenge": "3eZbrw1aB", "token": "old"}')
    assert (answer.status_code, answer.json()) == (200, {"challenge": "3eZbrw1aB"})


async def test_slack_comes_under_the_name_of_a_tunnel_and_nothing_else_does(at_work: Workplace) -> None:
    body, tunnel = b'{"type": "url_verification", "challenge": "3eZ"}', {"host": "sextant.tunnel.example"}
    signed = at_work.double.signed(body)
    assert (await at_work.http.post("/slack/events", content=body, headers=signed | tunnel)).status_code == 200
    assert (await at_work.http.post("/v1/sessions", headers=tunnel)).status_code == 421


@pytest.mark.parametrize(
    "how", [{"secret": "another secret"}, {"age_s": 400}, {"age_s": -400}], ids=["signature", "stale", "from ahead"]
)
async def test_what_slack_did_not_sign_just_now_is_refused(at_work: Workplace, how: Json) -> None:
    told = at_work.double.event({"type": "app_mention", "user": ANN, "ts": "1", "channel": "C", "text": WORDS}, "Ev1")
    assert (await at_work.post(told, **how)).status_code == 401
    assert at_work.slack.calls == []


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"payload=%7B", b""])
async def test_what_nobody_signed_is_refused_before_it_is_read(at_work: Workplace, body: bytes) -> None:
    headers = {"X-Slack-Request-Timestamp": "soon", "X-Slack-Signature": "v0=00"}
    assert (await at_work.http.post("/slack/events", content=body, headers=headers)).status_code == 401


async def test_a_mention_begins_a_conversation_in_its_thread(at_work: Workplace) -> None:
    await at_work.begin()
    view = await at_work.view()
    assert view.intent["total_users"] == 1000
    assert view.intent["target_ttft_p90_ms"] == 300  # “&lt;” was read back
    assert len({message["thread_ts"] for message in at_work.slack.messages.values()}) == 1
    assert "People with access: *1000* people" in at_work.text()
    assert at_work.buttons("approve")
    assert len(at_work.buttons("choose")) >= 3


async def test_a_direct_message_needs_no_mention_and_words_in_its_thread_change_the_plan(at_work: Workplace) -> None:
    await at_work.begin(channel_type="im")
    (ts, _, _), *_ = at_work.buttons("edit")
    root = at_work.slack.messages[ts]["thread_ts"]
    await at_work.say("actually 2000 users", channel_type="im", thread_ts=root)
    await at_work.desk.idle()
    name = f"slack-{at_work.double.TEAM}-{at_work.double.DIRECT}-{root}"
    view = await at_work.door.view(name, f"slack:{at_work.double.TEAM}:{ANN}")
    assert view.intent["total_users"] == 2000
    assert "a newer card stands below" in json.dumps(at_work.slack.messages[ts])
    assert len(at_work.buttons("edit")) == 1


async def test_what_slack_tells_twice_is_done_once_also_after_a_restart(
    tmp_path: Path, slack_double: ModuleType, slack: Any
) -> None:
    async with workplace(tmp_path, slack_double, slack) as place:
        await place.begin(event_id="Ev0SAME", ts="1770000000.000001")
        posted = slack.count("chat.postMessage")
        again = await place.say(WORDS, event_id="Ev0SAME", ts="1770000000.000001")
        assert again.status_code == 200  # anything else, and Slack sends it again
        await place.desk.idle()
    async with workplace(tmp_path, slack_double, slack) as place:
        assert (await place.say(WORDS, event_id="Ev0SAME", ts="1770000000.000001")).status_code == 200
        await place.desk.idle()
    assert slack.count("chat.postMessage") == posted


@pytest.mark.parametrize(
    "told",
    [
        {"bot_id": "B0OTHER"},
        {"subtype": "message_changed"},
        {"text": "<@U0BOT0000> told as app_mention too"},
        {"text": "two people talking"},
        {"text": "two people talking", "thread_ts": "1700000000.000001"},
        {"user": "U0BOT0000"},
    ],
    ids=["a bot", "an edit", "the same mention", "no mention", "a thread of others", "itself"],
)
async def test_what_is_not_meant_for_us_is_acknowledged_and_left_alone(at_work: Workplace, told: Json) -> None:
    event = {"type": "message", "channel_type": "channel", "user": ANN, "ts": "1700000000.000002",
             "channel": at_work.double.CHANNEL, "text": WORDS, **told}  # fmt: skip
    assert (await at_work.post(at_work.double.event(event, "Ev1"))).status_code == 200
    await at_work.desk.idle()
    assert at_work.slack.messages == {}


async def test_an_event_of_another_kind_and_of_another_workspace_is_left_alone(at_work: Workplace) -> None:
    reaction = {"type": "reaction_added", "user": ANN, "item": {}}
    assert (await at_work.post(at_work.double.event(reaction, "Ev1"))).status_code == 200
    mention = {"type": "app_mention", "user": ANN, "ts": "1", "channel": "C", "text": WORDS}
    foreign = at_work.double.event(mention, "Ev2").replace(at_work.double.TEAM.encode(), b"T0OTHER00")
    assert (await at_work.post(foreign)).status_code == 200
    await at_work.desk.idle()
    assert at_work.slack.messages == {}


async def test_nobody_else_sees_or_changes_a_conversation(at_work: Workplace) -> None:
    await at_work.begin()
    before = await at_work.view()
    for name in ("approve", "cancel", "choose", "why", "compare", "edit"):
        assert (await at_work.click(name, user=BOB)).status_code == 200
    await at_work.say("actually 9 users", user=BOB, thread_ts="1780000000.000001")
    await at_work.desk.idle()
    assert await at_work.view() == before
    assert at_work.slack.views == []
    assert [whisper["user"] for whisper in at_work.slack.whispers] == [BOB] * 7
    assert "somebody else" in at_work.slack.whispers[0]["text"]


async def test_the_form_shows_what_is_wrong_and_a_good_one_changes_the_card_in_place(at_work: Workplace) -> None:
    await at_work.begin()
    (card, _, _), *_ = at_work.buttons("edit")
    assert (await at_work.click("edit")).status_code == 200
    wrong = await at_work.submit({"total_users": "many", "budget.max_monthly_cost_usd": "-4"})
    assert wrong["response_action"] == "errors"
    assert set(wrong["errors"]) == {"total_users", "budget.max_monthly_cost_usd"}
    assert "valid integer" in wrong["errors"]["total_users"]
    assert (await at_work.view()).intent["total_users"] == 1000
    changes = {"total_users": "2500", "add field": "max_gpus", "add value": "8", "budget.max_monthly_cost_usd": ""}
    assert await at_work.submit(changes) == {}
    view = await at_work.view()
    budget = view.intent["budget"]["max_monthly_cost_usd"]
    assert (view.intent["total_users"], view.intent["max_gpus"], budget) == (2500, 8, None)
    assert "*2500*" in json.dumps(at_work.slack.messages[card])
    await at_work.click("undo", nth=-1)
    assert (await at_work.view()).intent["total_users"] == 1000
    assert [name for name in ("undo", "redo") if f'"{name}"' in json.dumps(at_work.slack.messages[card])] == ["redo"]
    await at_work.click("redo")
    stale = await at_work.submit({"total_users": "3000"})
    assert "out of date" in next(iter(stale["errors"].values()))


async def test_a_form_that_slack_no_longer_opens_is_told(at_work: Workplace) -> None:
    await at_work.begin()
    at_work.slack.expired.add(f"t{at_work.events + 1}")
    assert (await at_work.click("edit")).status_code == 200
    assert "Click again" in at_work.slack.whispers[-1]["text"]


async def test_options_are_chosen_compared_and_explained_by_buttons(at_work: Workplace) -> None:
    await at_work.begin()
    wanted = json.loads(at_work.buttons("choose")[0][2]["value"])["option"]
    await at_work.click("why")
    assert "80 % interval" in at_work.text()
    await at_work.click("compare")
    assert "difference" in at_work.text()
    await at_work.click("choose")
    view = await at_work.view()
    assert view.chosen_option["id"] == wanted


@pytest.mark.usefixtures("priced_home")
async def test_prices_are_a_table_also_for_a_workspace_that_takes_none(at_work: Workplace) -> None:
    await at_work.begin()
    (card, _, _), *_ = at_work.buttons("edit")
    await at_work.click("beside")
    question = {"text": "how much is llama 3.3 70b on groq?", "thread_ts": at_work.slack.messages[card]["thread_ts"]}
    await at_work.begin(**question)
    beside, prices = (rows for message in at_work.slack.messages.values() for rows in rows_of(message))
    assert beside[0][3:5] == ["a month", "per 1K tokens"]
    assert beside[1][0].endswith(" (chosen)")
    assert prices[0] == ["seller", "model or product", "billed", "price", "per", "source"]
    at_work.slack.refusals["chat.postMessage"] = [(200, {}, {"ok": False, "error": "invalid_blocks"})]
    await at_work.begin(**question)
    newest = list(at_work.slack.messages.values())[-1]
    assert rows_of(newest) == []
    assert all(cell in json.dumps(newest, ensure_ascii=False) for cell in prices[1])


async def test_a_plan_is_approved_once_tested_rated_and_rolled_back(at_work: Workplace) -> None:
    await at_work.begin()
    (_, _, approve), *_ = at_work.buttons("approve")
    asked = approve["confirm"]["text"]["text"]
    assert "a simulator on this machine" in asked
    assert "a month" in asked
    await asyncio.gather(*[at_work.click("approve", wait=False) for _ in range(2)])
    await at_work.desk.idle()
    assert len(at_work.door.context.records.deployments.all()) == 1
    assert "out of date" in at_work.slack.whispers[-1]["text"]
    assert "Verdict: " in at_work.text()
    await at_work.click("rate", nth=3)
    assert at_work.door.context.records.outcomes.all()[-1].ratings[0].stars == 4
    await at_work.click("try", user=BOB)
    assert at_work.slack.views == []
    await at_work.click("try")
    assert await at_work.submit({"prompt": "How do I <reset> it?"}) == {}
    answer = json.dumps(list(at_work.slack.messages.values())[-1])
    assert "*Prompt* How do I &lt;reset&gt; it?" in answer
    assert "TTFT" in answer
    (card, _, _), *_ = at_work.buttons("edit")
    await at_work.begin(text="what is deployed?", thread_ts=at_work.slack.messages[card]["thread_ts"])
    (rows,) = rows_of(list(at_work.slack.messages.values())[-1])
    assert rows[1][0] == at_work.door.context.records.deployments.all()[0].deployment_id
    await at_work.click("rollback")
    assert (await at_work.view()).deployment is None
    assert at_work.door.context.records.deployments.all()[-1].state == "rolled_back"


async def test_long_work_is_stopped_by_a_click_of_whoever_began_it(at_work: Workplace) -> None:
    at_work.door.context = replace(at_work.door.context, validation_seconds=30_000)
    await at_work.begin()
    await at_work.click("approve", wait=False)
    await at_work.slack.until(
        lambda: any(" load test: " in json.dumps(each) for each in at_work.slack.messages.values())
    )
    await at_work.click("stop", user=BOB, wait=False)
    await at_work.slack.until(lambda: at_work.slack.whispers)
    assert "somebody else" in at_work.slack.whispers[-1]["text"]
    await at_work.click("stop")
    assert "Verdict: " in at_work.text()
    assert not [each for each in at_work.slack.messages.values() if '"stop"' in json.dumps(each)]


async def test_who_may_not_deploy_is_refused_by_click_and_by_word(
    tmp_path: Path, slack_double: ModuleType, slack: Any
) -> None:
    async with workplace(tmp_path, slack_double, slack) as place:
        await place.begin()
        card = place.buttons("approve")[0][0]
    async with workplace(tmp_path, slack_double, slack, deployers=frozenset()) as place:
        await place.click("approve")  # of the time when it was allowed
        assert "you may plan here, but not approve" in slack.whispers[-1]["text"]
        await place.say("deploy it", thread_ts=slack.messages[card]["thread_ts"])
        await place.desk.idle()
        assert "not deploy" in place.text()
        assert place.door.context.records.deployments.all() == ()
        await place.say("10 users", user=BOB)
        await place.desk.idle()
        newest = place.buttons("edit")[0][0]
        assert newest != card
        assert newest not in {ts for ts, _, _ in place.buttons("approve")}


async def test_a_bill_is_fetched_with_the_token_from_slack_alone(at_work: Workplace, tmp_path: Path) -> None:
    at_work.slack.files["bill.csv"] = (
        b"date,provider,model,input_tokens,output_tokens,cost_usd\n2026-10-01,openai,gpt-4o-mini,1000000,100000,0.21\n"
    )
    url = f"{at_work.slack.url}/files/"
    for file, answer in (
        ({"name": "bill.csv", "url_private_download": f"{url}bill.csv"}, "0.21"),
        ({"name": "bill.csv", "id": "bill.csv", "file_access": "check_file_info"}, "0.21"),
        ({"name": "bill.csv", "url_private_download": "https://files.slack.com.evil.example/bill.csv"}, "not lie with"),
        ({"name": "bill.csv", "url_private_download": f"{url}moved"}, "files:read"),
    ):
        await at_work.say("here is our bill", subtype="file_share", files=[file])
        await at_work.desk.idle()
        assert answer in at_work.text() + json.dumps(at_work.slack.whispers)
        at_work.slack.messages.clear()
        at_work.slack.whispers.clear()
    assert list((tmp_path / "slack-files").iterdir()) == []


async def test_too_many_requests_are_tried_again_when_slack_says(at_work: Workplace) -> None:
    at_work.slack.refusals["chat.postMessage"] = [(429, {"Retry-After": "0"}, {})] * 2
    await at_work.begin()
    assert "Specification" in at_work.text()


async def test_a_turn_goes_on_when_slack_does_not_take_a_message(at_work: Workplace) -> None:
    at_work.slack.refusals["chat.postMessage"] = [(200, {}, {"ok": False, "error": "not_in_channel"})] * 50
    await at_work.begin()
    name = f"slack-{at_work.double.TEAM}-{at_work.double.CHANNEL}-1780000000.000001"
    assert (await at_work.door.view(name, f"slack:{at_work.double.TEAM}:{ANN}")).intent["total_users"] == 1000


async def test_slack_sends_again_what_could_not_be_kept(at_work: Workplace) -> None:
    at_work.slack.refusals["auth.test"] = [(200, {}, {"ok": False, "error": "internal_error"})]
    assert (await at_work.say(WORDS, event_id="Ev0")).status_code == 500
    assert (await at_work.say(WORDS, event_id="Ev0")).status_code == 200
    await at_work.desk.idle()
    assert at_work.buttons("approve")


async def test_what_a_process_that_died_had_taken_is_finished_by_the_next_and_never_done_twice(
    tmp_path: Path, slack_double: ModuleType, slack: Any
) -> None:
    place = Place(slack_double.TEAM, slack_double.CHANNEL, "1.1")
    job = Job("say", place, ANN, text="chatbot for 77 users")
    dead = Inbox(Records(tmp_path).database, lambda: utc_now() - timedelta(minutes=10))
    for event_id in ("Ev1", "Ev2"):  # the second: it died when the conversation had heard the words already
        assert dead.take(event_id, job.to_json(), "a process that died")
        async with workplace(tmp_path, slack_double, slack) as work:
            await slack.until(lambda: any("*77*" in json.dumps(each) for each in slack.messages.values()))
            await work.desk.idle()
            state = await work.door.state(place.conversation, job.owner)
            assert [each["text"] for each in state["inputs"]] == ["chatbot for 77 users"]
        slack.messages.clear()


@pytest.mark.parametrize("hangs", [False, True], ids=["in the load test", "while Slack hangs"])
async def test_what_takes_too_long_at_the_end_is_left_to_the_next_server(
    tmp_path: Path, slack_double: ModuleType, slack: Any, hangs: bool
) -> None:
    async with workplace(tmp_path, slack_double, slack, finish_within_s=0.0) as work:
        work.door.context = replace(work.door.context, validation_seconds=20 if hangs else 6000)
        await work.begin()
        if hangs:
            slack.hold.clear()
        await work.click("approve", wait=False)
        deployments = work.door.context.records.deployments
        await slack.until(lambda: [each for each in deployments.all() if each.state in ("applied", "verified")])
    slack.hold.set()
    async with workplace(tmp_path, slack_double, slack) as work:
        told = ("Verdict: ", "verdict: ", "stopped in the middle")  # done by now, done before, or to be asked for
        await slack.until(lambda: any(each in work.text() for each in told))
        await work.desk.idle()
        assert len(work.door.context.records.deployments.all()) == 1


async def test_of_two_servers_on_one_database_either_goes_on_and_one_deploys(
    tmp_path: Path, slack_double: ModuleType, slack: Any, database_url: str
) -> None:
    async with (
        workplace(tmp_path / "1", slack_double, slack, database_url=database_url) as first,
        workplace(tmp_path / "2", slack_double, slack, database_url=database_url) as second,
    ):
        said = {"event_id": "Ev1", "ts": "1770000000.000001"}
        await asyncio.gather(first.say(WORDS, **said), second.say(WORDS, **said))
        await asyncio.gather(first.desk.idle(), second.desk.idle())
        assert len(second.buttons("edit")) == 1
        await second.click("choose")
        first.events += 1000  # another click, not the same one told twice
        await asyncio.gather(first.click("approve", wait=False), second.click("approve", wait=False))
        await asyncio.gather(first.desk.idle(), second.desk.idle())
        assert len(first.door.context.records.deployments.all()) == 1
        assert second.text().count('"Verdict: ') == 2  # the text and the heading of one message
        assert len(slack.whispers) == 1


async def test_secrets_and_words_that_are_done_with_are_nowhere(
    at_work: Workplace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await at_work.begin()
    await at_work.click("edit")
    at_work.slack.refusals["chat.postMessage"] = [(200, {}, {"ok": False, "error": "channel_not_found"})]
    await at_work.say("actually 50 users")
    await at_work.desk.idle()
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("**/*") if file.is_file())  # noqa: ASYNC240  # a test
    for secret in (at_work.double.TOKEN, at_work.double.SECRET, "verification-token-of-old"):
        assert secret not in caplog.text
        assert secret.encode() not in kept
    assert "channel_not_found" in caplog.text
    with at_work.door.context.records.database.read() as connection:
        rows = connection.execute("SELECT job, done FROM slack_inbox").fetchall()
    assert [(row["job"], row["done"]) for row in rows] == [("{}", 1)] * 2
