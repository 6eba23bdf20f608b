"""Sweeps: every combination once, in order, the same on whatever executes them."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from distributed import LocalCluster

from knowledge.errors import BadInput
from knowledge.snapshot import load
from tools.intent import Intent
from tools.planner.sweep import Study, combinations, sweep
from ui.commands import sweep as command

Run = Callable[..., tuple[int, str, str]]

STUDY = Study(
    Intent(
        task_type="chatbot",
        total_users=1000,
        preferred_models=("meta-llama/Llama-3.1-8B-Instruct",),
        gpu_types=("NVIDIA-L4-24GB", "NVIDIA-H100-80GB-SXM"),
    ),
    load(),
)
POINTS = combinations({"total_users": [500, 5000, 50_000], "target_ttft_p90_ms": [200.0, 2000.0]})


@pytest.fixture
def run(sextant: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Run:
    monkeypatch.setenv("SEXTANT_HOME", str(tmp_path / "home"))
    return sextant


def test_every_combination_comes_once_the_last_field_fastest() -> None:
    assert [tuple(each.values()) for each in POINTS[:3]] == [(500, 200.0), (500, 2000.0), (5000, 200.0)]
    assert len(POINTS) == 6
    wrong: tuple[dict[str, Sequence[int]], ...] = ({}, {"total_users": []}, {"a": range(200), "b": range(200)})
    for none in wrong:
        with pytest.raises(BadInput, match="combinations"):
            combinations(none)


def test_threads_processes_and_none_give_the_same() -> None:
    alone = [each.to_json() for each in sweep(STUDY, POINTS)]
    with ThreadPoolExecutor(2) as threads:
        assert [each.to_json() for each in sweep(STUDY, POINTS, threads, workers=2)] == alone
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        assert [each.to_json() for each in sweep(STUDY, POINTS[:2], processes, workers=1)] == alone[:2]


def test_more_users_never_cost_less_and_looser_targets_never_more() -> None:
    cost = {tuple(each.changes.values()): each.picks["lowest_cost"].monthly_usd or 0.0 for each in sweep(STUDY, POINTS)}
    assert cost[500, 200.0] <= cost[5000, 200.0] <= cost[50_000, 200.0]
    assert all(cost[users, 2000.0] <= cost[users, 200.0] for users in (500, 5000, 50_000))


def test_a_point_that_cannot_be_planned_says_why_and_the_others_go_on() -> None:
    bad, good = sweep(STUDY, [{"gpu_types": ["H1000"]}, {"total_users": 10}])
    assert bad.error is not None
    assert "H1000" in bad.error
    assert good.picks


def test_progress_counts_every_point() -> None:
    done: list[int] = []
    with ThreadPoolExecutor(2) as threads:
        sweep(STUDY, POINTS, threads, workers=2, seen=done.append)
    assert sum(done) == len(POINTS)


def test_the_command_plans_and_simulates_a_table(run: Run) -> None:
    asked = (
        "sweep",
        "a chatbot with Llama 3.1 8B",
        "--vary",
        "total_users=100,1000",
        "--set",
        "gpu_types=NVIDIA-H100-80GB-SXM",
        "--set",
        "deployment_model=cloud_rental",
    )
    code, out, err = run(*asked, "--refine", "--json")
    assert (code, err) == (0, "")
    points = json.loads(out)["points"]
    assert [each["changes"] for each in points] == [{"total_users": 100}, {"total_users": 1000}]
    assert all(each["feasible"] and isinstance(each["picks"]["lowest_cost"]["holds"], bool) for each in points)
    assert "lowest cost" in run(*asked)[1]
    assert run("sweep", "a chatbot", "--vary", "total_users")[0] == 2
    code, _, err = run("sweep", "a chatbot", "--vary", "surprise=1,2")
    assert (code, "surprise" in err) == (2, True)
    nothing = ("--set", "budget.max_monthly_cost_usd=1", "--vary", "total_users=900,1000")
    assert run("sweep", "a chatbot", *nothing)[0] == 3


def test_a_dask_cluster_gives_the_same(run: Run) -> None:
    asked = ("sweep", "a chatbot with Llama 3.1 8B", "--vary", "total_users=100,1000", "--json")
    alone = run(*asked)
    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address=None
    ) as cluster:
        assert run(*asked, "--cluster", cluster.scheduler_address) == alone


def test_a_cluster_without_workers_or_a_wrong_address_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "CONNECT_SECONDS", 0.2)
    asked = ("sweep", "a chatbot with Llama 3.1 8B", "--vary", "total_users=100,1000", "--cluster")
    code, _, err = run(*asked, "tcp://127.0.0.1:1")
    assert (code, "no Dask scheduler answers" in err) == (1, True)
    assert run(*asked, "nowhere://x")[0] in (1, 2)
    with LocalCluster(
        n_workers=0, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address=None
    ) as cluster:
        code, _, err = run(*asked, cluster.scheduler_address)
    assert (code, "no workers" in err) == (1, True)
