"""What slack-bolt calls. Every listener only keeps a job or answers a form, so that Slack has its answer within 3 s."""

import json
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from knowledge.errors import SextantError, Unavailable
from tools.intent import Intent
from ui.slack import form
from ui.slack.clerk import Clerk
from ui.slack.desk import Desk
from ui.slack.jobs import Job, Place, click_job, message_job
from ui.slack.wire import AWAY, told

Body = dict[str, Any]

ACTS = ("choose", "cancel", "rollback", "undo", "redo", "why", "compare")
NUMBERED = {"answer": "say", "change": "edit", "approve": "approve", "rate": "rate"}
"""Buttons of which one row may hold several."""

LATE = "The form could not be opened in time. Click “Edit” again."
STALE = "This card is out of date: close the form and open it from the newest card."


class Listeners:
    """The callbacks of one app."""

    def __init__(self, clerk: Clerk, desk: Desk) -> None:
        self._clerk = clerk
        self._desk = desk

    def install(self, app: AsyncApp) -> None:
        """Register everything with bolt."""
        for event in ("app_mention", "message"):
            app.event(event)(self.said)
        app.event(re.compile(r".*"))(self.ignored)
        app.action("edit")(self.edit)
        for kind in ACTS:
            app.action(kind)(self.clicked(kind))
        for name, kind in NUMBERED.items():
            app.action(re.compile(f"{name}:.+"))(self.clicked(kind))
        app.view(form.FORM)(self.submitted)

    async def said(self, body: Body, context: AsyncBoltContext) -> None:
        """A mention, a direct message, or words in a thread."""
        job = message_job(body["event"], _team(context), str(context.bot_user_id))
        if job is not None and await self._clerk.listens(job):
            await self._desk.take(str(body["event_id"]), job)

    async def ignored(self) -> None:
        """Events of other kinds."""

    def clicked(self, kind: str) -> Callable[..., Awaitable[None]]:
        """A button that is carried out later."""

        async def listener(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
            await self._desk.take(_click(body), click_job(body, _team(context), kind))
            await ack()

        return listener

    async def edit(self, ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
        """Open the form: Slack's trigger lives for 3 s, so nothing is planned before."""
        await ack()
        self._desk.aside(self._open(click_job(body, _team(context), "edit"), str(body["trigger_id"])))

    async def _open(self, job: Job, trigger: str) -> None:
        try:
            view = await self._clerk.view(job)
        except SextantError as error:
            await self._clerk.refuse(job, error)
            return
        place = {"team": job.place.team, "channel": job.place.channel, "thread_ts": job.place.thread_ts}
        if view.card is not None and not await self._clerk.wire.open_form(trigger, form.form(view.card, place)):
            await self._clerk.wire.whisper(job.place, job.user, LATE)

    async def submitted(self, ack: AsyncAck, body: Body) -> None:
        """What the form holds: faults are told in it, the rest is planned after it has closed."""
        sent = body["view"]
        place = json.loads(sent["private_metadata"])
        revision = place.pop("revision")
        job = Job("edit", Place(**place), str(body["user"]["id"]), revision=revision)
        state = sent["state"]["values"]
        try:
            view = await self._clerk.view(job)
        except SextantError:
            await ack(response_action="errors", errors={next(iter(state)): STALE})
            return
        if view.card is None:
            return
        typed = form.changes(view.card, state)
        values, errors = form.checked(Intent.model_validate(view.intent), typed)
        if errors:
            await ack(response_action="errors", errors=form.errors_by_block(errors, state))
            return
        if values:
            kept = Job("edit", job.place, job.user, revision=revision, values=values)
            await self._desk.take(f"form {sent['id']} {sent.get('hash', '')}", kept)
        await ack()


def bolt_app(client: AsyncWebClient, signing_secret: str, listeners: Listeners) -> AsyncApp:
    """The app. bolt answers once a listener has kept its job, and with 500 when it could not: Slack then retries."""
    app = AsyncApp(
        name="sextant",
        logger=logging.getLogger("sextant.slack"),
        client=AsyncWebClient(base_url=client.base_url),  # the token comes with what `authorize` says
        signing_secret=signing_secret,
        authorize=authorize(client),  # type: ignore[arg-type]  # None is allowed: not this app's workspace
        process_before_response=True,
    )
    listeners.install(app)
    return app


def authorize(client: AsyncWebClient) -> Callable[..., Awaitable[AuthorizeResult | None]]:
    """Who the bot is: asked with the first request that needs it, then known. Other workspaces are nobody."""
    known: list[AuthorizeResult] = []

    async def authorized(team_id: str | None) -> AuthorizeResult | None:
        if not known:
            try:
                answer = await client.auth_test()
            except AWAY as error:  # answered with 500, so that Slack sends the request again
                raise Unavailable(f"Slack does not say who the bot is: {told(error)}", "check the bot token") from None
            known.append(
                AuthorizeResult(
                    enterprise_id=answer.get("enterprise_id"),
                    team_id=answer["team_id"],
                    bot_user_id=answer["user_id"],
                    bot_id=answer.get("bot_id"),
                    bot_token=client.token,
                )
            )
        return known[0] if team_id in (None, known[0].team_id) else None

    return authorized


def _team(context: AsyncBoltContext) -> str:
    """The workspace that the app is installed in; somebody of a shared channel may be of another one."""
    known = context.authorize_result
    if known is None or known.team_id is None:
        raise Unavailable("the workspace is not known", "check the bot token")
    return known.team_id


def _click(body: Body) -> str:
    """A click has no event id; its trigger is its own."""
    return f"click {body['trigger_id']}"
