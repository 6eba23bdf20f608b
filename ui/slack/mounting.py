"""Mounts Slack into the one application, for as long as a context lasts; without a signing secret there is no route."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_sdk.signature import SignatureVerifier

from agent.sessions import Sessions
from ui.api.measures import Measures
from ui.api.problems import problem
from ui.settings import SlackSettings
from ui.slack.clerk import Clerk
from ui.slack.desk import FINISH_WITHIN_S, Desk
from ui.slack.files import Files
from ui.slack.inbox import Inbox
from ui.slack.listeners import Listeners, bolt_app
from ui.slack.threads import Threads
from ui.slack.wire import Wire, web_client

PATH = "/slack/events"
FOLDER = "slack-files"


@asynccontextmanager
async def slack_face(
    app: FastAPI, settings: SlackSettings | None, *, finish_within_s: float = FINISH_WITHIN_S
) -> AsyncIterator[Desk | None]:
    """Slack at `/slack/events`; on leaving, what runs is finished in that time or left to be resumed."""
    if settings is None:
        yield None
        return
    door: Sessions = app.state.sessions
    measures: Measures = app.state.measures
    database = door.context.records.database
    client = web_client(settings.bot_token, settings.api_url)
    files = Files(door.context.records.home / FOLDER, client)
    clerk = Clerk(door, measures, Wire(client), Threads(database), files, deployers=settings.deployers)
    desk = Desk(Inbox(database, door.context.clock), clerk.run)
    handler = AsyncSlackRequestHandler(bolt_app(client, settings.signing_secret, Listeners(clerk, desk)))
    verifier = SignatureVerifier(settings.signing_secret)

    async def events(request: Request) -> Response:
        """Events, clicks and forms, signed by Slack."""
        if not signed(verifier, await request.body(), request):
            return problem(401, "not signed by Slack, or too long ago")
        return await handler.handle(request)

    app.add_api_route(PATH, events, methods=["POST"], include_in_schema=False)
    async with desk.opened(finish_within_s):
        yield desk


def signed(verifier: SignatureVerifier, body: bytes, request: Request) -> bool:
    """Whether Slack signed this within five minutes; checked before anything is read from the body."""
    try:
        return verifier.is_valid_request(body, dict(request.headers))
    except ValueError:  # a time that is no number, a body that is no UTF-8
        return False
