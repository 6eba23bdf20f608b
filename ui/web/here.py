"""Where a callback of Chainlit is: whose chat, and which."""

import chainlit as cl

from knowledge.errors import NotFound


def thread_here() -> str:
    """The conversation."""
    return cl.context.session.thread_id


def owner_here() -> str:
    """The person. Raises NotFound where nobody is signed in."""
    user = cl.context.session.user
    if user is None:
        raise NotFound("person", "nobody")
    return user.identifier
