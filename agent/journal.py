"""What came of a turn, noted in the records: the source of lists of conversations and of figures over them all."""

import logging
from collections.abc import Mapping
from typing import Any

from agent.context import Context
from agent.events import Event, Progress, Report
from knowledge.errors import SextantError
from knowledge.records import stamp
from knowledge.records.conversation import Turn

log = logging.getLogger("sextant.sessions")


class Journal:
    """One turn of a conversation: `before` is its state when the turn began, `said` what the person wrote."""

    def __init__(self, context: Context, thread: str, owner: str, before: Mapping[str, Any], said: str = "") -> None:
        self.thread = thread
        self._context = context
        self._owner = owner
        self._before = before
        self._said = said
        self._began_at = stamp(context.clock())
        self._approved = self._verified = False

    def saw(self, event: Event) -> None:
        """Watch an event go by."""
        match event:
            case Progress(step="deploy"):
                self._approved = True
            case Report(report=report):
                self._verified = self._verified or report["verdict"] == "met"

    def note(self, after: Mapping[str, Any]) -> None:
        """Write the turn down, now that the state is `after`. A turn that worked does not fail over its note."""
        plan, deployed = after.get("plan") or {}, after.get("deployment") and not self._before.get("deployment")
        turn = Turn(
            thread=self.thread,
            owner=self._owner,
            at=self._began_at,
            ended_at=stamp(self._context.clock()),
            said=self._said,
            planned=bool(plan.get("options")) and plan != self._before.get("plan"),
            edited=(after.get("intent") or {}) != (self._before.get("intent") or {}),
            approved=self._approved or bool(deployed),
            verified=self._verified,
        )
        try:
            self._context.records.conversations.note(turn)
        except SextantError as error:
            log.warning("a turn of %s was not noted: %s", self.thread, error.message)
