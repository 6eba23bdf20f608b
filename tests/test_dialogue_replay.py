"""A conversation can be exported and played again to the same bytes, also when it was killed in the middle."""

import asyncio
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.events import Event
from agent.export import Export, Prices, exported, read_export
from agent.inputs import MOST_CHARS, MOST_INPUTS, with_input
from agent.replay import line, replayed
from agent.sessions import Sessions
from agent.state import Action, State
from knowledge.errors import BadInput, Conflict
from tools.market import Market
from ui.cli import app
from ui.opening import opened
from ui.replaying import replaying
from ui.settings import Settings

STEPS: list[dict[str, Any]] = [
    {"kind": "say", "text": "chatbot for 1000 users, under $5000 a month, rented GPUs"},
    {"kind": "say", "text": "actually 2000 users"},
    {"kind": "edit", "values": {"quality_threshold": "standard"}},
    {"kind": "undo"},
    {"kind": "say", "text": "why this one?"},
]
CHILD = """
import asyncio, json, os, signal, sys
from pathlib import Path
import agent.graph

home, doomed, turn, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
genuine = agent.graph.NODES[doomed]


def killed(state, runtime):
    result = genuine(state, runtime)
    if state.get("turn", 0) >= turn:
        os.kill(os.getpid(), signal.SIGKILL)
    return result


agent.graph.NODES[doomed] = killed
from ui.opening import opened
from ui.settings import Settings


async def main():
    async with opened(time_factor=50, settings=Settings(home=home)) as sessions:
        for step in steps:
            async for _ in sessions.say("t", "ann", step["text"]):
                pass


asyncio.run(main())
"""


async def played(sessions: Sessions, steps: list[dict[str, Any]]) -> list[Event]:
    events: list[Event] = []
    for step in steps:
        if step["kind"] == "say":
            stream = sessions.say("t", "ann", step["text"])
        else:
            view = await sessions.view("t", "ann")
            stream = sessions.act("t", "ann", step["kind"], view.revision, step.get("values"))
        events += [event async for event in stream]
    return events


async def export_of(sessions: Sessions) -> Export:
    market = sessions.context.market
    prices = Prices(digest=market.digest, as_of=market.as_of)
    state = await sessions.state("t", "ann")
    return exported(state, snapshot=sessions.context.snapshot.version, prices=prices, model=None)


async def replay(export: Export, home: Path) -> list[dict[str, Any]]:
    async with replaying(export, home) as sessions:
        return [record async for record in replayed(export, sessions)]


def text_of(records: list[dict[str, Any]]) -> str:
    return "".join(line(record) for record in records)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Export, list[Event]]:
    home = tmp_path_factory.mktemp("home")

    async def made() -> tuple[Export, list[Event]]:
        async with opened(time_factor=50, settings=Settings(home=home), tied=True) as sessions:
            events = await played(sessions, STEPS)
            return await export_of(sessions), events

    return asyncio.run(made())


async def test_a_replay_gives_the_events_of_the_conversation_and_the_same_bytes_again(
    session: tuple[Export, list[Event]], tmp_path: Path
) -> None:
    export, events = session
    first, second = await replay(export, tmp_path / "a"), await replay(export, tmp_path / "b")
    assert text_of(first) == text_of(second)
    kinds = [record["type"] for record in first if record["type"] not in ("input", "compared")]
    assert kinds == [type(event).__name__.lower() for event in events]
    assert first[-1]["same_facts"]
    assert first[-1]["same_intent"]
    assert first[-1]["changes"] == []


async def test_an_export_read_from_a_file_is_the_export(session: tuple[Export, list[Event]], tmp_path: Path) -> None:
    export, _ = session
    file = tmp_path / "session.json"
    file.write_text(export.text(), encoding="utf-8")
    assert read_export(file) == export
    assert [given.kind for given in export.inputs] == [step["kind"] for step in STEPS]
    assert export.chosen is not None


