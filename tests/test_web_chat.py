"""The web chat on its own wire: words, card, edit, refusal, approval, resume; and what Chainlit leaves open, closed."""

import asyncio
import io
import uuid
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import socketio  # type: ignore[import-untyped]
import yaml

from ui.access import PasswordFile

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
ANN, BOB, EVE = ("ann", "correct horse battery"), ("bob", "another long password"), ("eve", "whose job it is")
PATIENCE_S = 60
StartWeb = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, start_web: StartWeb, put_prices: Callable[[Path], Path]
) -> Iterator[str]:
    home = put_prices(tmp_path_factory.mktemp("web"))
    with start_web(home, "--time-factor", "200", people=(ANN, BOB), ends_within_s=30) as url:
        PasswordFile(home / "people").add(*EVE, admin=True)
        yield url
    assert "Traceback" not in (home / "log").read_text()


class Chat:
    """A browser without a screen: it keeps the newest props of every card and all messages."""

    def __init__(self, base: str, session: httpx.AsyncClient, thread: str | None) -> None:
        self.base = base
        self.session = session
        self.identity = str(uuid.uuid4())
        self.thread = thread
        self.cards: dict[str, dict[str, Any]] = {}
        self.names: dict[str, str] = {}
        self.messages: list[dict[str, Any]] = []
        self.resumed: dict[str, Any] | None = None
        self.changed = asyncio.Condition()
        self.socket = socketio.AsyncClient(reconnection=False)
        self.socket.on("element", self._element)
        self.socket.on("new_message", self._message)
        self.socket.on("first_interaction", self._begun)
        self.socket.on("resume_thread", self._resumed)

    async def open(self) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in self.session.cookies.items())
        about = {"sessionId": self.identity, "clientType": "webapp", "userEnv": "{}", "chatProfile": None,
                 "threadId": self.thread}  # fmt: skip
        await self.socket.connect(
            self.base,
            socketio_path="/ui/ws/socket.io",
            transports=["websocket"],
            headers={"Cookie": cookies},
            auth=about,
        )
        await self.socket.emit("connection_successful")

    async def say(self, text: str, files: tuple[str, ...] = ()) -> None:
        message = {"id": str(uuid.uuid4()), "name": "person", "type": "user_message", "output": text,
                   "createdAt": "2026-11-21T12:00:00Z", "threadId": ""}  # fmt: skip
        await self.socket.emit(
            "client_message", {"message": message, "fileReferences": [{"id": each} for each in files]}
        )

    async def act(self, kind: str, revision: int, values: dict[str, Any] | None = None) -> dict[str, str]:
        payload = {"kind": kind, "revision": revision, "values": values or {}}
        action = {"name": "act", "payload": payload, "label": "", "tooltip": "", "icon": None, "id": str(uuid.uuid4())}
        answer = await self.session.post("/ui/project/action", json={"sessionId": self.identity, "action": action})
        assert answer.status_code == 200, answer.text
        errors: dict[str, str] = answer.json()["response"]["errors"]
        return errors

    async def card(self, name: str, **wanted: Any) -> dict[str, Any]:
        """The newest card of a name, once it has these values."""

        def there() -> bool:
            card = self.cards.get(name)
            return card is not None and all(card.get(key) == value for key, value in wanted.items())

        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(there)
        return self.cards[name]

    async def ask(self, kind: str, **values: Any) -> dict[str, Any]:
        """What the deployment card asks beside its buttons."""
        action = {"name": "deployment", "payload": {"kind": kind, **values}, "label": "", "tooltip": "", "icon": None,
                  "id": str(uuid.uuid4())}  # fmt: skip
        answer = await self.session.post("/ui/project/action", json={"sessionId": self.identity, "action": action})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()["response"]
        return told

    async def card_where(self, name: str, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The newest card of a name, once this holds of it."""
        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(lambda: name in self.cards and holds(self.cards[name]))
        return self.cards[name]

    async def answer(self, word: str) -> str:
        """The newest message with this word."""

        def found() -> list[str]:
            return [message["output"] for message in self.messages if word in message["output"]]

        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(found)
        return found()[-1]

    async def until_resumed(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S), self.changed:
            await self.changed.wait_for(lambda: self.resumed is not None)
        assert self.resumed is not None
        return self.resumed

    async def _element(self, element: dict[str, Any]) -> None:
        async with self.changed:
            if element["type"] == "custom" and not element["props"].get("superseded"):
                self.cards[element["name"]] = element["props"]
            elif element["type"] == "custom":
                self.cards.pop(element["name"], None)
            self.changed.notify_all()

    async def _message(self, message: dict[str, Any]) -> None:
        async with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    async def _begun(self, about: dict[str, Any]) -> None:
        self.thread = about["thread_id"]

    async def _resumed(self, thread: dict[str, Any]) -> None:
        async with self.changed:
            self.resumed = thread
            self.changed.notify_all()


@asynccontextmanager
async def chatting(base: str, person: tuple[str, str], thread: str | None = None) -> AsyncIterator[Chat]:
    async with httpx.AsyncClient(base_url=base, timeout=PATIENCE_S) as session:
        form = {"username": person[0], "password": person[1]}
        assert (await session.post("/ui/login", data=form)).status_code == 200
        chat = Chat(base, session, thread)
        await chat.open()
        try:
            yield chat
        finally:
            await chat.socket.disconnect()
            await chat.socket.shutdown()


def value_of(card: dict[str, Any], key: str) -> str:
    (field,) = (field for group in card["groups"] for field in group["fields"] if field["key"] == key)
    text: str = field["text"]
    return text


async def test_words_become_a_card_that_is_edited_approved_and_rolled_back(server: str) -> None:
    async with chatting(server, ANN) as ann:
        await ann.say(WORDS)
        card = await ann.card("SpecCard", revision=1)
        assert value_of(card, "total_users") == "1000"
        assert (await ann.card("OptionsCard"))["chosen"]
        errors = await ann.act("edit", 1, {"total_users": "-5"})
        assert "greater than 0" in errors["total_users"]
        assert await ann.act("edit", 1, {"total_users": "2000", "priority": ""}) == {}
        card = await ann.card("SpecCard", revision=2)
        assert value_of(card, "total_users") == "2000"
        stale = await ann.act("approve", 1)
        assert "out of date" in stale[""]
        other = (await ann.card("OptionsCard", revision=2))["lists"][0]["ids"][1]
        assert await ann.act("choose", 2, {"option": other}) == {}
        assert (await ann.card("OptionsCard", revision=3))["chosen"] == other
        both = await asyncio.gather(ann.act("approve", 3), ann.act("approve", 3))
        assert sorted(map(bool, both)) == [False, True]
        report = await ann.card("ReportCard")
        assert {slo["name"] for slo in report["slos"]} >= {"TTFT p90 (ms)"}
        card = await ann.card("DeployCard", revision=4)
        running = card["running"]
        assert running["endpoints"]
        assert running["tested"]
        assert [link["title"].split()[0] for link in running["monitoring"]][-1] == "metrics"

        assert await ann.ask("try", prompt="How do I reset my password?") == {"errors": {}}
        card = await ann.card_where("DeployCard", lambda card: (card.get("tried") or {}).get("finished"))
        assert card["tried"]["text"]
        assert {"answer", "TTFT"} <= {figure["name"] for figure in card["tried"]["figures"]}
        assert "4,000 characters" in (await ann.ask("try", prompt="x" * 5000))["errors"]["prompt"]

        assert "1 to 5" in (await ann.ask("rate", stars=9))["errors"]["stars"]
        assert await ann.ask("rate", stars=4, comment="fits") == {"errors": {}}
        card = await ann.card_where("DeployCard", lambda card: card["running"]["rating"])
        assert card["running"]["rating"] == {"stars": 4, "comment": "fits"}
        thumb = {
            "feedback": {"forId": str(uuid.uuid4()), "value": 1, "threadId": ann.thread},
            "sessionId": ann.identity,
        }
        kept = (await ann.session.put("/ui/feedback", json=thumb)).json()
        assert kept["rated"]
        gone = await ann.session.request("DELETE", "/ui/feedback", json={"feedbackId": kept["feedbackId"]})
        assert gone.json()["withdrawn"]  # with the thumb goes what it said of the recommendation
        for paper in report["papers"]:
            found = await ann.session.get(f"{report['downloads']}/{paper['id']}")
            assert found.headers["content-type"].startswith(paper["media_type"])
            assert "attachment" in found.headers["content-disposition"]
            assert "sandbox" in found.headers["content-security-policy"]

        assert await ann.act("rollback", 4) == {}
        card = await ann.card("DeployCard", running=None)
        assert not any(message.get("isError") for message in ann.messages)


async def test_a_chat_is_there_again_after_a_reload_and_goes_on(server: str) -> None:
    async with chatting(server, ANN) as ann:
        await ann.say(WORDS)
        await ann.card("SpecCard", revision=1)
        assert await ann.act("edit", 1, {"total_users": "1500"}) == {}
        await ann.card("OptionsCard", revision=2)
        thread = ann.thread
    async with chatting(server, ANN, thread) as again:
        shown = await again.until_resumed()
        cards = {element["name"]: element["props"] for element in shown["elements"]}
        assert value_of(cards["SpecCard"], "total_users") == "1500"
        assert cards["OptionsCard"]["revision"] == 2
        assert any(step["output"] == WORDS for step in shown["steps"])
        assert await again.act("edit", 2, {"total_users": "1600"}) == {}
        assert value_of(await again.card("SpecCard", revision=3), "total_users") == "1600"
        await again.card("DeployCard", revision=3)
        assert await again.act("edit", 3, {"budget.max_monthly_cost_usd": "1"}) == {}
        assert (await again.card("OptionsCard", revision=4))["options"] == {}
        assert "DeployCard" not in again.cards  # nothing serves it, so nothing can be deployed
        assert await again.act("undo", 4) == {}
        await again.card("DeployCard", revision=5)
        listed = await again.session.post(
            "/ui/project/threads", json={"pagination": {"first": 20}, "filter": {"search": "customer-support"}}
        )
        assert thread in [entry["id"] for entry in listed.json()["data"]]


async def test_what_a_lost_socket_missed_is_drawn_when_it_comes_again_and_the_same_cards_go_on(server: str) -> None:
    async with chatting(server, ANN) as ann:
        await ann.say(WORDS)
        await ann.card("DeployCard", revision=1)
        await ann.socket.disconnect()
        assert await ann.act("edit", 1, {"total_users": "1500"}) == {}
        for _ in range(2):  # the second time while nothing was missed
            ann.resumed = None
            await ann.open()
            shown = await ann.until_resumed()
            names = [each["name"] for each in shown["elements"] if not each["props"].get("superseded")]
            cards = {element["name"]: element["props"] for element in shown["elements"]}
            assert sorted(names) == sorted(set(names))
            assert value_of(cards["SpecCard"], "total_users") == "1500"
            assert (cards["SpecCard"]["undo"], cards["SpecCard"]["redo"]) == (True, False)
            await ann.socket.disconnect()
        await ann.open()
        assert await ann.act("undo", 2) == {}
        assert (await ann.card("SpecCard", revision=3))["redo"]


async def test_nobody_sees_or_changes_the_chat_of_another(server: str) -> None:
    async with chatting(server, ANN) as ann, chatting(server, BOB) as bob:
        await ann.say("hello")
        await bob.say("hello")
        await ann.say(WORDS)
        await ann.card("SpecCard", revision=1)
        assert (await bob.session.get(f"/ui/project/thread/{ann.thread}")).status_code in (401, 404)
        listed = await bob.session.post("/ui/project/threads", json={"pagination": {"first": 20}, "filter": {}})
        assert ann.thread not in [entry["id"] for entry in listed.json()["data"]]
        bob.identity = ann.identity
        action = {"sessionId": ann.identity, "action": {"name": "act", "payload": {"kind": "undo", "revision": 1},
                  "label": "", "tooltip": "", "icon": None, "id": "x"}}  # fmt: skip
        assert (await bob.session.post("/ui/project/action", json=action)).status_code == 401
        card = {"id": "x", "type": "custom", "name": "SpecCard", "props": {"title": "changed"}, "threadId": ann.thread}
        for method in ("PUT", "DELETE"):
            answer = await bob.session.request(
                method, "/ui/project/element", json={"element": card, "sessionId": bob.identity}
            )
            assert answer.status_code == 404


async def test_an_answer_to_a_question_of_prices_needs_no_card(server: str) -> None:
    async with chatting(server, ANN) as ann:
        await ann.say("hello")
        await ann.card("QuestionCard")
        assert "SpecCard" not in ann.cards


async def test_a_dropped_bill_is_analysed_under_its_own_name(server: str, repository: Path) -> None:
    bill = repository / "tests" / "data" / "invoices" / "canonical_five_column.csv"
    async with chatting(server, ANN) as ann:
        sent = await ann.session.post(
            "/ui/project/file",
            params={"session_id": ann.identity},
            files={"file": ("october.csv", bill.read_bytes(), "text/csv")},
        )
        await ann.say("what could I save on this bill?", (sent.json()["id"],))
        card = await ann.card("BillCard", title="october.csv")
        assert {"name": "lines", "text": "9"} in card["facts"]
        assert len(card["open_lines"]) == 9
        assert sorted(paper["media_type"] for paper in card["papers"]) == ["application/json", "text/html"]
        for paper in card["papers"]:
            assert (await ann.session.get(f"{card['downloads']}/{paper['id']}")).status_code == 200


async def test_prices_come_as_a_table_with_a_source_in_every_row(server: str) -> None:
    async with chatting(server, ANN) as ann:
        await ann.say("how much does claude sonnet cost per million tokens?")
        card = await ann.card("TableCard")
        assert [column["name"] for column in card["columns"]][-1] == "source"
        assert card["rows"]
        for row in card["rows"]:
            assert row[3]["text"].startswith("$")
            assert row[-1]["url"].startswith("https://")


async def test_files_and_manifests_are_their_owner_s_and_may_be_read_by_an_admin(server: str, repository: Path) -> None:
    async with (
        chatting(server, ANN) as ann,
        chatting(server, BOB) as bob,
        chatting(server, EVE) as eve,
        httpx.AsyncClient(base_url=server) as none,
    ):
        await ann.say(WORDS)
        card = await ann.card("DeployCard")
        shown = await ann.ask("manifests", form="vanilla")
        assert shown["form"] == "vanilla"
        assert {"deployment.yaml", "service.yaml"} <= {each["file"] for each in shown["files"]}
        assert "kind: Secret" not in "".join(each["text"] for each in shown["files"])
        assert "one of" in (await ann.ask("manifests", form="helm"))["errors"]["form"]
        zipped = await ann.session.get(f"{card['downloads']}/manifests.zip", params={"form": "vanilla"})
        with zipfile.ZipFile(io.BytesIO(zipped.content)) as archive:
            names = archive.namelist()
            assert len(names) == len(shown["files"]) + 1
            assert archive.read(names[0]).decode() == shown["files"][0]["text"]
        stream = await ann.session.get(f"{card['downloads']}/manifests.yaml")
        assert "InferenceService" in {each["kind"] for each in yaml.safe_load_all(stream.text)}
        bill = repository / "tests" / "data" / "invoices" / "canonical_five_column.csv"
        sent = await ann.session.post("/ui/project/file", params={"session_id": ann.identity},
                                      files={"file": ("bill.csv", bill.read_bytes(), "text/csv")})  # fmt: skip
        await ann.say("what could I save?", (sent.json()["id"],))
        papers = (await ann.card("BillCard"))["papers"]
        addresses = [f"{card['downloads']}/{name}" for name in ("manifests.zip", "manifests.yaml", papers[0]["id"])]
        addresses.insert(0, f"/ui/plans/{ann.thread}.md")
        for address in addresses:
            assert (await ann.session.get(address)).status_code == 200
            assert (await bob.session.get(address)).status_code == 404
            assert (await eve.session.get(address)).status_code == 200
            assert (await none.get(address)).status_code == 401
        elsewhere = addresses[-1].replace(str(ann.thread), str(uuid.uuid4()))
        assert (await ann.session.get(elsewhere)).status_code == 404


async def test_a_thumb_is_kept_for_its_owner_s_messages_only(server: str) -> None:
    async with chatting(server, ANN) as ann, chatting(server, BOB) as bob:
        await ann.say(WORDS)
        await ann.card("DeployCard")
        message = str(uuid.uuid4())
        thumb = {"feedback": {"forId": message, "value": 1, "threadId": ann.thread, "comment": "good"},
                 "sessionId": ann.identity}  # fmt: skip
        assert (await bob.session.put("/ui/feedback", json=thumb)).status_code == 404
        kept = await ann.session.put("/ui/feedback", json=thumb)
        assert kept.json() == {"success": True, "feedbackId": f"rating-{message}", "rated": False}
        gone = {"feedbackId": kept.json()["feedbackId"]}
        assert (await bob.session.request("DELETE", "/ui/feedback", json=gone)).status_code == 404
        assert (await ann.session.request("DELETE", "/ui/feedback", json=gone)).status_code == 200
        assert (await ann.session.request("DELETE", "/ui/feedback", json=gone)).status_code == 404


async def test_the_page_asks_no_other_host_and_the_root_leads_to_it(server: str) -> None:
    async with httpx.AsyncClient(base_url=server, timeout=PATIENCE_S) as visitor:
        assert (await visitor.get("/")).headers["location"] == "/ui/"
        page = await visitor.get("/ui/")
        assert "//fonts." not in page.text
        assert "cdn." not in page.text
        assert "s3." not in page.text
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert (await visitor.get("/v1/deployments")).status_code == 401
        assert (await visitor.post("/ui/login", data={"username": "ann", "password": "no"})).status_code == 401
        for name in ("SpecCard", "OptionsCard", "ReportCard", "ComparisonCard", "QuestionCard", "ProgressCard",
                     "DeployCard", "TableCard", "BillCard", "StatusCard"):  # fmt: skip
            assert (await visitor.get(f"/ui/public/elements/{name}.jsx")).status_code == 200
