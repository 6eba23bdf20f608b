"""Scenarios: named what-ifs of a conversation, each with what it changes and the plan that came of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from knowledge.errors import NotFound
from knowledge.records.clock import Clock, stamp
from knowledge.records.database import Database


@dataclass(frozen=True, slots=True)
class Scenario:
    """One what-if. `overrides` maps dotted fields to values, `plan` is the plan as JSON (empty while not planned)."""

    thread: str
    name: str
    parent: str | None
    overrides: Mapping[str, Any]
    plan: Mapping[str, Any]
    created_at: str
    updated_at: str


class Scenarios:
    """The scenarios of one state directory."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def put(
        self,
        thread: str,
        name: str,
        *,
        parent: str | None = None,
        overrides: Mapping[str, Any],
        plan: Mapping[str, Any] | None = None,
    ) -> Scenario:
        """Keep a scenario under its name; one of the same name is replaced and keeps its date of birth."""
        values = {
            "thread": thread,
            "name": name,
            "parent": parent,
            "overrides": json.dumps(overrides, ensure_ascii=False, allow_nan=False),
            "plan": json.dumps(plan or {}, ensure_ascii=False, allow_nan=False),
            "now": stamp(self._clock()),
        }
        with self._database.write() as connection:
            connection.execute(
                """INSERT INTO scenarios VALUES (:thread, :name, :parent, :overrides, :plan, :now, :now)
                ON CONFLICT (thread, name) DO UPDATE SET parent = :parent, overrides = :overrides, plan = :plan,
                updated_at = :now""",
                values,
            )
        return self.get(thread, name)

    def get(self, thread: str, name: str) -> Scenario:
        """One scenario; NotFound names those that exist."""
        found = {scenario.name: scenario for scenario in self.all(thread)}
        if name not in found:
            raise NotFound("scenario", name, tuple(found)[:3])
        return found[name]

    def all(self, thread: str) -> tuple[Scenario, ...]:
        """The scenarios of a thread in the order they were made."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM scenarios WHERE thread = ? ORDER BY created_at, name", (thread,)
            ).fetchall()
        return tuple(_scenario(row) for row in rows)


def _scenario(row: Mapping[str, Any]) -> Scenario:
    return Scenario(**{**dict(row), "overrides": json.loads(row["overrides"]), "plan": json.loads(row["plan"])})
