"""What slack-bolt calls. Every listener only keeps a job or answers a form, so that Slack has its answer within 3 s."""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
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
Json = Mapping[str, Any]

ACTS = ("choose", "cancel", "rollback", "undo", "redo", "why", "compare", "beside", "stop")
NUMBERED = {"answer": "say", "change": "edit", "approve": "approve", "rate": "rate"}
"""Buttons of which one row may hold several."""

LATE = "The form could not be opened in time. Click again."
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
        for name, form_of in ((form.EDIT, self._edit_form), (form.TRY, self._prompt_form)):
            app.action(name)(self.opening(form_of))
        for kind in ACTS:
            app.action(kind)(self.clicked(kind))
        for name, kind in NUMBERED.items():
            app.action(re.compile(f"{name}:.+"))(self.clicked(kind))
        app.view(form.EDIT)(self.edited)
        app.view(form.TRY)(self.asked)

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

    def opening(self, form_of: Callable[[Job, Json], Awaitable[Body]]) -> Callable[..., Awaitable[None]]:
        """A button that opens a form: Slack's trigger lives for 3 s, so nothing is planned before."""

        async def listener(ack: AsyncAck, body: Body, context: AsyncBoltContext) -> None:
            await ack()
            job = click_job(body, _team(context), "open")
            self._desk.aside(self._open(job, form_of, str(body["trigger_id"])))

        return listener

    async def _open(self, job: Job, form_of: Callable[[Job, Json], Awaitable[Body]], trigger: str) -> None:
        try:
            view = await form_of(job, asdict(job.place))
        except SextantError as error:
            await self._clerk.refuse(job, error)
            return
        if not await self._clerk.wire.open_form(trigger, view):
            await self._clerk.wire.whisper(job.place, job.user, LATE)

    async def _edit_form(self, job: Job, place: Json) -> Body:
        _, card = await self._clerk.standing(job)
        return form.form(card, place)

    async def _prompt_form(self, job: Job, place: Json) -> Body:
        await self._clerk.own(job)
        return form.prompt_form(place)

    async def edited(self, ack: AsyncAck, body: Body) -> None:
        """What the form holds: faults are told in it, the rest is planned after it has closed."""
        job, state = _sent(body, "edit")
        try:
            view, card = await self._clerk.standing(job)
        except SextantError:
            await ack(response_action="errors", errors={next(iter(state)): STALE})
            return
        values, errors = form.checked(Intent.model_validate(view.intent), form.changes(card, state))
        if errors:
            await ack(response_action="errors", errors=form.errors_by_block(errors, state))
            return
        if values:
            await self._desk.take(_form(body), replace(job, values=values))
        await ack()

    async def asked(self, ack: AsyncAck, body: Body) -> None:
        """A prompt for what runs."""
        job, state = _sent(body, "try")
        await self._desk.take(_form(body), replace(job, text=form.prompt_of(state)))
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


def _sent(body: Body, kind: str) -> tuple[Job, Json]:
    """A form that was sent: the job that it is of, and its fields."""
    told = json.loads(body["view"]["private_metadata"])
    place = Place(told["team"], told["channel"], told["thread_ts"])
    job = Job(kind, place, str(body["user"]["id"]), revision=told.get("revision", 0))
    return job, body["view"]["state"]["values"]


def _form(body: Body) -> str:
    """A form has no event id; its own is new with every opening."""
    return f"form {body['view']['id']} {body['view'].get('hash', '')}"


def _click(body: Body) -> str:
    """A click has no event id; its trigger is its own."""
    return f"click {body['trigger_id']}"
