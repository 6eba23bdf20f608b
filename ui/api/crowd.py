"""Before any route: how many plans and uploads run at once, for one person and in all (see agent/slots.py).

An upload has its place before its body is read, so that many bills at once fill neither memory nor disk.
"""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from agent.slots import Slots
from knowledge.errors import Busy
from ui.api.guard import UPLOADS
from ui.api.peers import peer
from ui.api.problems import of
from ui.concurrency import bounds

PLANS = ("/v1/plan", "/v1/compare")


class Crowd:
    """ASGI middleware behind the one that knows whose request it is."""

    def __init__(self, app: ASGIApp, *, said: Mapping[str, int]) -> None:
        self.app = app
        self.plans = Slots("plans", bounds("plans", said))
        self.uploads = Slots("uploads", bounds("uploads", said))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for a place, refuse, or pass on what needs none."""
        slots = self._slots(scope)
        if slots is None:
            await self.app(scope, receive, send)
            return
        principal = scope.get("state", {}).get("principal")
        try:
            async with slots.taken(principal.owner if principal else peer(scope)):
                await self.app(scope, receive, send)
        except Busy as error:
            await of(error)(scope, receive, send)

    def _slots(self, scope: Scope) -> Slots | None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        if scope["path"].startswith(UPLOADS):
            return self.uploads
        return self.plans if scope["path"] in PLANS else None
