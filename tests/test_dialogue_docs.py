"""docs/conversation.md tells the truth about sessions: the diagram, the commands, the example scenario."""

import asyncio
import re
from pathlib import Path

import pytest

from agent.commands import Choose, Clear, Compare, Describe, Dialogue, Explain, LoadScenario, SaveScenario, Set, WhatIf
from agent.graph import build_graph
from agent.nodes.understand import dialogue
from agent.understanding.commands import commands
from evals.scenario import read_scenarios
from knowledge.snapshot import load
from ui.evaluating import evaluated
from ui.opening import opened
from ui.settings import Settings

DOCUMENT = (Path(__file__).parent.parent / "docs" / "conversation.md").read_text(encoding="utf-8")


def behind(marker: str) -> str:
    return DOCUMENT.split(f"<!-- {marker} -->\n")[1]


def rows() -> list[tuple[str, str, str]]:
    lines = behind("commands").split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [(message, command, given) for message, command, given in cells]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Dialogue:
    async def made() -> Dialogue:
        home = tmp_path_factory.mktemp("home")
        async with opened(time_factor=50, settings=Settings(home=home), tied=True) as sessions:
            async for _ in sessions.say("t", "ann", "chatbot for 1000 users on rented GPUs"):
                pass
            state = await sessions.state("t", "ann")
        return dialogue({**state, "asked": ["budget"]}, 2)

    return asyncio.run(made())


def shown(command: object) -> str:
    match command:
        case Describe(understanding):
            said = understanding.intent.model_dump(exclude_none=True, exclude={"unresolved"})
            return "; ".join(f"`{field}` = {value}" for field, value in said.items())
        case Set(values, _):
            return ", ".join(f"`{field}`" for field in values)
        case WhatIf(values, _, option):
            return ", ".join([*(f"`{field}`" for field in values), *([option] if option else [])])
        case Clear(fields, _):
            return ", ".join(f"`{field}`" for field in fields)
        case Compare(options):
            return ", ".join(options)
        case Explain(subject, option):
            return ", ".join(part for part in (subject, option) if part)
        case SaveScenario(name) | LoadScenario(name):
            return name
        case _:
            return ""


@pytest.mark.parametrize(("message", "command", "given"), rows())
def test_the_table_of_commands_is_true(message: str, command: str, given: str, planned: Dialogue) -> None:
    (found,) = commands(message, load(), planned)
    assert type(found).__name__ == command
    said = shown(found)
    for place, option in enumerate(planned.options, 1):
        said = said.replace(option["id"], f"option {place}")
    assert said == given
    if isinstance(found, Choose):
        assert found.option in {option["id"] for option in planned.options}


def test_the_diagram_is_that_of_the_graph() -> None:
    (drawn,) = re.findall(r"^```mermaid\n(.*?)^```$", behind("diagram"), re.MULTILINE | re.DOTALL)[:1]
    assert drawn.strip() == build_graph().get_graph().draw_mermaid().strip()


def test_the_example_scenario_goes_as_written(tmp_path: Path) -> None:
    (script,) = re.findall(r"^```yaml\n(.*?)^```$", behind("scenario"), re.MULTILINE | re.DOTALL)[:1]
    file = tmp_path / "example.yaml"
    file.write_text(script, encoding="utf-8")
    (played,) = asyncio.run(evaluated(read_scenarios((file,)))).played
    assert played.passed, (played.turns, played.goal_faults)
    assert played.regret_percent == 0
