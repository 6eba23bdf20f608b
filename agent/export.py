"""A conversation as a file: what was said and done, the facts and prices its plan stood on, and what came of it."""

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from agent.state import Json, Kind, State, chosen_option
from knowledge.errors import BadInput, Conflict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Input(_Part):
    """One thing that the person said (`text`) or did (`values`), and when (ISO 8601, UTC)."""

    kind: Kind
    text: str = ""
    values: dict[str, JsonValue] = Field(default_factory=dict)
    at: str


class Prices(_Part):
    """The prices that a plan read."""

    digest: str
    as_of: str


class Export(_Part):
    """A conversation to keep, hand on and replay."""

    schema_version: Literal[1] = 1
    thread: str
    snapshot: str
    prices: Prices
    model: str | None
    """The language model that helped, if any; a replay uses the rules alone."""
    inputs: tuple[Input, ...] = Field(min_length=1)
    intent: dict[str, JsonValue]
    chosen: dict[str, JsonValue] | None

    def text(self) -> str:
        """The file's content; the same conversation gives the same bytes."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def exported(state: State, *, snapshot: str, prices: Prices, model: str | None) -> Export:
    """The export of a conversation; `snapshot` and `prices` stand in where it has no plan. Raises Conflict."""
    if state.get("inputs_dropped"):
        raise Conflict(
            f"the first {state['inputs_dropped']} inputs of this conversation are no longer kept",
            "begin a new conversation from its specification: sextant plan --spec",
        )
    plan: Json = state.get("plan") or {}
    return Export.model_validate(
        {
            "thread": state["thread"],
            "snapshot": plan.get("snapshot", snapshot),
            "prices": plan.get("market", prices),
            "model": model,
            "inputs": state.get("inputs") or [],
            "intent": state.get("intent") or {},
            "chosen": chosen_option(state),
        }
    )


def read_export(file: Path) -> Export:
    """An exported conversation. Raises BadInput naming what is wrong with the file."""
    try:
        return Export.model_validate_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"cannot read {file}: {error.strerror}", "check the path") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{file} is not text", "give a file written by sextant session export") from error
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "the file"
        raise BadInput(
            f"{file}: {where}: {fault['msg'].lower()}", "give a file written by sextant session export"
        ) from error
