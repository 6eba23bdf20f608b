"""A plan as a file to pass on, given to whoever may read its conversation."""

import asyncio
from typing import Literal

from fastapi import APIRouter, FastAPI, Request, Response

from agent.looks import Looks
from ui.rendering.plan_report import FORMS, plan_report
from ui.web.downloads import PLAIN, SAFE, Reader

router = APIRouter(include_in_schema=False)


@router.get("/ui/plans/{thread}.{form}")
async def plan_file(thread: str, form: Literal["html", "md"], request: Request, owner: Reader) -> Response:
    """The plan on the card as one page or as Markdown."""
    looks: Looks = request.app.state.looks
    shown, context = await looks.shown(thread, owner), looks.context
    text = await asyncio.to_thread(plan_report, shown.plan, form, context.snapshot, context.market, shown.chosen)
    headers = {**SAFE, "Content-Disposition": f'attachment; filename="plan.{form}"', "Content-Security-Policy": PLAIN}
    return Response(text, media_type=FORMS[form], headers=headers)


def install(app: FastAPI) -> None:
    """Serve the files; before Chainlit is mounted over the paths beside them."""
    app.include_router(router)
