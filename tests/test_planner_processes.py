"""Planning in processes beside this one: the same plans and errors, and nothing is left or lost when one ends."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agent.planner import Facts, Here, Processes, planning
from agent.planning import Wish, made
from knowledge.errors import NotFound
from knowledge.snapshot import load
from tools.intent import Intent
from tools.market import Market

FACTS = Facts(load(), Market.bundled(load()))
PATIENCE_S = 60


def wish(intent: Intent) -> Wish:
    return Wish(intent.model_dump_json(), "{}", {})


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with planning(FACTS, 1) as planner:
        assert isinstance(planner, Processes)
        yield planner


def planners(of: psutil.Process) -> list[psutil.Process]:
    """The processes that plan for another; beside them Python keeps one that only tracks what they share."""
    return [each for each in of.children(recursive=True) if "spawn_main" in " ".join(each.cmdline())]


def test_they_plan_what_this_process_plans(processes: Processes) -> None:
    asked = wish(Intent(task_type="chatbot", total_users=500))
    assert processes(made, FACTS, asked).to_json() == Here()(made, FACTS, asked).to_json()


def test_what_cannot_be_planned_is_told_as_it_is_here(processes: Processes) -> None:
    asked = wish(Intent(task_type="chatbot", gpu_types=("H1000",)))
    with pytest.raises(NotFound) as there:
        processes(made, FACTS, asked)
    with pytest.raises(NotFound) as here:
        made(FACTS, asked)
    assert (str(there.value), there.value.cure) == (str(here.value), here.value.cure)
    assert (there.value.field, there.value.near) == ("gpu_types", here.value.near)


def test_the_work_of_one_that_was_killed_is_done_by_another(processes: Processes) -> None:
    for each in planners(psutil.Process()):
        each.kill()
    assert processes(made, FACTS, wish(Intent(task_type="chatbot", total_users=700))).feasible


def test_they_plan_with_their_own_facts_alone(processes: Processes) -> None:
    market = Market.bundled(load())
    other = Facts(load(), Market(market.instances[:1], (), market.cards, "other", market.as_of))
    with pytest.raises(ValueError, match="other facts"):
        processes(made, other, wish(Intent()))


def test_they_end_with_the_process_that_asked_however_it_ends(repository: Path) -> None:
    program = "\n".join([
        "import time",
        "from agent.planner import Facts, Processes",
        "from knowledge.snapshot import load",
        "from tools.market import Market",
        "if __name__ == '__main__':",
        "    Processes(Facts(load(), Market.bundled(load())), 1)",
        "    print('begun', flush=True)",
        f"    time.sleep({10 * PATIENCE_S})",
    ])  # fmt: skip
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=repository) as asking:
        assert asking.stdout is not None
        asking.stdout.readline()
        begun = planners(psutil.Process(asking.pid))
        assert begun
        asking.kill()
        _, alive = psutil.wait_procs(begun, timeout=PATIENCE_S)
    assert not alive
