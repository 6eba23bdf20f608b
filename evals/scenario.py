"""A scripted session as data: what the person says, edits and does, and what must then be true."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from knowledge.errors import BadInput
from tools.loadtest.report import Verdict


class Script(BaseModel):
    """Base of script records: unknown keys are faults, so that a misspelt expectation cannot pass."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Expectation(Script):
    """What must hold after a turn. Slots are dotted paths of the intent; their values are compared exactly."""

    slots: dict[str, Any] = Field(default_factory=dict)
    not_slots: tuple[str, ...] = ()
    asks: tuple[str, ...] | None = None
    """Fields asked about in this turn; an empty list: nothing may be asked."""
    events: tuple[str, ...] = ()
    """Types of events that must occur."""
    errors: tuple[str, ...] = ()
    """Words that must occur in what failed; without it nothing may fail."""
    says: tuple[str, ...] = ()
    """Words that must occur in what was said."""
    awaiting: Literal["review", "words"] | None = None
    plan: dict[str, Any] = Field(default_factory=dict)
    """Facts of the chosen option: dotted path → value, or {min, max}."""
    verdict: Verdict | None = None


class Turn(Script):
    """One thing the person does: exactly one of `user`, `edit`, `action`."""

    user: str | None = None
    edit: dict[str, Any] | None = None
    action: str | None = None
    values: dict[str, Any] = Field(default_factory=dict)
    revision: int | None = None
    """Act on this revision instead of the newest (a stale card)."""
    crash: str | None = None
    """Kill the process that plays these words when the step of this name begins, then go on in another."""
    expect: Expectation = Expectation()

    @model_validator(mode="after")
    def _one_thing(self) -> "Turn":
        if sum(value is not None for value in (self.user, self.edit, self.action)) != 1:
            raise ValueError("a turn has exactly one of: user, edit, action")
        if self.crash is not None and self.user is None:
            raise ValueError("only words can be crashed")
        return self


class Scenario(Script):
    """One scripted session."""

    version: Literal[1] = 1
    id: str
    purpose: str = ""
    channel: Literal["chat", "slack", "api"] = "chat"
    turns: tuple[Turn, ...] = Field(min_length=1)
    goals: Expectation = Expectation()
    """What must hold at the end."""
    max_turns: int | None = None
    truth: dict[str, Any] = Field(default_factory=dict)
    """What the person really needs, as dotted paths: the final choice is priced against the best plan for it."""
    recording: Path | None = None
    """Readings of a language model to play against, beside the scenario; a request that is not in it fails."""


def read_scenarios(paths: tuple[Path, ...]) -> tuple[Scenario, ...]:
    """Scenarios of files and folders (`*.yaml`), in order of path. Raises BadInput naming file and fault."""
    files = [file for path in paths for file in (sorted(path.rglob("*.yaml")) if path.is_dir() else [path])]
    if not files:
        raise BadInput(f"no scenario in {', '.join(map(str, paths))}", "give a .yaml file or a folder of them")
    scenarios = tuple(scenario for file in files for scenario in _read(file))
    ids = [scenario.id for scenario in scenarios]
    twice = {name for name in ids if ids.count(name) > 1}
    if twice:
        raise BadInput(f"scenario id used twice: {', '.join(sorted(twice))}", "give each scenario its own id")
    return scenarios


def _read(file: Path) -> list[Scenario]:
    try:
        documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
        return [_placed(Scenario.model_validate(each), file) for each in documents if each is not None]
    except OSError as error:
        raise BadInput(f"cannot read {file}: {error.strerror}", "check the path") from error
    except yaml.YAMLError as error:
        raise BadInput(f"{file} is not YAML: {str(error).splitlines()[0]}", "mend the file") from error
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise BadInput(f"{file}: {where}: {fault['msg']}", "see docs/conversation.md for the format") from error


def _placed(scenario: Scenario, file: Path) -> Scenario:
    """The scenario with its recording looked up beside its file."""
    if scenario.recording is None:
        return scenario
    return scenario.model_copy(update={"recording": file.parent / scenario.recording})
