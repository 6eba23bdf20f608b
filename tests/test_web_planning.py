"""Looking closer in the web chat, on its own wire: tried values, simulated picks, plots, scenarios, files, a stop."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
import socketio  # type: ignore[import-untyped]

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
ANN, BOB = ("ann", "correct horse battery"), ("bob", "another long password")
PATIENCE_S = 60
StartWeb = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_web: StartWeb) -> Iterator[str]:
    home = tmp_path_factory.mktemp("web-planning")
    with start_web(home, "--time-factor", "200", people=(ANN, BOB), ends_within_s=PATIENCE_S) as url:
        yield url
        assert not [file for file in (home / "web" / ".files").rglob("*") if file.is_file()]  # no card leaves one
    written = (home / "log").read_text()
    assert "Traceback" not in written
    assert "never awaited" not in written


class Chat:
    """A browser without a screen that has said what it needs: the newest props of every card."""

    def __init__(self, session: httpx.AsyncClient) -> None:
        self.session = session
        self.identity = str(uuid.uuid4())
        self.thread = ""
        self.cards: dict[str, dict[str, Any]] = {}
        self.said: list[str] = []
        self.ended = 0
        self.changed = asyncio.Condition()
        self.socket = socketio.AsyncClient(reconnection=False)
        self.socket.on("element", self._element)
        self.socket.on("new_message", self._message)
        self.socket.on("task_end", self._end)

    async def open(self, base: str) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in self.session.cookies.items())
        about = {"sessionId": self.identity, "clientType": "webapp", "userEnv": "{}", "chatProfile": "Plan",
                 "threadId": None}  # fmt: skip
        await self.socket.connect(
            base, socketio_path="/ui/ws/socket.io", transports=["websocket"], headers={"Cookie": cookies}, auth=about
        )
        await self.socket.emit("connection_successful")

    async def say(self, text: str) -> None:
        message = {"id": str(uuid.uuid4()), "name": "person", "type": "user_message", "output": text,
                   "createdAt": "2026-11-21T12:00:00Z", "threadId": ""}  # fmt: skip
        await self.socket.emit("client_message", {"message": message, "fileReferences": []})

    async def call(self, name: str, **payload: Any) -> dict[str, Any]:
        action = {"name": name, "payload": payload, "label": "", "tooltip": "", "icon": None, "id": str(uuid.uuid4())}
        answer = await self.session.post("/ui/project/action", json={"sessionId": self.identity, "action": action})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["response"]
        return found

    async def until(self, there: Any) -> None:
        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(there)

    async def _element(self, element: dict[str, Any]) -> None:
        async with self.changed:
            self.thread = element["threadId"]
            if not element["props"].get("superseded"):
                self.cards[element["name"]] = element["props"]
            self.changed.notify_all()

    async def _message(self, message: dict[str, Any]) -> None:
        async with self.changed:
            self.said.append(message["output"])
            self.changed.notify_all()

    async def _end(self, *_: Any) -> None:
        async with self.changed:
            self.ended += 1
            self.changed.notify_all()


@asynccontextmanager
async def chatting(base: str, person: tuple[str, str], words: str = WORDS) -> AsyncIterator[Chat]:
    async with httpx.AsyncClient(base_url=base, timeout=PATIENCE_S) as session:
        form = {"username": person[0], "password": person[1]}
        assert (await session.post("/ui/login", data=form)).status_code == 200
        chat = Chat(session)
        await chat.open(base)
        try:
            await chat.say(words)
            await chat.until(lambda: "CloserCard" in chat.cards)
            yield chat
        finally:
            await chat.socket.disconnect()
            await chat.socket.shutdown()


async def test_a_slider_tries_values_and_its_release_plans_with_them(server: str) -> None:
    async with chatting(server, ANN) as ann:
        users = next(each for each in ann.cards["OptionsCard"]["sliders"] if each["key"] == "total_users")
        assert users["values"][users["at"]] == 1000
        wanted = users["values"][users["at"] + 3]
        tried = await ann.call("look", kind="what_if", revision=1, values={"total_users": wanted})
        assert tried["options"]["options"]
        assert ann.cards["SpecCard"]["revision"] == 1
        assert (await ann.call("act", kind="edit", revision=1, values={"total_users": wanted}))["errors"] == {}
        await ann.until(lambda: ann.cards["OptionsCard"]["revision"] == 2)
        assert ann.cards["OptionsCard"]["options"] == tried["options"]["options"]
        stale = await ann.call("look", kind="what_if", revision=1, values={"total_users": wanted})
        assert "out of date" in stale["errors"][""]
        wrong = await ann.call("look", kind="what_if", revision=2, values={"total_users": -1})
        assert "greater than 0" in wrong["errors"]["total_users"]
        free = {"budget.max_monthly_cost_usd": None}
        assert (await ann.call("act", kind="edit", revision=2, values=free))["errors"] == {}
        await ann.until(lambda: ann.cards["OptionsCard"]["revision"] == 3)
        budget = ann.cards["OptionsCard"]["sliders"][-1]
        assert budget["texts"][budget["at"]] == "no limit"


async def test_picks_are_simulated_and_pictures_drawn_when_asked_for(server: str) -> None:
    async with chatting(server, ANN) as ann:
        before = dict(ann.cards["OptionsCard"]["options"])
        ids = (await ann.call("look", kind="finalists"))["ids"]
        assert ann.cards["OptionsCard"]["chosen"] in ids
        refined = (await ann.call("look", kind="refined", option=ids[0]))["refined"]
        assert [time["name"] for time in refined["times"]] == ["TTFT", "TPOT", "E2E"]
        assert ann.cards["OptionsCard"]["options"] == before
        for view in ("load", "cost", "day", "waits"):
            drawn = await ann.call("look", kind=view, option=ann.cards["CloserCard"]["titles"][0]["id"], runs=1)
            assert drawn["errors"] == {}
            assert drawn["svg"].lstrip().startswith("<figure")
            assert drawn["words"]
        assert "unknown look" in (await ann.call("look", kind="sideways"))["errors"][""]
        assert "option" in (await ann.call("look", kind="load", option="nothing"))["errors"]


async def test_a_plan_is_kept_listed_and_passed_on_as_a_file_to_its_owner_alone(server: str) -> None:
    async with chatting(server, ANN) as ann:
        await ann.say("save this as first try")
        await ann.until(lambda: any("first try" in text for text in ann.said))
        (kept,) = (await ann.call("look", kind="scenarios"))["scenarios"]
        assert kept["name"] == "first try"
        assert kept["option"]["monthly"].startswith("$")
        assert {"total_users", "budget.max_monthly_cost_usd"} <= {field["field"] for field in kept["said"]}
        page = f"{ann.cards['CloserCard']['report']}.html"
        answer = await ann.session.get(page)
        assert answer.status_code == 200
        assert "attachment" in answer.headers["content-disposition"]
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.text.count("<svg") == 5
        assert (await ann.session.get(page.replace(".html", ".md"))).text.startswith("# Plan for chatbot")
        async with httpx.AsyncClient(base_url=server, timeout=PATIENCE_S) as visitor:
            assert (await visitor.get(page)).status_code == 401
            await visitor.post("/ui/login", data={"username": BOB[0], "password": BOB[1]})
            assert (await visitor.get(page)).status_code == 404


async def test_a_chat_begins_as_plan_prices_or_invoice(server: str) -> None:
    async with httpx.AsyncClient(base_url=server, timeout=PATIENCE_S) as visitor:
        await visitor.post("/ui/login", data={"username": ANN[0], "password": ANN[1]})
        found = (await visitor.get("/ui/project/settings")).json()["chatProfiles"]
        assert [each["name"] for each in found] == ["Plan", "Prices", "Invoice"]
        for each in found:
            assert each["starters"]
            assert (await visitor.get(f"/ui{each['icon']}")).headers["content-type"].startswith("image/svg")
            assert (await visitor.get(each["icon"])).headers["location"] == f"/ui{each['icon']}"


async def test_the_stop_button_ends_a_turn_with_everything_in_its_place(server: str) -> None:
    async with chatting(server, ANN) as ann:
        await ann.until(lambda: ann.ended == 2)  # what Chainlit calls one after connecting, and the first turn
        await ann.say("make it 1500 users")
        await ann.socket.emit("stop")
        await ann.until(lambda: ann.ended == 3)
        assert (await ann.call("act", kind="stop"))["errors"] == {}
        revision = ann.cards["SpecCard"]["revision"]
        answer = await ann.call("act", kind="edit", revision=revision, values={"total_users": "1700"})
        assert answer["errors"] == {}
        await ann.until(lambda: ann.cards["SpecCard"]["revision"] == revision + 1)