@pytest.mark.parametrize(("node", "turn"), [("understand", 2), ("plan_capacity", 2)])
async def test_a_conversation_that_was_killed_replays_as_one_that_was_not(
    node: str, turn: int, session: tuple[Export, list[Event]], tmp_path: Path
) -> None:
    killed = [step for step in STEPS if step["kind"] == "say"][:2]
    command = [sys.executable, "-c", CHILD, str(tmp_path), node, str(turn if node != "understand" else 1)]
    done = await asyncio.to_thread(
        subprocess.run, [*command, json.dumps(killed)], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    async with opened(time_factor=50, settings=Settings(home=tmp_path), tied=True) as sessions:
        async for _ in sessions.resume("t", "ann"):
            pass
        await played(sessions, STEPS[2:])
        resumed = await export_of(sessions)
    whole = session[0]
    assert [(given.kind, given.text, given.values) for given in resumed.inputs] == [
        (given.kind, given.text, given.values) for given in whole.inputs
    ]
    assert resumed.intent == whole.intent
    assert resumed.chosen == whole.chosen
    assert text_of(await replay(resumed, tmp_path / "a")) == text_of(await replay(whole, tmp_path / "b"))


async def test_on_other_prices_a_replay_says_what_changed_and_by_how_much(
    session: tuple[Export, list[Event]], tmp_path: Path
) -> None:
    export, _ = session
    async with replaying(export, tmp_path) as sessions:
        market = sessions.context.market
        dearer = tuple(
            replace(row, on_demand_usd_per_hour=row.on_demand_usd_per_hour and row.on_demand_usd_per_hour * 2)
            for row in market.instances
        )
        doubled = Market(dearer, market.api_prices, market.cards, digest="doubled", as_of=market.as_of)
        sessions.context = replace(sessions.context, market=doubled)
        compared = [record async for record in replayed(export, sessions)][-1]
    assert not compared["same_facts"]
    assert compared["now"]["prices"]["digest"] == "doubled"
    rows = {row["field"]: row for row in compared["changes"]}
    assert rows["cost.monthly_usd"]["difference"] > 0


async def test_a_replay_deploys_nothing_and_says_so(tmp_path: Path) -> None:
    async with opened(time_factor=50, settings=Settings(home=tmp_path), tied=True) as sessions:
        await played(sessions, STEPS[:1])
        export = await export_of(sessions)
    approve = export.inputs[0].model_copy(update={"kind": "say", "text": "deploy it"})
    records = await replay(export.model_copy(update={"inputs": (*export.inputs, approve)}), tmp_path / "again")
    (failed,) = (record for record in records if record["type"] == "failed")
    assert "deploys nothing" in failed["message"]


async def test_an_export_cannot_read_files_of_this_machine(session: tuple[Export, list[Event]], tmp_path: Path) -> None:
    given = session[0].inputs[0].model_copy(update={"values": {"attachments": ["/etc/passwd"]}})
    records = await replay(session[0].model_copy(update={"inputs": (session[0].inputs[0], given)}), tmp_path)
    (refused,) = (record for record in records if record["type"] == "refused")
    assert "bill" in refused["message"]


def test_kept_inputs_are_bounded_and_an_incomplete_conversation_is_not_exported() -> None:
    state: State = {"thread": "t"}
    long = Action(kind="say", text="x" * (MOST_CHARS // 3), values={})
    for _ in range(4):
        state = {**state, **with_input(state, long, "2026-11-21T00:00:00Z")}
    assert sum(len(entry["text"]) for entry in state["inputs"]) <= MOST_CHARS
    assert state["inputs_dropped"] == 1
    with pytest.raises(Conflict, match="no longer kept"):
        exported(state, snapshot="s", prices=Prices(digest="d", as_of="2026-11-21"), model=None)
    short = Action(kind="undo", text="", values={})
    for _ in range(MOST_INPUTS + 5):
        state = {**state, **with_input(state, short, "2026-11-21T00:00:00Z")}
    assert len(state["inputs"]) == MOST_INPUTS


@pytest.mark.parametrize("content", ["", "{}", "[1, 2]", '{"schema_version": 9}', '{"inputs": [{"kind": "explode"}]}'])
def test_a_file_that_is_no_export_is_refused_in_one_line(content: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text(content)
    with pytest.raises(BadInput) as error:
        read_export(file)
    assert "\n" not in error.value.message


def test_the_commands_export_replay_and_explain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEXTANT_HOME", str(tmp_path))

    async def made() -> None:
        async with opened(time_factor=50, settings=Settings(home=tmp_path), tied=True) as sessions:
            await played(sessions, STEPS[:2])

    asyncio.run(made())
    runner, file = CliRunner(), tmp_path / "session.json"
    done = runner.invoke(app, ["session", "export", "t", "--owner", "ann", "--out", str(file)])
    assert done.exit_code == 0, done.output
    outputs = {runner.invoke(app, ["session", "replay", str(file)]).stdout for _ in range(2)}
    assert len(outputs) == 1
    records = [json.loads(text) for text in outputs.pop().splitlines()]
    assert records[-1]["type"] == "compared"
    assert records[-1]["changes"] == []
    words = runner.invoke(app, ["explain", "t", "--owner", "ann", "--trace"])
    assert "actually 2000 users" in words.stdout or "2000 users" in words.stdout
    assert "snapshot" in words.stdout
    traced = json.loads(runner.invoke(app, ["explain", "t", "--owner", "ann", "--trace", "--json"]).stdout)
    assert {call["tool"] for call in traced["calls"]} == {"profile", "choose models", "plan capacity"}
    said = {entry["field"]: entry for entry in traced["words"]}
    assert said["total_users"]["turn"] == 2
    assert traced["facts"]["price"]["date"]
