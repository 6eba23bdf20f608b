"""Deploying where the person chooses, from one conversation: local or a cluster, through the one door."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from agent.events import Card, Event, Failed, Progress, Replied, Report, Said
from agent.sessions import Sessions
from knowledge.errors import BadInput, Conflict, NotFound
from tools.kubernetes.cluster import Cluster
from ui.access import LOCAL_PERSON
from ui.api.application import application
from ui.api.sessions import EVENT_STREAM
from ui.opening import opened
from ui.settings import ClusterChoice, Settings

WORDS = "chatbot for 1500 users, rented GPUs, 1 to 2 GPUs, cheapest"
ADDRESS = "http://127.0.0.1"
StartDouble = Callable[..., AbstractContextManager[Path]]


async def told(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


def only(events: list[Event], kind: type) -> Event:
    (found,) = (event for event in events if isinstance(event, kind))
    return found


def failures(events: list[Event]) -> list[str]:
    return [f"{event.message}: {event.what_to_do}" for event in events if isinstance(event, Failed)]


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Sessions]:
    settings = Settings(home=tmp_path, grafana_url="http://grafana.test", prometheus_url="http://127.0.0.1:9")
    async with opened(time_factor=200, settings=settings, tied=True) as sessions:
        yield sessions


async def test_a_cluster_is_deployed_to_tested_tried_rated_and_left_again(
    tmp_path: Path, start_double: StartDouble
) -> None:
    chosen = tmp_path / "settings.json"
    chosen.write_text(json.dumps({"simulator": True, "autoscaling": "none"}))
    with start_double(tmp_path, "--simulators") as kubeconfig:
        cluster = ClusterChoice(kubeconfig, settings=chosen)
        async with opened(
            time_factor=20, settings=Settings(home=tmp_path / "home", cluster=cluster), tied=True
        ) as sessions:
            card = only(await told(sessions.say("t", "ann", WORDS)), Card)
            assert isinstance(card, Card)
            local, remote = card.spec["targets"]
            assert (local["name"], local["rents"]) == ("local", False)
            assert remote["name"] == "kubernetes"
            assert "namespace inference" in remote["title"]
            assert "the simulator as kserve" in remote["title"]

            with pytest.raises(BadInput, match="unknown target: 'moon'"):
                await told(sessions.act("t", "ann", "approve", card.revision, {"target": "moon"}))

            events = await told(sessions.say("t", "ann", "deploy it on kubernetes"))
            assert not failures(events)
            stages = [event.stage for event in events if isinstance(event, Progress) and event.step == "deploy"]
            assert stages[0] == "reserved"
            assert {"checking", "applying", "applied"} <= set(stages)
            report = only(events, Report)
            assert isinstance(report, Report)
            assert report.report["verdict"] in ("met", "not_met", "inconclusive")
            view = await sessions.view("t", "ann")
            assert view.card is not None
            running = view.card.spec["deployment"]
            assert running["target"] == "kubernetes"
            assert running["title"] == remote["title"]
            assert [link["title"] for link in running["monitoring"]] == ["metrics"]
            assert Cluster(kubeconfig).list("v1", "Pod", "inference")

            replies = [reply async for reply in sessions.ask("t", "ann", "How do I reset my password?")]
            assert replies[-1].finished
            assert replies[-1].text
            await sessions.rate("t", "ann", 5, "it fits")

            await told(sessions.say("u", "bob", WORDS))
            taken = await told(sessions.say("u", "bob", "deploy it on kubernetes"))
            assert any("is ann's" in line for line in failures(taken))

            again = await told(sessions.say("t", "ann", "deploy it on the local simulator"))
            assert any("roll it back, then deploy it again" in line for line in failures(again))

            view = await sessions.view("t", "ann")
            gone = await told(sessions.act("t", "ann", "rollback", view.revision))
            assert not failures(gone)
            assert Cluster(kubeconfig).list("v1", "Pod", "inference") == []
            (record,) = sessions.context.records.deployments.all(owner="ann")
            assert (record.target, record.state) == ("kubernetes", "rolled_back")


async def test_the_manifests_of_the_card_can_be_seen_by_their_owner_in_every_form(door: Sessions) -> None:
    await told(door.say("t", "ann", WORDS))
    shown = await door.preview("t", "ann")
    assert shown.form == "kserve"
    kinds = {entry["kind"] for each in shown.files for entry in each.objects}
    assert {"InferenceService", "ServingRuntime", "ConfigMap"} <= kinds
    assert "Secret" not in kinds
    vanilla = await door.preview("t", "ann", "vanilla")
    assert "Deployment" in {entry["kind"] for each in vanilla.files for entry in each.objects}
    assert vanilla.text().startswith("# plan.yaml\n---\n")
    with pytest.raises(BadInput, match="unknown form"):
        await door.preview("t", "ann", "helm")
    with pytest.raises(NotFound):
        await door.preview("t", "bob")


async def test_nothing_can_be_tried_or_rated_before_it_is_there_nor_by_others(door: Sessions) -> None:
    await told(door.say("t", "ann", WORDS))
    with pytest.raises(Conflict, match="nothing is deployed"):
        await told(door.ask("t", "ann", "hello"))
    with pytest.raises(Conflict, match="no outcome to rate"):
        await door.rate("t", "ann", 5)
    with pytest.raises(NotFound):
        await told(door.ask("t", "bob", "hello"))
    with pytest.raises(NotFound):
        await door.rate("t", "bob", 1)


async def test_what_runs_locally_answers_is_rated_and_says_where_to_watch_it(door: Sessions, tmp_path: Path) -> None:
    card = only(await told(door.say("t", LOCAL_PERSON, WORDS)), Card)
    assert isinstance(card, Card)
    events = await told(door.act("t", LOCAL_PERSON, "approve", card.revision, {"target": "local"}))
    assert not failures(events)
    live = [event.figures for event in events if isinstance(event, Progress) and event.step == "load test"]
    assert live[-1]["completed"] > 0
    assert live[-1]["ttft_p50_ms"] <= live[-1]["ttft_p90_ms"]
    assert live[-1]["tpot_p50_ms"] <= live[-1]["tpot_p90_ms"]
    assert "ttft_p90_ms" in live[-1]["bounds"]
    report = only(events, Report)
    assert isinstance(report, Report)
    for paper in report.report["papers"]:
        text = door.context.records.papers.get(paper["id"], owner=LOCAL_PERSON).text
        assert "TTFT" in text or "ttft" in text
        with pytest.raises(NotFound):
            door.context.records.papers.get(paper["id"], owner="bob")

    replies = [reply async for reply in door.ask("t", LOCAL_PERSON, "hello")]
    assert all(isinstance(reply, Replied) for reply in replies)
    assert replies[-1].finished
    assert replies[-1].ttft_ms is not None
    assert replies[-1].output_tokens > 0
    assert "faster" in replies[-1].note
    with pytest.raises(BadInput, match="4,000 characters"):
        await told(door.ask("t", LOCAL_PERSON, "x" * 4001))

    web = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=application(door, Settings(home=tmp_path))), base_url=ADDRESS
    )
    async with web:
        whole = await web.post("/v1/sessions/t/try", json={"prompt": "hello"})
        assert (whole.json()["type"], whole.json()["finished"]) == ("replied", True)
        streamed = await web.post("/v1/sessions/t/try", json={"prompt": "hello"}, headers={"accept": EVENT_STREAM})
        assert streamed.text.count("event: replied\n") > 1
        taken = await web.get(f"/v1/papers/{report.report['papers'][0]['id']}")
        assert taken.headers["content-type"].startswith("text/html")

    await door.rate("t", LOCAL_PERSON, 4, "good")
    view = await door.view("t", LOCAL_PERSON)
    assert view.card is not None
    running = view.card.spec["deployment"]
    assert running["rating"] == {"stars": 4, "comment": "good"}
    assert running["current"]
    titles = [link["title"] for link in running["monitoring"]]
    assert titles[:2] == ["Grafana", "Prometheus"]
    assert titles[2].startswith("metrics")
    (outcome,) = door.context.records.outcomes.all()
    assert [(rating.who, rating.stars) for rating in outcome.ratings] == [(LOCAL_PERSON, 4)]

    said = [event for event in await told(door.say("t", LOCAL_PERSON, "how is it doing?")) if isinstance(event, Said)]
    (status,) = (event for event in said if event.kind == "status")
    (seen,) = status.facts["observed"]
    assert "127.0.0.1:9" in seen["unavailable"]
