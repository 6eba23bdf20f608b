"""When turns may run: bounds for a person and a process, one at a time per conversation, none once we stop."""

import asyncio

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from agent.slots import Bounds, Slots
from agent.turns import Turns
from knowledge.errors import BadInput, Busy, Unavailable
from ui.api.crowd import Crowd
from ui.concurrency import bounds


async def test_a_person_has_so_many_places_and_others_have_theirs() -> None:
    slots = Slots("plans", Bounds(process=3, person=2, wait_s=0.01))
    async with slots.taken("ann"), slots.taken("ann"):
        with pytest.raises(Busy, match="you have 2 plans running already") as caught:
            await slots.taken("ann").__aenter__()
        assert caught.value.retry_after_s >= 1
        async with slots.taken("bob"):
            with pytest.raises(Busy, match="3 plans run here at once"):
                await slots.taken("cyd").__aenter__()
    async with slots.taken("ann"), slots.taken("ann"), slots.taken("bob"):
        pass


async def test_one_who_waits_gets_the_place_that_becomes_free() -> None:
    slots, order = Slots("turns", Bounds(process=1, person=1, wait_s=60)), list[str]()

    async def work(who: str) -> None:
        async with slots.taken(who):
            order.append(who)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(who) for who in ("ann", "bob", "cyd")))
    assert order == ["ann", "bob", "cyd"]


async def test_a_conversation_has_one_turn_at_a_time() -> None:
    turns, inside, most = Turns(), 0, 0

    async def turn(thread: str) -> None:
        nonlocal inside, most
        async with turns.turn(thread, "ann"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(turn("same") for _ in range(5)))
    assert most == 1


async def test_running_turns_end_and_none_begins_while_we_stop() -> None:
    turns, begun, go, ended = Turns(), asyncio.Event(), asyncio.Event(), list[str]()

    async def turn() -> None:
        async with turns.turn("t", "ann"):
            begun.set()
            await go.wait()
            ended.append("whole")

    running = asyncio.create_task(turn())
    await begun.wait()
    draining = asyncio.create_task(turns.drain(60))
    await asyncio.sleep(0)  # it has begun
    assert turns.stopping
    with pytest.raises(Unavailable, match="is stopping"):
        await turns.turn("other", "bob").__aenter__()
    go.set()
    await draining
    assert ended == ["whole"]
    await running


async def test_what_does_not_end_is_cut_off() -> None:
    turns, begun, cut = Turns(), asyncio.Event(), list[str]()

    async def turn() -> None:
        async with turns.turn("t", "ann"):
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cut.append("off")
                raise

    running = asyncio.create_task(turn())
    await begun.wait()
    await turns.drain(0.01)
    assert cut == ["off"]
    assert running.cancelled()


def test_settings_replace_the_usual_bounds_and_unknown_ones_are_named() -> None:
    assert bounds("turns", {"turns": 64, "wait_s": 1}) == Bounds(64, 8, 1)
    with pytest.raises(BadInput, match="knows no 'trains'"):
        bounds("turns", {"trains": 3})


@pytest.mark.parametrize("path", ["/v1/plan", "/v1/compare", "/v1/invoices", "/ui/project/file"])
async def test_one_request_too_many_is_told_to_come_back(path: str) -> None:
    busy, go = asyncio.Event(), asyncio.Event()

    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        busy.set()
        await go.wait()
        await PlainTextResponse("done")(scope, receive, send)

    said = {"plans": 1, "plans_person": 1, "uploads": 1, "uploads_person": 1, "wait_s": 1}
    transport = httpx.ASGITransport(Crowd(work, said=said))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        first = asyncio.create_task(client.post(path, content=b"x"))
        await busy.wait()
        second = await client.post(path, content=b"x")
        assert (second.status_code, second.headers["retry-after"]) == (429, "1")
        assert second.headers["content-type"] == "application/problem+json"
        assert "running already" in second.json()["title"]
        go.set()
        assert (await first).text == "done"
        assert (await client.post(path, content=b"x")).text == "done"
        assert (await client.get("/v1/catalog/rank")).text == "done"
